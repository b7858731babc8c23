"""One lane of the sequencer between the logs: when frames are closed, when time is told, and what is written.

Which lanes there are is for `sequencer.py`, what order events get for `sequencing.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.burial import Burial
from streams.deliveries import Deliveries
from streams.errors import LogError, PositionsBeyondLog
from streams.frames import EventFrame, decode_frame, encode_frame
from streams.log import Log
from streams.positions import Positions
from streams.sequencing import Closed, Lane
from streams.sources import Sources

EVENTS = "events"


class Overtaken(LogError):
    """Somebody else wrote this lane."""


@dataclass(frozen=True, slots=True)
class Sequenced:
    """One turn over all partitions. `behind`: some source has more than was read. `shifted` and `clamped` are clocks
    that were corrected, `fast` the events above their producer's rate: they are taken like the others, since a record
    in a log can't be sent back. `announced` and `delivered` are by producer and type, since the start."""

    idle: bool = True
    events: int = 0
    frames: int = 0
    ticks: int = 0
    shifted: int = 0
    clamped: int = 0
    buried: int = 0
    fast: int = 0
    behind: bool = False
    announced: dict[str, int] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)


class Last(NamedTuple):
    """Where a lane goes on: the sources' positions in its last frame, when that was closed, what offset comes next."""

    positions: dict[str, Positions]
    closed_at: int
    next: int

    @classmethod
    def of(cls, events: Log, partition: int) -> Last:
        end = events.end(partition)
        found = events.read(partition, end - 1, 1)
        return cls(decode_frame(found[0].value).sources, found[0].at, end) if found else cls({}, 0, end)


@dataclass(frozen=True, slots=True)
class Pace:
    """When frames are closed, and when time is told without them."""

    frame_events: int
    frame_ms: int
    tick_ms: int


class Channel:
    """One partition: its lane, between the logs."""

    def __init__(
        self, partition: int, lane: Lane, sources: Sources, *, events: Log, last: Last, shared: bool = False
    ) -> None:
        self.lane = lane
        self._shared = shared
        self._partition = partition
        self._sources = sources
        self._events = events
        self._end = last.next
        self._closed_at = self._moved_at = last.closed_at
        self._waits_since: int | None = None

    def turn(self, clock: Callable[[], int], pace: Pace, burial: Burial, deliveries: Deliveries) -> Sequenced:
        now = clock()
        self._sources.read()
        closed = self.lane.close() if self._due(now, pace) else Closed()
        frames = list(closed.frames)
        if closed.moved:
            self._moved_at = now
        ticks = self._quiet(now, pace)
        if ticks:
            frames.append(self.lane.tick(now))
            self._moved_at = now
        if frames:
            self._write(frames, closed, clock, burial)
            for frame in closed.frames:
                for event in frame.in_order():
                    deliveries.feed(event)
        behind = not self.lane.caught_up
        return Sequenced(
            idle=not frames and not behind,
            events=closed.events,
            frames=len(frames),
            ticks=int(ticks),
            shifted=closed.shifted,
            clamped=closed.clamped,
            buried=len(closed.letters),
            fast=closed.fast,
            behind=behind,
        )

    def _quiet(self, now: int, pace: Pace) -> bool:
        if now - self._moved_at < pace.tick_ms or not self.lane.caught_up or self.lane.waiting:
            return False
        return self._sources.at_ends()

    def _write(self, frames: list[EventFrame], closed: Closed, clock: Callable[[], int], burial: Burial) -> None:
        if not self._shared:
            self._check_alone(self._events.end(self._partition))
        burial.bury(closed)
        self._closed_at = max(self._closed_at, clock())
        values = [encode_frame(frame) for frame in frames]
        end = self._events.append(self._partition, values, at=self._closed_at)
        self._check_alone(end - len(values))
        self._end = end

    def _check_alone(self, end: int) -> None:
        """Where lanes are shared it is enough to hear of it afterwards, and saves asking a broker each time."""
        if end != self._end:
            raise Overtaken(
                f"{EVENTS}[{self._partition}] ends at {end:,}, but this sequencer wrote it up to {self._end:,}: "
                "another one runs on the same log. Stop one of them; `headrace status` shows their processes"
            )

    def _due(self, now: int, pace: Pace) -> bool:
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


def check(sources: Sources, partition: int) -> None:
    """Raises PositionsBeyondLog where a source ends before the place where the lane goes on."""
    for (topic, q), (since, end) in sources.missing().items():
        raise PositionsBeyondLog(
            f"{EVENTS}[{partition}] has read {topic}[{q}] up to {since:,}, but that ends at {end:,}: it was made anew "
            f"while {EVENTS} was kept. Put it back, or begin a new log with `headrace up --log sqlite://NEW_FOLDER`"
        )
