"""What changed since a mark: rows that were touched, ids that went. Nothing is ever dropped for want of room.

A mark is a number; asking for what came after it takes nothing away, so a version that failed to be written is asked
for again. Ids that went are kept until `forget` is told that nobody will ask for them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.tables.reserved import Stretch

Longs = NDArray[np.int64]
Arrays = dict[str, NDArray[np.int64] | NDArray[np.int32]]

RESERVE = 1 << 28


class Touched:
    """Rows stamped with the mark under which they were touched last.

    >>> touched = Touched()
    >>> touched.touch(np.array([3, 1]), 5); mark = touched.mark(); touched.touch(np.array([3]), 5)
    >>> touched.since(mark).tolist(), touched.since(0).tolist()
    ([3], [1, 3])
    """

    def __init__(self) -> None:
        self._stamps = Stretch(np.int32, reserve=RESERVE)
        self._now, self._rows = 1, 0
        self._gone: list[tuple[int, Longs, Longs]] = []

    def mark(self) -> int:
        """A mark after all that came so far."""
        self._now += 1
        return self._now

    def touch(self, row_N: Longs, rows: int) -> None:
        """These rows changed, of `rows` in all."""
        self._rows = max(self._rows, rows)
        self._stamps.reach(self._rows)[row_N] = self._now

    def bury(self, row_M: Longs, space_M: Longs, key_M: Longs) -> None:
        """These rows' ids went."""
        if len(row_M):
            self._rows = max(self._rows, int(row_M.max()) + 1)
            self._stamps.reach(self._rows)[row_M] = 0
            self._gone.append((self._now, space_M, key_M))

    def unbury(self, space: int, key: int) -> None:
        """Note no more that an id went."""
        kept = [(stamp, s_M, k_M, (s_M != space) | (k_M != key)) for stamp, s_M, k_M in self._gone]
        self._gone = [(stamp, s_M[other], k_M[other]) for stamp, s_M, k_M, other in kept if other.any()]

    def since(self, mark: int) -> Longs:
        """Rows of ids, in order, that changed since a mark."""
        stamp_R = self._stamps.array[: self._rows]
        return np.flatnonzero((stamp_R >= mark) & (stamp_R > 0)).astype(np.int64)

    def gone_since(self, mark: int) -> tuple[Longs, Longs]:
        """Ids that went since a mark, each once, in order of (space, key); some may have come back."""
        space_M, key_M = self._buried(mark)[1:]
        order = np.lexsort((key_M, space_M))
        space_M, key_M = space_M[order], key_M[order]
        new = np.ones(len(order), np.bool_)
        new[1:] = (np.diff(space_M) != 0) | (key_M[1:] != key_M[:-1])
        return space_M[new], key_M[new]

    def forget(self, mark: int) -> None:
        """Nobody will ask for ids that went before a mark."""
        self._gone = [gone for gone in self._gone if gone[0] >= mark]

    def dump(self) -> Arrays:
        """Everything, for a snapshot."""
        return {"stamp": self.stamps(self._rows).copy()} | self.rest

    def stamps(self, rows: int) -> NDArray[np.int32]:
        """A stamp for each row, as it stands; 0 for one that is nobody's."""
        stamps: NDArray[np.int32] = self._stamps.reach(rows)[:rows]
        return stamps

    @property
    def rest(self) -> Arrays:
        """All but the stamps."""
        stamp_M, space_M, key_M = self._buried(0)
        now = np.array([self._now], np.int64)
        return {"now": now, "gone.stamp": stamp_M, "gone.space": space_M, "gone.key": key_M}

    def load(self, dumped: Arrays) -> None:
        """Become what `dump` gave."""
        self._stamps = Stretch(np.int32, reserve=RESERVE)
        self._rows, self._now = len(dumped["stamp"]), int(dumped["now"][0])
        self._stamps.reach(self._rows)[: self._rows] = dumped["stamp"]
        stamp_M, space_M, key_M = (dumped[f"gone.{name}"].astype(np.int64) for name in ("stamp", "space", "key"))
        self._gone = [(int(s), space_M[stamp_M == s], key_M[stamp_M == s]) for s in np.unique(stamp_M)]

    def _buried(self, mark: int) -> tuple[Longs, Longs, Longs]:
        """Stamp, space and key of the ids that went since a mark."""
        gone = [(np.full(len(key_M), stamp), space_M, key_M) for stamp, space_M, key_M in self._gone if stamp >= mark]
        columns = zip(*gone, strict=True) if gone else [[np.empty(0, np.int64)]] * 3
        stamp_M, space_M, key_M = (np.concatenate(column) for column in columns)
        return stamp_M, space_M, key_M
