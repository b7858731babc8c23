"""An append-only record of bytes in partitions: the contract, and its plain in-memory form.

A log is one topic. Who wants all topics of a deployment asks `Logs`. What the bytes mean is for `wire.py`.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from streams.errors import LogMismatch


class Record(NamedTuple):
    """`at` is the record time in ms, stamped by the writer when it closed the record."""

    offset: int
    at: int
    value: bytes


class Log(Protocol):
    """An append-only record of bytes in `partitions` partitions.

    Promised: records of one partition keep their order, offsets are dense from `begin`; `append` is atomic (all of
    its values or none, side by side, up to 4 MiB; what is more goes in pieces, one after the other, each atomic) and
    durable against the death of the process when it returns; many processes and threads may append and read. What
    `append` or `end` of one Log object told is there for its own `read`; what others append may come a moment later.
    Not promised: order between partitions, absence of repeats when a writer retries after a crash, durability against
    loss of power (a setting of the real logs), blocking reads, dense offsets in topics that others write too.
    """

    topic: str
    partitions: int

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        """Append `values` with record time `at` (ms); the offset after the last of them."""
        ...

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        """At most `limit` records from offset `since` on; empty at the end. Below `begin` it starts at `begin`.

        It never waits for what is not written yet. Who must know that there is nothing more asks `end` first.
        """
        ...

    def begin(self, partition: int) -> int:
        """The first offset that retention left."""
        ...

    def end(self, partition: int) -> int:
        """The next offset that will be written."""
        ...

    def offset_at(self, partition: int, at: int) -> int:
        """The first offset whose record time is `at` or later; the end if there is none."""
        ...

    def trim(self, partition: int, before: int) -> None:
        """Take away what lies below `before`, for ever; the last record stays, so that offsets go on where they were.

        May be called again, also after a death in the middle of it. Others read and append meanwhile: a reader whose
        position is gone finds its next record at a later offset. That space is given back is not promised.
        """
        ...

    def close(self) -> None:
        """Let go of files and sockets; may be called twice."""
        ...


class Logs(Protocol):
    """All topics of one deployment: `open` gives the log of a topic, made with `partitions` where it is new.

    Raises LogMismatch where the topic exists with another number of partitions.
    """

    def open(self, topic: str, partitions: int) -> Log: ...

    def close(self) -> None: ...


class MemoryLog:
    """The contract in a list per partition: the test double and the oracle.

    >>> log = MemoryLog("events", partitions=1)
    >>> log.append(0, [b"a", b"b"], at=5)
    2
    >>> log.read(0, since=1)
    [Record(offset=1, at=5, value=b'b')]
    >>> log.offset_at(0, 6), log.end(0)
    (2, 2)
    >>> log.trim(0, before=2)
    >>> log.begin(0), log.end(0)
    (1, 2)
    """

    def __init__(self, topic: str, partitions: int) -> None:
        self.topic = topic
        self.partitions = partitions
        self._records: list[list[Record]] = [[] for _ in range(partitions)]
        self._lock = threading.Lock()

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        with self._lock:
            records = self._records[partition]
            first = _end(records)
            records.extend(Record(first + i, at, bytes(v)) for i, v in enumerate(values))
            return _end(records)

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        records = self._records[partition]
        first = max(since - _begin(records), 0)
        return records[first : first + limit]

    def begin(self, partition: int) -> int:
        return _begin(self._records[partition])

    def end(self, partition: int) -> int:
        return _end(self._records[partition])

    def offset_at(self, partition: int, at: int) -> int:
        records = self._records[partition]
        return _begin(records) + bisect_left(records, at, key=lambda record: record.at)

    def trim(self, partition: int, before: int) -> None:
        with self._lock:
            records = self._records[partition]
            gone = min(before, _end(records) - 1) - _begin(records)
            if gone > 0:
                self._records[partition] = records[gone:]  # those who read just now keep the old list

    def close(self) -> None:
        """Nothing to let go of."""


class MemoryLogs:
    """Every topic in memory, one log each."""

    def __init__(self) -> None:
        self._logs: dict[str, MemoryLog] = {}

    def open(self, topic: str, partitions: int) -> MemoryLog:
        log = self._logs.setdefault(topic, MemoryLog(topic, partitions))
        if log.partitions != partitions:
            raise LogMismatch(f"{topic} has {log.partitions} partitions, not {partitions}; open it with as many")
        return log

    def close(self) -> None:
        """Nothing to let go of."""


def _begin(records: Sequence[Record]) -> int:
    return records[0].offset if records else 0


def _end(records: Sequence[Record]) -> int:
    return records[-1].offset + 1 if records else 0
