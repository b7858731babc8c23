"""A run of records of one partition, held in memory: what was fetched before it was asked for.

Pure; who fetches, and when, is not known here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from streams.log import Record


class Window:
    """All records of a partition from offset `low` to before `high`; gaps in it are gaps of the log.

    >>> window = Window(4)
    >>> window.add([Record(4, 0, b"a"), Record(5, 0, b"bc"), Record(9, 0, b"d")])
    >>> window.low, window.high, window.size
    (4, 10, 4)
    >>> window.take(5, limit=1), window.take(6, limit=5), window.take(10, limit=5)
    ([Record(offset=5, at=0, value=b'bc')], [Record(offset=9, at=0, value=b'd')], [])
    >>> window.forget(6)
    >>> window.low, window.high, window.size
    (6, 10, 1)
    """

    __slots__ = ("_records", "high", "low", "size")

    def __init__(self, at: int) -> None:
        self.low = self.high = at
        self.size = 0
        self._records: list[Record] = []

    def __contains__(self, since: int) -> bool:
        """Whether it knows what comes from `since` on, be it nothing yet."""
        return self.low <= since <= self.high

    def add(self, records: Sequence[Record]) -> None:
        """Take what follows; what comes from before `high` starts it anew (a log that lost its end)."""
        if records[0].offset < self.high:
            self.low, self.size, self._records = records[0].offset, 0, []
        self._records.extend(records)
        self.size += sum(len(record.value) for record in records)
        self.high = records[-1].offset + 1

    def take(self, since: int, limit: int) -> list[Record]:
        """At most `limit` records from `since` on."""
        first = self._place(since)
        return self._records[first : first + limit]

    def forget(self, before: int) -> None:
        """Drop what lies before an offset."""
        gone = self._place(before)
        self.size -= sum(len(record.value) for record in self._records[:gone])
        del self._records[:gone]
        self.low = max(self.low, min(before, self.high))

    def _place(self, offset: int) -> int:
        return bisect_left(self._records, offset, key=lambda record: record.offset)
