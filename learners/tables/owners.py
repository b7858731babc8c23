"""Which rows of an exact map on the host belong to whom, which are free, and which were made provisionally.

An owner is (space, key). What a key is, and how it is found, belongs to the map around this.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.free_rows import free_rows, ordered_holes, return_rows
from learners.kernels.id_slots import clear_slots
from learners.tables.reserved import Stretch
from learners.tables.slots import Slots

Longs = NDArray[np.int64]

FALLBACK, HOLE = -1, -2
"""Spaces of rows that no id reads: a fallback (its key is the space it stands for), a hole (its key is the row that
will be given out after it, -1 for the last)."""
ROWS = 1 << 32
RESERVE = 1 << 28


class Owners:
    """Owners of rows with their slots. `array` is [capacity, 2], `ends` are what `add_rows` says; the rows that a
    kernel took are told to `took`."""

    def __init__(self, space_R: Longs, key_R: Longs) -> None:
        self._stretch = Stretch(np.int64, (2,), reserve=RESERVE)
        self.array: Longs = self._stretch.reach(len(key_R))
        self.array[: len(key_R), 0], self.array[: len(key_R), 1] = space_R, key_R
        self.ends: Longs = np.zeros(4, np.int64)
        holes = ordered_holes(self.array, len(key_R), HOLE, self.ends)
        if holes != self.free:
            raise ValueError(f"of {holes} holes only {self.free} hang together: the map was not written whole; go back")
        self.slots = Slots()
        self.slots.fill(self.array, len(key_R))
        self.settle()

    def __len__(self) -> int:
        return int(self.ends[0])

    @property
    def free(self) -> int:
        """How many rows are holes."""
        return int(self.ends[3])

    @property
    def newest_free(self) -> int:
        """The row that was freed last, -1 where none is free."""
        return int(self.ends[2]) if self.free else -1

    @property
    def provisional(self) -> Longs:
        """Rows made since the last `settle`, in order."""
        return np.concatenate([*self._reused, np.arange(self._settled, len(self), dtype=np.int64)])

    def make_room(self, more: int) -> Longs:
        """Room for so many rows more, and a place to note those that are taken."""
        if len(self) + more >= ROWS:
            raise ValueError(f"{len(self) + more} rows are wanted, {ROWS - 1} is the most: turn on expiry or a cap")
        self.slots.make_room(len(self) - self.free, more)
        self.array = self._stretch.reach(len(self) + more)
        return np.empty(more, np.int64)

    def took(self, taken_M: Longs, before: int) -> None:
        """Remember rows that were taken when there were `before` of them: free ones come first, and are all to know."""
        reused_M = taken_M[: len(taken_M) - (len(self) - before)]
        if len(reused_M):
            self._reused.append(reused_M.copy())

    def settle(self) -> None:
        """Keep what was made."""
        self._reused, self._settled = [np.empty(0, np.int64)], len(self)

    def withdraw(self) -> None:
        """Take back what was made since the last `settle`."""
        row_M = self.provisional
        clear_slots(self.slots.array, self.slots.house, self.array, row_M)
        return_rows(self.array, self.ends, row_M, self._settled, HOLE)
        self.settle()

    def remove(self, row_M: Longs) -> tuple[Longs, Longs]:
        """Free distinct rows, in this order; their owners. What was made before is settled by it."""
        owner_M2 = self.array[: len(self)][row_M]
        if (owner_M2[:, 0] < 0).any():
            row = row_M[owner_M2[:, 0] < 0][0]
            raise ValueError(f"row {row} belongs to no id: it is a fallback, or was removed before")
        if len(np.unique(row_M)) < len(row_M):
            raise ValueError(f"{len(row_M)} rows to remove, {len(np.unique(row_M))} of them distinct: name each once")
        self.settle()
        clear_slots(self.slots.array, self.slots.house, self.array, row_M)
        free_rows(self.array, self.ends, row_M, HOLE)
        return owner_M2[:, 0].copy(), owner_M2[:, 1].copy()
