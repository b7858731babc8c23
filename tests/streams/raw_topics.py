"""Raw topics to write to, a sequencer over them, and a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from streams.dead_letters import PARTITIONS, TOPIC, DeadLetter, DeadLetters
from streams.events import Event, Impression, Interaction, Shown, Slate, Tick, topic_of
from streams.frames import EventFrame, decode_frame, encode_event
from streams.log import Log, Logs, Record
from streams.sequencer import Sequenced, sequence

PARTS = 2


@dataclass
class Clock:
    """The time of the test; each look at it takes `step` ms."""

    now: int = 1_000_000
    step: int = 0

    def __call__(self) -> int:
        self.now += self.step
        return self.now


class Hooked:
    """A log with something done around its appends, or before its reads."""

    def __init__(
        self,
        log: Log,
        on_append: Callable[[Callable[[], int]], int] = lambda effect: effect(),
        on_read: Callable[[], None] = lambda: None,
    ) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self._log, self._on_append, self._on_read = log, on_append, on_read
        self.begin, self.end, self.offset_at, self.close = log.begin, log.end, log.offset_at, log.close
        self.trim = log.trim

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        return self._on_append(lambda: self._log.append(partition, values, at))

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        self._on_read()
        return self._log.read(partition, since, limit)


def turns(logs: Logs, clock: Clock, **more: Any) -> Iterator[Sequenced]:
    return sequence(logs, partitions=PARTS, clock=clock, **({"clock_ahead": 2_000} | more))


def settle(logs: Logs, clock: Clock, **more: Any) -> list[Sequenced]:
    """Turn until all is written."""
    reports = []
    for report in turns(logs, clock, **more):
        reports.append(report)
        clock.now += 10
        if len(reports) > 3 and all(past.idle for past in reports[-4:]):
            return reports
    raise AssertionError("a sequencer never ends by itself")


def frames(logs: Logs, p: int) -> list[tuple[int, EventFrame]]:
    return [(record.at, decode_frame(record.value)) for record in logs.open("events", PARTS).read(p, 0, 10**6)]


def written(logs: Logs, p: int) -> list[Event]:
    return [event for _, frame in frames(logs, p) for event in frame.events if not isinstance(event, Tick)]


def slates_first(logs: Logs, p: int) -> int:
    """How many slates were written, each before all that refers to it."""
    answered = set()
    for event in written(logs, p):
        if isinstance(event, Slate):
            answered.add(event.request_id)
        elif isinstance(event, Impression | Interaction):
            assert event.request_id in answered
    return len(answered)


def ticks(logs: Logs, p: int) -> list[int]:
    return [event.ts for _, frame in frames(logs, p) for event in frame.events if isinstance(event, Tick)]


def buried(logs: Logs) -> list[DeadLetter]:
    return [letter for _, letter in DeadLetters(logs.open(TOPIC, PARTITIONS)).list()]


def put(logs: Logs, p: int, event: Event, at: int) -> None:
    logs.open(topic_of(event), PARTS).append(p, [encode_event(event)], at)


def click(n: int, **more: Any) -> Interaction:
    return Interaction(f"e{n}", **({"ts": 1_000, "user_id": "ana", "type": "click", "item_id": "tea"} | more))


def slate(request: str, **more: Any) -> Slate:
    return Slate(f"s-{request}", 1_000, "ana", request, (Shown("tea", 0),), **more)


def impression(request: str, **more: Any) -> Impression:
    return Impression(f"i-{request}", 1_000, "ana", request, (Shown("tea", 0),), **more)
