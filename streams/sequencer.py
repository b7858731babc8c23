"""The sequencer: reads what producers wrote to the raw topics, writes the one order of `events`.

Its only memory are the headers of the frames it wrote: the last one of each partition says where to read on, so
nothing is lost and nothing is doubled, whatever moment it dies at. It keeps no state and no files. Where nobody hands
out lanes, run one at a time: it stops where it finds that another one writes too. Where they are handed out, a lane
that another one wrote is taken up again from its last frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from streams.burial import Burial
from streams.channel import EVENTS, Channel, Last, Overtaken, Pace, Sequenced, check
from streams.dead_letters import PARTITIONS, TOPIC, DeadLetters
from streams.deliveries import Deliveries
from streams.events import RAW_TOPICS
from streams.hearing import Hearing
from streams.intake import MAX_EVENT_BYTES
from streams.lanes import AllLanes, Lanes
from streams.log import Logs
from streams.positions import Positions
from streams.rates import RateLimits, Seconds
from streams.sequencing import Lane
from streams.sources import Sources

READ_LIMIT = 1000


def sequence(
    logs: Logs,
    *,
    partitions: int,
    clock: Callable[[], int],
    clock_ahead: int,
    frame_events: int = 100,
    frame_ms: int = 20,
    tick_ms: int = 1000,
    read_limit: int = READ_LIMIT,
    max_event_bytes: int = MAX_EVENT_BYTES,
    rates: RateLimits | None = None,
    lanes: Lanes | None = None,
) -> Iterator[Sequenced]:
    """Sequence for ever, one report a turn; `lanes` says which partitions are ours, all where it is not given.

    In each turn, for each of them: 1. Read the sources. 2. Where `frame_events` wait, or one has waited `frame_ms`,
    close frames. 3. Where nothing moved time for `tick_ms` and the sources are read to their ends, add a tick.
    4. Bury what could not be taken. 5. Append the frames, all at once. A crash before 5 is undone by reading again
    from the positions in the last frame; letters that 4 buried before it are known by their origin. Nothing is read
    while 5 waits: what a slow log keeps waiting stays in the raw topics.
    """
    lanes, raw = lanes or AllLanes(partitions), {topic: logs.open(topic, partitions) for topic in RAW_TOPICS}
    events, seconds = logs.open(EVENTS, partitions), Seconds(rates or RateLimits())

    def opened(p: int) -> Channel:
        last = Last.of(events, p)
        hearing = Hearing(
            p, partitions=partitions, clock_ahead=clock_ahead, max_event_bytes=max_event_bytes, seconds=seconds
        )
        lane = Lane(p, last.positions, hearing.hear, partitions=partitions, frame_events=frame_events)
        sources = Sources(lane, raw, read_limit=read_limit)
        check(sources, p)
        return Channel(p, lane, sources, events=events, last=last, shared=lanes.shared)

    burial, deliveries = Burial(DeadLetters(logs.open(TOPIC, PARTITIONS))), Deliveries(since=clock())
    held, pace = _Held(lanes, opened), Pace(frame_events, frame_ms, tick_ms)
    while True:
        burial.know(held.take())
        yield _summed(held.each(lambda channel: channel.turn(clock, pace, burial, deliveries)), deliveries)


class _Held:
    """The lanes that are ours now, each with its channel."""

    def __init__(self, lanes: Lanes, opened: Callable[[int], Channel]) -> None:
        self._lanes = lanes
        self._opened = opened
        self._channels: dict[int, Channel] = {}

    def take(self) -> dict[int, Lane]:
        """Let go of those that are not ours any more, open those that are new."""
        held = self._channels
        self._channels = {p: held.get(p) or self._opened(p) for p in sorted(self._lanes.owned())}
        return {p: channel.lane for p, channel in self._channels.items()}

    def each(self, turn: Callable[[Channel], Sequenced]) -> list[Sequenced]:
        """A turn of each; one that was overtaken where lanes are shared is opened anew by the next `take`."""
        turns = []
        for p, channel in list(self._channels.items()):
            try:
                turns.append(turn(channel))
            except Overtaken:
                if not self._lanes.shared:
                    raise
                del self._channels[p]
        if self._lanes.shared:
            self._lanes.tell(_positions(self._channels.values()))
        return turns


def _positions(channels: Iterable[Channel]) -> dict[str, Positions]:
    """How far the lanes have read each raw topic; of what all of them read, the least."""
    told: dict[str, Positions] = {}
    for channel in channels:
        for topic, places in channel.lane.positions.items():
            known = told.setdefault(topic, {})
            known.update({p: min(next, known.get(p, next)) for p, next in places.items()})
    return told


def _summed(turns: list[Sequenced], deliveries: Deliveries) -> Sequenced:
    return Sequenced(
        idle=all(turn.idle for turn in turns),
        events=sum(turn.events for turn in turns),
        frames=sum(turn.frames for turn in turns),
        ticks=sum(turn.ticks for turn in turns),
        shifted=sum(turn.shifted for turn in turns),
        clamped=sum(turn.clamped for turn in turns),
        buried=sum(turn.buried for turn in turns),
        fast=sum(turn.fast for turn in turns),
        behind=any(turn.behind for turn in turns),
        announced={"/".join(kind): count for kind, count in deliveries.announced.items()},
        delivered={"/".join(kind): count for kind, count in deliveries.delivered.items()},
    )
