"""A log whose newest records are brought by a driver that reads it anyway: what a hosted joiner pulls from.

A read is served from the window of what was brought, where that has the position asked for, and else from the log
itself: after a rewind, a lost disk, a long pause. The driver is told to stop bringing a partition whose window is full,
and where to go on once the reader has reached the end by itself. So nothing that the driver does (repeats, jumps back
at a rebalance, silence) can lose or repeat a record; a driver in step only saves the reading. Decides nothing about
time, and knows no framework.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from threading import Lock

from streams.log import Log, Record

MOST_RECORDS, MOST_BYTES = 1_000, 16 << 20
"""What a window holds of one partition at most."""

Steer = Callable[[int, int | None], None]
"""Tells the driver of a partition from which offset on to bring its records; None: bring no more. Called in the thread
that reads or pushes; must not block."""


class Window:
    """The newest records of one partition, without a gap. `edge`: the offset that the driver should bring next.

    >>> window = Window(records=3)
    >>> window.take(7, 10) is None  # the log is asked
    True
    >>> window.restart(7); window.take(7, 10)  # in step, and there is nothing new
    []
    >>> [window.push(Record(offset, 0, b"")) for offset in (6, 7, 8)], window.edge
    ([True, True, True], 9)
    >>> [record.offset for record in window.take(7, 10)], [record.offset for record in window.take(8, 10)]
    ([7, 8], [8])
    >>> window.push(Record(10, 0, b"")), window.flowing  # a gap: the driver has gone elsewhere
    (False, False)
    """

    def __init__(self, *, records: int = MOST_RECORDS, size: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = records, size
        self._records: deque[Record] = deque()
        self._bytes = 0
        self.edge = -1
        self.flowing = False

    def restart(self, edge: int) -> None:
        """The driver was sent to `edge`."""
        self._records.clear()
        self._bytes, self.edge, self.flowing = 0, edge, True

    def push(self, record: Record) -> bool:
        """Keep what comes next, pass over repeats; False where the driver should bring no more."""
        if not self.flowing or record.offset < self.edge:
            return self.flowing
        if record.offset > self.edge:
            self.flowing = False
            return False
        self._records.append(record)
        self._bytes += len(record.value)
        self.edge += 1
        self.flowing = len(self._records) < self._most and self._bytes < self._most_bytes
        return self.flowing

    def take(self, since: int, limit: int) -> list[Record] | None:
        """Records from `since` on, and what lies below it is forgotten; None where the log must be asked."""
        while self._records and self._records[0].offset < since:
            self._bytes -= len(self._records.popleft().value)
        if self._records and self._records[0].offset == since:
            return list(islice(self._records, limit))
        return [] if self.flowing and since == self.edge else None


class PushedLog:
    """The Log contract over `log`, with a window per partition. The driver calls `push`, readers `read`, in any thread.

    Promised beyond the contract: `read` asks the broker only where the window does not reach. `end` of a partition in
    step is the newest end that the driver told, so it may lag behind; that of all others is the log's own.
    """

    def __init__(self, log: Log, steer: Steer, *, window: Callable[[], Window] = Window) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self._log, self._steer = log, steer
        self._windows = [window() for _ in range(log.partitions)]
        self._ends = [-1] * log.partitions
        self._lock = Lock()

    def push(self, partition: int, record: Record, end: int = -1) -> None:
        """One more record by the driver; `end`: where it knows the log to end."""
        window = self._windows[partition]
        with self._lock:
            self._ends[partition] = max(self._ends[partition], end)
            flowed = window.flowing
            stops = not window.push(record) and flowed
        if stops:
            self._steer(partition, None)

    def stop(self, partition: int) -> None:
        """Forget what was brought: the driver has lost its place."""
        with self._lock:
            self._windows[partition].flowing = False
            self._ends[partition] = -1

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        window = self._windows[partition]
        with self._lock:
            if (brought := window.take(since, limit)) is not None:
                return brought
        records = self._log.read(partition, since, limit)
        if len(records) < limit:
            self._at_the_end(partition, records[-1].offset + 1 if records else since)
        return records

    def _at_the_end(self, partition: int, next: int) -> None:
        """Ask the driver to go on at `next`, if the log ends there and the driver is not in step already."""
        window = self._windows[partition]
        if (window.flowing and window.edge >= next) or self._log.end(partition) != next:
            return
        with self._lock:
            window.restart(next)
        self._steer(partition, next)

    def end(self, partition: int) -> int:
        window = self._windows[partition]
        if window.flowing:
            return max(window.edge, self._ends[partition])
        return self._log.end(partition)

    def begin(self, partition: int) -> int:
        return self._log.begin(partition)

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        return self._log.append(partition, values, at)

    def offset_at(self, partition: int, at: int) -> int:
        return self._log.offset_at(partition, at)

    def trim(self, partition: int, before: int) -> None:
        self._log.trim(partition, before)

    def close(self) -> None:
        """The log belongs to whom it was taken from."""
