"""The way into the raw topics: events are checked, the wrong ones buried, the good ones appended together.

An event is accepted when it is in the log. Repeats of an `event_id` within one call are taken once; over calls they
are taken again, and every fold drops them by that id: whoever is unsure whether a call arrived may repeat it. What
comes too fast, or while too much waits for the log, is sent away whole, and nothing of it is kept.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from streams.dead_letters import PARTITIONS, TOPIC, DeadLetter, DeadLetters
from streams.errors import BadEvent
from streams.events import WRITE_ORDER, RawTopic, Sent, key_of, topic_of
from streams.frames import encode_event
from streams.log import Log, Logs
from streams.overload import Busy, Room, Share
from streams.positions import partition_of
from streams.rates import RateLimits, Rates
from streams.wire import Read, read

ORIGIN = "gateway"
MAX_EVENT_BYTES = 64 * 1024
MAX_WAITING = 100_000


class Outcome(Struct, frozen=True, gc=False):
    """What became of one event; `field` and `reason` are empty where it was accepted."""

    index: int
    event_id: str | None
    field: str = ""
    reason: str = ""
    status: int = 202

    @property
    def accepted(self) -> bool:
        return self.status == 202


@dataclass(slots=True, eq=False)
class _Waiting:
    """Some events of one caller, until they are in the log or the log has failed."""

    records: list[tuple[RawTopic, int, bytes]]
    done: bool = False
    error: Exception | None = None


@dataclass(slots=True)
class _Heard:
    """What one call brought, judged at `at`."""

    at: int
    outcomes: list[Outcome] = field(default_factory=list)
    records: list[tuple[RawTopic, int, bytes]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    producers: Counter[str] = field(default_factory=Counter)
    shifted: int = 0


class Intake:
    """Takes events from many threads at once; those that come while the log is being written share the next append.

    >>> from streams.log import MemoryLogs
    >>> intake = Intake(MemoryLogs(), partitions=4, clock=lambda: 9)
    >>> [o.field for o in intake.take([b'{"type": "click", "user_id": "ana", "item_id": "tea"}', b'{"type": "like"}'])]
    ['', 'item_id']
    """

    def __init__(
        self,
        logs: Logs,
        *,
        partitions: int,
        clock: Callable[[], int],
        max_event_bytes: int = MAX_EVENT_BYTES,
        max_waiting: int = MAX_WAITING,
        rates: RateLimits | None = None,
    ) -> None:
        self._partitions = partitions
        self._clock = clock
        self._max_event_bytes = max_event_bytes
        self._room = Room(max_waiting)
        self._rates = Rates(rates or RateLimits())
        self._counts = dict.fromkeys(("accepted", "rejected", "shifted", "fast"), 0)
        self._logs: dict[RawTopic, Log] = {topic: logs.open(topic, partitions) for topic in WRITE_ORDER}
        self._letters = DeadLetters(logs.open(TOPIC, PARTITIONS))
        self._waiting: list[_Waiting] = []
        self._queue, self._commit, self._counting = threading.Lock(), threading.Lock(), threading.Lock()

    def take(self, events: Sequence[bytes]) -> list[Outcome]:
        """Take what is right of `events` (one JSON object each); one outcome per event, in order.

        1. Each event is parsed; one with `sent_at` has its clock corrected as if received at the begin of this call.
        2. Busy, and nothing is kept, where a producer is too fast or too much waits. 3. The wrong ones are buried.
        4. The good ones are appended, one append per topic and partition. 5. Only then the outcomes are given.
        LogError where 3 or 4 fails: part of the events may be in.
        """
        share = Share(self._room)
        if not share.grow(len(events)):
            raise Busy(f"{self._room.used:,} events wait for the log, and at most {self._room.most:,} may")
        try:
            heard = self._heard(events)
            self._slow_down(heard)
            self._letters.bury(heard.letters)
            self._append(heard.records)
        finally:
            share.give_back()
        self._count(accepted=len(events) - len(heard.letters), rejected=len(heard.letters), shifted=heard.shifted)
        return heard.outcomes

    def told(self) -> dict[str, dict[str, int]]:
        """What was done since the start, in events; `busy` and `fast` are calls that were sent away."""
        return {"intake": self._counts | {"busy": self._room.refused}}

    def _heard(self, events: Sequence[bytes]) -> _Heard:
        heard, taken = _Heard(self._clock()), set[tuple[RawTopic, str]]()
        for index, data in enumerate(events):
            try:
                event, shifted = self._read(data, heard.at)
                name = topic_of(event), event.event_id
                if name not in taken:
                    heard.records.append(self._record(event))
                    taken.add(name)
                    heard.producers[event.producer] += 1
                heard.shifted += shifted
                heard.outcomes.append(Outcome(index, name[1]))
            except BadEvent as bad:
                status = 413 if bad.field == "event" and len(data) > self._max_event_bytes else 422
                heard.outcomes.append(Outcome(index, _id_in(data), bad.field, bad.reason, status))
                heard.letters.append(DeadLetter(heard.at, bad.reason, bad.field, ORIGIN, data))
        return heard

    def _slow_down(self, heard: _Heard) -> None:
        with self._counting:
            wait, producer = self._rates.wait(heard.producers, now=heard.at)
        if wait:
            self._count(fast=1)
            raise Busy(f"producer {producer!r} sends more events a second than it may", wait)

    def _count(self, **more: int) -> None:
        with self._counting:
            for name, count in more.items():
                self._counts[name] += count

    def append(self, *events: Sent) -> None:
        """Append events that are right already, such as a slate that is about to be answered."""
        self._append([self._record(event) for event in events])

    def _read(self, data: bytes, now: int) -> Read:
        if len(data) > self._max_event_bytes:
            raise BadEvent("event", f"has {len(data):,} bytes; at most {self._max_event_bytes:,} are taken")
        return read(data, received_at=now)

    def _record(self, event: Sent) -> tuple[RawTopic, int, bytes]:
        try:
            return topic_of(event), partition_of(key_of(event), self._partitions), encode_event(event)
        except (OverflowError, UnicodeEncodeError) as error:
            raise BadEvent("event", f"can't be stored: {error}") from error

    def _append(self, records: list[tuple[RawTopic, int, bytes]]) -> None:
        if not records:
            return
        mine = _Waiting(records)
        with self._queue:
            self._waiting.append(mine)
        with self._commit:  # who holds it writes for all who wait for it
            if not mine.done:
                self._write_waiting()
        if mine.error is not None:
            raise mine.error

    def _write_waiting(self) -> None:
        with self._queue:
            group, self._waiting = self._waiting, []
        values: dict[tuple[RawTopic, int], list[bytes]] = {}
        for waiting in group:
            for topic, partition, value in waiting.records:
                values.setdefault((topic, partition), []).append(value)
        error = self._write(values)
        for waiting in group:
            waiting.error, waiting.done = error, True

    def _write(self, values: dict[tuple[RawTopic, int], list[bytes]]) -> Exception | None:
        now = self._clock()
        try:
            for topic, partition in sorted(values, key=lambda place: (WRITE_ORDER.index(place[0]), place[1])):
                self._logs[topic].append(partition, values[topic, partition], at=now)
        except Exception as error:  # every caller of the group must hear of it, not only the one that wrote
            return error
        return None


class _Named(Struct):
    event_id: str | None = None


def _id_in(data: bytes) -> str | None:
    try:
        return _named(data).event_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_named = msgspec.json.Decoder(_Named).decode
