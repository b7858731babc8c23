"""The way into the raw topics: events are checked, the wrong ones buried, the good ones appended together.

An event is accepted when it is in the log. Repeats of an `event_id` within one call are taken once; over calls they
are taken again, and every fold drops them by that id: whoever is unsure whether a call arrived may repeat it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from streams.dead_letters import PARTITIONS, TOPIC, DeadLetter, DeadLetters
from streams.errors import BadEvent
from streams.events import WRITE_ORDER, Event, RawTopic, Tick, key_of, topic_of
from streams.frames import encode_event
from streams.log import Log, Logs
from streams.positions import partition_of
from streams.wire import parse

ORIGIN = "gateway"
MAX_EVENT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Outcome:
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


class Intake:
    """Takes events from many threads at once; those that come while the log is being written share the next append.

    >>> from streams.log import MemoryLogs
    >>> intake = Intake(MemoryLogs(), partitions=4, clock=lambda: 9)
    >>> [o.field for o in intake.take([b'{"type": "click", "user_id": "ana", "item_id": "tea"}', b'{"type": "like"}'])]
    ['', 'item_id']
    """

    def __init__(
        self, logs: Logs, *, partitions: int, clock: Callable[[], int], max_event_bytes: int = MAX_EVENT_BYTES
    ) -> None:
        self._partitions = partitions
        self._clock = clock
        self._max_event_bytes = max_event_bytes
        self._logs: dict[RawTopic, Log] = {topic: logs.open(topic, partitions) for topic in WRITE_ORDER}
        self._letters = DeadLetters(logs.open(TOPIC, PARTITIONS))
        self._waiting: list[_Waiting] = []
        self._queue, self._commit = threading.Lock(), threading.Lock()

    def take(self, events: Sequence[bytes]) -> list[Outcome]:
        """Take what is right of `events` (one JSON object each); one outcome per event, in order.

        1. Each event is parsed. 2. The wrong ones are buried. 3. The good ones are appended, one append per topic and
        partition. 4. Only then the outcomes are given. LogError where 2 or 3 fails: part of the events may be in.
        """
        now = self._clock()
        outcomes: list[Outcome] = []
        letters: list[DeadLetter] = []
        taken: set[tuple[RawTopic, str]] = set()
        records = []
        for index, data in enumerate(events):
            try:
                event = self._parse(data, now)
                name = topic_of(event), _id_of(event)
                if name not in taken:
                    records.append(self._record(event))
                    taken.add(name)
                outcomes.append(Outcome(index, name[1]))
            except BadEvent as bad:
                status = 413 if bad.field == "event" and len(data) > self._max_event_bytes else 422
                outcomes.append(Outcome(index, _id_in(data), bad.field, bad.reason, status))
                letters.append(DeadLetter(now, bad.reason, bad.field, ORIGIN, data))
        self._letters.bury(letters)
        self._append(records)
        return outcomes

    def append(self, *events: Event) -> None:
        """Append events that are right already, such as a slate that is about to be answered."""
        self._append([self._record(event) for event in events])

    def _parse(self, data: bytes, now: int) -> Event:
        if len(data) > self._max_event_bytes:
            raise BadEvent("event", f"has {len(data):,} bytes; at most {self._max_event_bytes:,} are taken")
        return parse(data, received_at=now)

    def _record(self, event: Event) -> tuple[RawTopic, int, bytes]:
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


def _id_of(event: Event) -> str:
    if isinstance(event, Tick):
        raise ValueError("a tick has no id: only the sequencer writes it")
    return event.event_id


class _Named(Struct):
    event_id: str | None = None


def _id_in(data: bytes) -> str | None:
    try:
        return _named(data).event_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


_named = msgspec.json.Decoder(_Named).decode
