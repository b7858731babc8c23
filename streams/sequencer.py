"""The sequencer: reads what producers wrote to the raw topics, writes the one order of `events`.

Its only memory are the headers of the frames it wrote: the last one of each partition says where to read on, so
nothing is lost and nothing is doubled, whatever moment it dies at. It keeps no state, no group offsets, no files. Run
one at a time: it stops where it finds that another one writes too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from streams.dead_letters import PARTITIONS, TOPIC, DeadLetters
from streams.errors import LogError, PositionsBeyondLog
from streams.events import RAW_TOPICS, RawTopic
from streams.frames import decode_frame, encode_frame
from streams.log import Log, Logs
from streams.sequencing import Closed, Lane

EVENTS = "events"
READ_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Sequenced:
    """One turn over all partitions. `behind`: some source has more than was read."""

    idle: bool = True
    events: int = 0
    frames: int = 0
    ticks: int = 0
    clamped: int = 0
    buried: int = 0
    behind: bool = False


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
) -> Iterator[Sequenced]:
    """Sequence for ever, one report a turn.

    In each turn, for each partition: 1. Read the sources. 2. Where `frame_events` wait, or one has waited `frame_ms`,
    close frames. 3. Where nothing moved time for `tick_ms` and the sources are read to their ends, add a tick.
    4. Bury what could not be taken. 5. Append the frames, all at once. A crash before 5 is undone by reading again
    from the positions in the last frame; letters that 4 buried before it are known by their origin.
    """
    raw = {topic: logs.open(topic, partitions) for topic in RAW_TOPICS}
    events = logs.open(EVENTS, partitions)
    letters = DeadLetters(logs.open(TOPIC, PARTITIONS))
    lanes: list[_Channel] = []
    for p in range(partitions):
        positions, closed_at = _recovered(events, p)
        lane = Lane(p, positions, partitions=partitions, clock_ahead=clock_ahead, frame_events=frame_events)
        _check(lane, raw, p)
        lanes.append(_Channel(p, lane, raw=raw, events=events, closed_at=closed_at))
    burial = _Burial(letters, [channel.lane for channel in lanes])
    pace = _Pace(frame_events, frame_ms, tick_ms, read_limit)
    while True:
        yield _summed([channel.turn(clock, pace, burial) for channel in lanes])


@dataclass(frozen=True, slots=True)
class _Pace:
    frame_events: int
    frame_ms: int
    tick_ms: int
    read_limit: int


class _Channel:
    """One partition: its lane, between the logs."""

    def __init__(self, partition: int, lane: Lane, *, raw: Mapping[RawTopic, Log], events: Log, closed_at: int) -> None:
        self.lane = lane
        self._partition = partition
        self._raw = raw
        self._events = events
        self._end = events.end(partition)
        self._closed_at = self._moved_at = closed_at
        self._waits_since: int | None = None

    def turn(self, clock: Callable[[], int], pace: _Pace, burial: _Burial) -> Sequenced:
        now = clock()
        for place, since in self.lane.wanted(pace.read_limit):
            records = self._raw[place.topic].read(place.partition, since, pace.read_limit)
            self.lane.offer(place, records, more=len(records) == pace.read_limit)
        closed = self.lane.close() if self._due(now, pace) else Closed()
        frames = list(closed.frames)
        if closed.moved:
            self._moved_at = now
        ticks = self.lane.caught_up and not self.lane.waiting and now - self._moved_at >= pace.tick_ms
        if ticks:
            frames.append(self.lane.tick(now))
            self._moved_at = now
        if frames:
            self._check_alone()
            burial.bury(closed)
            self._closed_at = max(self._closed_at, clock())
            values = [encode_frame(frame) for frame in frames]
            self._end = self._events.append(self._partition, values, at=self._closed_at)
        behind = not self.lane.caught_up
        idle = not frames and not behind
        return Sequenced(idle, closed.events, len(frames), int(ticks), closed.clamped, len(closed.letters), behind)

    def _check_alone(self) -> None:
        end = self._events.end(self._partition)
        if end != self._end:
            raise LogError(
                f"{EVENTS}[{self._partition}] ends at {end:,}, but this sequencer wrote it up to {self._end:,}: "
                "another one runs on the same log. Stop one of them; `headrace status` shows their processes"
            )

    def _due(self, now: int, pace: _Pace) -> bool:
        waiting = self.lane.waiting
        if not waiting:
            self._waits_since = None
            return False
        if self._waits_since is None:
            self._waits_since = now
        if waiting < pace.frame_events and self.lane.caught_up and now - self._waits_since < pace.frame_ms:
            return False
        self._waits_since = None
        return True


class _Burial:
    """Buries letters once, also those that a sequencer buried before it died."""

    def __init__(self, letters: DeadLetters, lanes: list[Lane]) -> None:
        self._letters = letters
        self._done: set[str] = set()
        since = 0
        while found := letters.list(since=since):
            since = found[-1][0] + 1
            self._done.update(letter.origin for _, letter in found if _is_ahead(letter.origin, lanes))

    def bury(self, closed: Closed) -> None:
        self._letters.bury([letter for letter in closed.letters if letter.origin not in self._done])


def _is_ahead(origin: str, lanes: list[Lane]) -> bool:
    """Whether the letter was a record that is in no frame yet."""
    place = _ORIGIN.fullmatch(origin)
    if place is None or int(place[2]) >= len(lanes):
        return False
    position = lanes[int(place[2])].positions.get(place[1], {}).get(int(place[2]), 0)
    return int(place[3]) >= position


def _recovered(events: Log, partition: int) -> tuple[dict[str, dict[int, int]], int]:
    """The sources' positions in the last frame of this partition, and when it was closed."""
    last = events.read(partition, events.end(partition) - 1, 1)
    return (decode_frame(last[0].value).sources, last[0].at) if last else ({}, 0)


def _check(lane: Lane, raw: Mapping[RawTopic, Log], partition: int) -> None:
    for place, since in lane.wanted(1):
        end = raw[place.topic].end(place.partition)
        if since > end:
            raise PositionsBeyondLog(
                f"{EVENTS}[{partition}] has read {place.topic}[{place.partition}] up to {since:,}, but that ends at "
                f"{end:,}: it was made anew while {EVENTS} was kept. Put it back, or begin a new log with "
                "`headrace up --log sqlite://NEW_FOLDER`"
            )


def _summed(turns: list[Sequenced]) -> Sequenced:
    return Sequenced(
        idle=all(turn.idle for turn in turns),
        events=sum(turn.events for turn in turns),
        frames=sum(turn.frames for turn in turns),
        ticks=sum(turn.ticks for turn in turns),
        clamped=sum(turn.clamped for turn in turns),
        buried=sum(turn.buried for turn in turns),
        behind=any(turn.behind for turn in turns),
    )


_ORIGIN = re.compile(r"(\w+)\[(\d+)\]@(\d+)")
