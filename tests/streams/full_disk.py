"""Logs of which some topics can't be appended to."""

from __future__ import annotations

from collections.abc import Sequence

from streams.errors import LogError
from streams.log import Log, MemoryLog, MemoryLogs


class FullDisk:
    """Logs of which some topics can't be appended to."""

    def __init__(self, *topics: str) -> None:
        self.whole = MemoryLogs()
        self._full = topics

    def open(self, topic: str, partitions: int) -> Log:
        log = self.whole.open(topic, partitions)
        return FullLog(log) if topic in self._full else log

    def close(self) -> None:
        """Nothing to let go of."""


class FullLog:
    """A log with no room left."""

    def __init__(self, log: MemoryLog) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self.read, self.begin, self.end, self.offset_at, self.close = (
            log.read,
            log.begin,
            log.end,
            log.offset_at,
            log.close,
        )

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        raise LogError(f"{self.topic}.sqlite: the disk is full")
