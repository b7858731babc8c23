"""Ids of a version and their rows, to be found: as a learner's map tells them, never as it makes them.

What changed from one version to the next is put into it. Numbers of rows come from outside; holes are rows like others,
which nobody finds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.id_slots import clear_slots, find_rows, put_rows
from learners.tables.slots import Slots

Longs = NDArray[np.int64]


class FoundIds:
    """Exact ids to rows; `space_R` and `key_R` are as `HostIds` gives them.

    >>> ids = FoundIds(np.array([-1, 2, 2]), np.array([0, 7, 8]))
    >>> ids.put(np.array([1, 3]), np.array([4, 2]), np.array([7, 9]), 4).tolist()
    [1, 3]
    >>> ids.find(np.array([2, 2, 2, 4]), np.array([7, 8, 9, 7])).tolist()
    [-1, 2, 3, 1]
    """

    def __init__(self, space_R: Longs, key_R: Longs) -> None:
        self._owner_R2 = np.stack([space_R, key_R], axis=1)
        self._rows, self._slots = len(key_R), Slots()
        self._slots.fill(self._owner_R2, self._rows)

    @property
    def spaces(self) -> Longs:
        return self._owner_R2[: self._rows, 0]

    @property
    def keys(self) -> Longs:
        return self._owner_R2[: self._rows, 1]

    @property
    def bytes(self) -> int:
        """About how much memory it takes."""
        return self._owner_R2.nbytes + (16 << self._slots.bits)

    def find(self, space_N: Longs, key_N: Longs) -> Longs:
        """Rows of ids, -1 where there is none."""
        row_N = np.empty(len(key_N), np.int64)
        if len(key_N):
            find_rows(self._slots.array, self._slots.house, space_N, key_N, row_N)
        return row_N

    def put(self, row_C: Longs, space_C: Longs, key_C: Longs, rows: int) -> Longs:
        """These rows (ascending) have these owners now, of `rows` in all, which never become fewer; those of them that
        belong to another id than before."""
        before, now = self._rows, np.stack([space_C, key_C], axis=1)
        self._reach(rows)
        new_C = (self._owner_R2[row_C] != now).any(axis=1) | (row_C >= before)
        row_C, now = row_C[new_C], now[new_C]
        old_C = row_C[(row_C < before)]
        old_C = old_C[self._owner_R2[old_C, 0] >= 0]
        self._slots.make_room(self._rows, len(row_C))
        clear_slots(self._slots.array, self._slots.house, self._owner_R2, old_C)
        self._owner_R2[row_C] = now
        put_rows(self._slots.array, self._slots.house, self._owner_R2, row_C[now[:, 0] >= 0])
        self._rows = rows
        return row_C

    def _reach(self, rows: int) -> None:
        if rows > len(self._owner_R2):
            more = np.full((max(rows, 9 * len(self._owner_R2) // 8) - len(self._owner_R2), 2), -1, np.int64)
            self._owner_R2 = np.concatenate([self._owner_R2, more])
