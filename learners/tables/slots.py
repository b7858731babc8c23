"""Room for the slots of an exact map on the host: it doubles by moving a few slots at a call, so no call waits long.

Old and new slots stand side by side in reserved memory while ids move. What a slot means belongs to the kernels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.id_slots import first_empty, move_slots, place_rows
from learners.tables.reserved import Stretch

Longs = NDArray[np.int64]

LEAST_BITS = 7
AT_ONCE = 4096
"""Slots moved by a call that adds, at least. Four for each id added end a move before the next one begins."""
RESERVE = 1 << 30
"""Slots for which addresses are reserved: two hundred million ids. A map of more copies itself once it gets there."""


class Slots:
    """Slots at most three eighths full, or half full while they move.

    >>> slots = Slots()
    >>> slots.make_room(0, 1000); slots.bits
    12
    """

    def __init__(self) -> None:
        self._stretch = Stretch(np.int64, (2,), reserve=RESERVE)
        self.house: Longs = np.array([LEAST_BITS, 0, 0, 0], np.int64)
        self.array: Longs = self._stretch.reach(2 << LEAST_BITS)

    @property
    def bits(self) -> int:
        """The newest house has 2^bits slots."""
        return int(self.house[0])

    @property
    def moving(self) -> bool:
        return bool(self.house[1])

    def make_room(self, ids: int, more: int) -> None:
        """Make it hold so many ids more."""
        if self.moving:
            self._move(max(AT_ONCE, 4 * more))
        while _bits(ids + more) > self.bits:
            if self.moving:
                self._move(1 << self.bits)
            self._begin()
            self._move(max(AT_ONCE, 4 * more))

    def fill(self, owner_R2: Longs, rows: int) -> None:
        """Become the slots of these rows."""
        self._stretch = Stretch(np.int64, (2,), reserve=RESERVE)
        self.house[:] = _bits(rows), 0, 0, 0
        self.array = self._stretch.reach(2 << self.bits)
        place_rows(self.array, self.house, owner_R2, rows)

    def _begin(self) -> None:
        self.array = self._stretch.reach(4 << self.bits)
        self.house[:] = self.bits + 1, 1, first_empty(self.array, self.bits), 0

    def _move(self, most: int) -> None:
        if not move_slots(self.array, self.house, most):
            self.house[1:] = 0
            self._stretch.release(1 << (self.bits - 1), 1 << self.bits)


def _bits(ids: int) -> int:
    return max(LEAST_BITS, (8 * ids // 3).bit_length())
