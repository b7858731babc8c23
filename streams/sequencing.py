"""One lane of the sequencer: the raw records of one partition become its one order of events, in frames.

The order is a merge of the raw topics by record time, what others refer to first where times are equal, so that after
an outage events stand as they would have stood without it. It depends on positions and records alone: whoever goes on
from the positions in a frame's header goes on with the same order. Nothing here reads a log or a clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from streams.dead_letters import DeadLetter, origin_of
from streams.errors import BadEvent
from streams.events import WRITE_ORDER, Event, Impression, Interaction, RawTopic, Slate, Tick, topic_of
from streams.frames import EventFrame, decode_event
from streams.log import Record
from streams.positions import Positions
from streams.request_ids import version_of

MovesTime = (Slate, Impression, Interaction)


class Place(NamedTuple):
    """One partition of one raw topic."""

    topic: RawTopic
    partition: int


@dataclass(frozen=True, slots=True)
class Closed:
    """What a lane gave: frames to append, letters to bury before that, and what was counted on the way."""

    frames: tuple[EventFrame, ...] = ()
    letters: tuple[DeadLetter, ...] = ()
    events: int = 0
    clamped: int = 0
    moved: bool = False
    """Whether an event was among them that moves time downstream."""


class _Heard(NamedTuple):
    at: int
    event: Event | None
    letter: DeadLetter | None = None
    clamped: bool = False


@dataclass(slots=True)
class _Source:
    place: Place
    next: int
    waiting: deque[_Heard] = field(default_factory=deque)
    more: bool = False


class Lane:
    """The sources of one partition of `events`: its own partition of each raw topic, and all partitions of `items`.

    >>> from streams.frames import encode_event
    >>> lane = Lane(0, {}, partitions=1, clock_ahead=0)
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
        *,
        partitions: int,
        clock_ahead: int,
        frame_events: int = 100,
    ) -> None:
        self._partition = partition
        self._clock_ahead = clock_ahead
        self._frame_events = frame_events
        places = [
            Place(topic, q) for topic in WRITE_ORDER for q in (range(partitions) if topic == "items" else [partition])
        ]
        self._sources = {
            place: _Source(place, positions.get(place.topic, {}).get(place.partition, 0)) for place in places
        }
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

    def wanted(self, limit: int) -> list[tuple[Place, int]]:
        """Where to read on, and from which offset, in the order that lets no impression overtake its slate."""
        return [
            (source.place, source.next + len(source.waiting))
            for source in reversed(self._sources.values())
            if len(source.waiting) < limit
        ]

    def offer(self, place: Place, records: Sequence[Record], *, more: bool) -> None:
        """Take records of one source, in order; `more`: whether there may be others behind them."""
        source = self._sources[place]
        source.more = more
        for record in records:
            heard = self._hear(place, record)
            if isinstance(heard.event, Slate):
                self._answered.add(heard.event.request_id)
            source.waiting.append(heard)

    def close(self) -> Closed:
        """Put what waits into frames, as far as its order is sure; the last one may hold no event, only positions."""
        frames: list[EventFrame] = []
        letters: list[DeadLetter] = []
        events: list[Event] = []
        count, clamped, moved, cut = 0, 0, False, True
        for heard in self._merged():
            cut = False
            clamped += heard.clamped
            if heard.letter is not None:
                letters.append(heard.letter)
            if heard.event is not None:
                events.append(heard.event)
                moved = moved or isinstance(heard.event, MovesTime)
            if len(events) == self._frame_events:
                frames.append(EventFrame(tuple(events), self.positions))
                count, cut = count + len(events), True
                events.clear()
        if not cut:
            frames.append(EventFrame(tuple(events), self.positions))
        return Closed(tuple(frames), tuple(letters), count + len(events), clamped, moved)

    def tick(self, now: int) -> EventFrame:
        """A frame that says: everything received before `now` is in the frames before this one."""
        return EventFrame((Tick(now),), self.positions)

    def _merged(self) -> Iterator[_Heard]:
        while (source := self._earliest()) is not None:
            heard = source.waiting.popleft()
            source.next += 1
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

    def _hear(self, place: Place, record: Record) -> _Heard:
        try:
            event = _checked(place.topic, record.value)
        except BadEvent as bad:
            if place.partition != self._partition:
                return _Heard(record.at, None)  # a copy of an item: the lane of its own partition buries it
            origin = origin_of(*place, record.offset)
            return _Heard(record.at, None, DeadLetter(record.at, bad.reason, bad.field, origin, record.value))
        if event.ts > record.at + self._clock_ahead:
            return _Heard(record.at, msgspec.structs.replace(event, ts=record.at), clamped=True)
        return _Heard(record.at, event)


def _checked(topic: RawTopic, data: bytes) -> Event:
    """The event of a record of this topic, with the model version that its request id tells."""
    try:
        event = decode_event(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent("record", f"is no event: {error}") from error
    if isinstance(event, Tick) or topic_of(event) != topic:
        raise BadEvent("type", f"is {type(event).__name__}, which has no place in {topic}")
    if not isinstance(event, MovesTime) or event.request_id is None:
        return event
    version = version_of(event.request_id)
    if version is None or version == event.model_version:
        return event
    if event.model_version is not None:
        raise BadEvent("model_version", f"is {event.model_version}, but version {version} answered {event.request_id}")
    return msgspec.structs.replace(event, model_version=version)
