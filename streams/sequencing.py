"""One lane of the sequencer: the raw records of one partition become its one order of events, in frames.

The order is a merge of the raw topics by record time, what others refer to first where times are equal, so that after
an outage events stand as they would have stood without it. It depends on positions and records alone: whoever goes on
from the positions in a frame's header goes on with the same order. Nothing here reads a log or a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from streams.dead_letters import DeadLetter
from streams.events import WRITE_ORDER, Announcement, Event, Impression, Interaction, Slate, Tick
from streams.frames import EventFrame
from streams.hearing import Heard, MovesTime, Place
from streams.log import Record
from streams.positions import Positions

MAX_FRAME_BYTES = 512 * 1024
"""A frame of so many bytes is closed: with the largest event yet it fits into a record of a broker (1 MB)."""
Hear = Callable[[Place, Record], Heard]


@dataclass(frozen=True, slots=True)
class Closed:
    """What a lane gave: frames to append, letters to bury before that, and what was counted on the way."""

    frames: tuple[EventFrame, ...] = ()
    letters: tuple[DeadLetter, ...] = ()
    events: int = 0
    shifted: int = 0
    clamped: int = 0
    fast: int = 0
    moved: bool = False
    """Whether an event was among them that moves time downstream."""


@dataclass(slots=True)
class _Source:
    place: Place
    next: int
    waiting: deque[Heard] = field(default_factory=deque)
    read_to: int = 0
    more: bool = False


class _Frames:
    """Frames of what comes, each with the positions after its last event."""

    def __init__(self, events: int) -> None:
        self.made: list[EventFrame] = []
        self.count = 0
        self._most = events
        self._events: list[Event] = []
        self._announced: list[tuple[int, Announcement]] = []
        self._size = 0

    def add(self, heard: Heard) -> bool:
        """Whether a frame is full with this."""
        event = heard.event
        if isinstance(event, Announcement):
            self._announced.append((len(self._events), event))
        elif event is not None:
            self._events.append(event)
        self._size += heard.size
        return len(self._events) + len(self._announced) >= self._most or self._size >= MAX_FRAME_BYTES

    def cut(self, positions: dict[str, Positions]) -> None:
        self.made.append(EventFrame(tuple(self._events), positions, tuple(self._announced)))
        self.count += len(self._events)
        self._events.clear()
        self._announced.clear()
        self._size = 0


class Lane:
    """The sources of one partition of `events`: its own partition of each raw topic, and all partitions of `items`.

    >>> from streams.frames import encode_event
    >>> from streams.hearing import Hearing
    >>> lane = Lane(0, {}, Hearing(0, partitions=1, clock_ahead=0).hear, partitions=1)
    >>> tea = encode_event(Interaction("e1", 90, "ana", "click", item_id="tea"))
    >>> lane.offer(Place("interactions", 0), [Record(0, 50, tea), Record(1, 51, b"junk")], more=False)
    >>> closed = lane.close()
    >>> closed.frames[0].events[0].ts, closed.frames[0].sources["interactions"], closed.letters[0].origin
    (50, {0: 2}, 'interactions[0]@1')
    """

    def __init__(
        self,
        partition: int,
        positions: dict[str, Positions],
        hear: Hear,
        *,
        partitions: int,
        frame_events: int = 100,
    ) -> None:
        self._hear = hear
        self._frame_events = frame_events
        places = [
            Place(topic, q) for topic in WRITE_ORDER for q in (range(partitions) if topic == "items" else [partition])
        ]
        self._sources = {place: _source(place, positions) for place in places}
        self._slates = self._sources[Place("slates", partition)]
        self._answered: set[str] = set()
        """Request ids of the slates that wait."""

    @property
    def waiting(self) -> int:
        """How many records were offered and are in no frame yet."""
        return sum(len(source.waiting) for source in self._sources.values())

    @property
    def caught_up(self) -> bool:
        """Whether every source was read to its end when it was read last."""
        return not any(source.more for source in self._sources.values())

    @property
    def positions(self) -> dict[str, Positions]:
        """The next record of each source that no frame has."""
        positions: dict[str, Positions] = {}
        for (topic, q), source in self._sources.items():
            positions.setdefault(topic, {})[q] = source.next
        return positions

    @property
    def places(self) -> list[Place]:
        """The sources, in the order of reading that lets no impression overtake its slate."""
        return list(reversed(self._sources))

    def since(self, place: Place) -> int:
        """The offset from which on this source was not offered yet."""
        return self._sources[place].read_to

    def waiting_of(self, place: Place) -> int:
        """How many records of this source wait."""
        return len(self._sources[place].waiting)

    def offer(self, place: Place, records: Sequence[Record], *, more: bool) -> None:
        """Take records of one source, in order; `more`: whether there may be others behind them."""
        source = self._sources[place]
        source.more = more
        for record in records:
            heard = self._hear(place, record)
            if isinstance(heard.event, Slate):
                self._answered.add(heard.event.request_id)
            source.waiting.append(heard)
            source.read_to = heard.next

    def close(self) -> Closed:
        """Put what waits into frames, as far as its order is sure; the last one may hold no event, only positions."""
        frames, letters = _Frames(self._frame_events), list[DeadLetter]()
        shifted, clamped, fast, moved, cut = 0, 0, 0, False, True
        for heard in self._merged():
            shifted += heard.shifted
            clamped += heard.clamped
            fast += heard.fast
            if heard.letter is not None:
                letters.append(heard.letter)
            moved = moved or isinstance(heard.event, MovesTime)
            cut = frames.add(heard)
            if cut:
                frames.cut(self.positions)
        if not cut:
            frames.cut(self.positions)
        return Closed(tuple(frames.made), tuple(letters), frames.count, shifted, clamped, fast, moved)

    def tick(self, now: int) -> EventFrame:
        """A frame that says: everything received before `now` is in the frames before this one."""
        return EventFrame((Tick(now),), self.positions)

    def _merged(self) -> Iterator[Heard]:
        while (source := self._earliest()) is not None:
            heard = source.waiting.popleft()
            source.next = heard.next
            if isinstance(heard.event, Slate):
                self._answered.discard(heard.event.request_id)
            yield heard

    def _earliest(self) -> _Source | None:
        """The source whose next record comes first; None where that can't be known before more is read."""
        first: _Source | None = None
        for source in self._sources.values():
            if not source.waiting:
                if source.more:
                    return None
            elif first is None or source.waiting[0].at < first.waiting[0].at:
                first = source
        if first is not None and self._answered:
            event = first.waiting[0].event
            if isinstance(event, Impression | Interaction) and event.request_id in self._answered:
                return self._slates  # the clocks of two writers disagree
        return first


def _source(place: Place, positions: dict[str, Positions]) -> _Source:
    since = positions.get(place.topic, {}).get(place.partition, 0)
    return _Source(place, since, read_to=since)
