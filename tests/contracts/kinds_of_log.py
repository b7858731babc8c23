"""Each kind of log, new: in memory, in SQLite, on a broker, reopened at each call, through two handles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from headrace.broker import Broker
from streams.kafka_connection import Connection
from streams.kafka_log import KafkaLogs
from streams.log import Log, Logs, MemoryLogs, Record
from streams.sqlite_log import SqliteLogs
from tests.streams.kafka_ground import new_connection

T = TypeVar("T")
Pair = tuple[Log, Log]
"""Where to write, and where to read."""


class Reopened:
    """A log whose every call opens the file anew."""

    topic, partitions = "events", 3

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        return self._ask(lambda log: log.append(partition, values, at))

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        return self._ask(lambda log: log.read(partition, since, limit))

    def begin(self, partition: int) -> int:
        return self._ask(lambda log: log.begin(partition))

    def end(self, partition: int) -> int:
        return self._ask(lambda log: log.end(partition))

    def offset_at(self, partition: int, at: int) -> int:
        return self._ask(lambda log: log.offset_at(partition, at))

    def trim(self, partition: int, before: int) -> None:
        self._ask(lambda log: log.trim(partition, before))

    def close(self) -> None:
        """Nothing stays open."""

    def _ask(self, question: Callable[[Log], T]) -> T:
        logs = SqliteLogs(self._folder)
        try:
            return question(logs.open(self.topic, self.partitions))
        finally:
            logs.close()


KINDS = ["memory", "sqlite", "sqlite, synced", "reopened", "two handles", "kafka", "kafka, two handles"]


def logs_of(kind: str, folder: Path, broker: Callable[[], Broker]) -> list[Logs]:
    """One or two handles of a new log with the topic events."""
    if kind.startswith("kafka"):
        to: Connection = new_connection(broker().url, {"events": 3})
        return [KafkaLogs(to), KafkaLogs(to)] if "two" in kind else [KafkaLogs(to)]
    kinds: dict[str, Callable[[], list[Logs]]] = {
        "memory": lambda: [MemoryLogs()],
        "sqlite": lambda: [SqliteLogs(folder)],
        "sqlite, synced": lambda: [SqliteLogs(folder, synchronous="FULL")],
        "two handles": lambda: [SqliteLogs(folder), SqliteLogs(folder)],
    }
    return kinds[kind]()
