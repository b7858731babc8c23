"""The exact map of texts to dense numbers: what makes of an id of any kind an integer key.

Texts come and go as bytes and ends, as files of columns lay them out. All bytes are compared, the hash only says where
to look. Numbers are dense and in order of first appearance; a freed one is given out again, the oldest first. What is
added is provisional. A map has no spaces: one for each, or the space in front of the text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.text_slots import (
    SMALL,
    UNIT,
    add_texts,
    drop_texts,
    find_texts,
    gather_texts,
    hash_texts,
    units_wanted,
)
from learners.tables.owners import HOLE, Owners
from learners.tables.reserved import Stretch

Longs = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Arrays = dict[str, NDArray[np.int64] | NDArray[np.uint8]]

CLASSES = SMALL + 32
RESERVE = 1 << 28


class TextMap:
    """Texts to numbers. `hash_bits` says how much of the hash is used: few bits make collisions, to see them told
    apart.

    >>> texts = TextMap()
    >>> tea_and_jam = np.frombuffer(b"teajamtea", np.uint8), np.array([3, 6, 9])
    >>> texts.add(*tea_and_jam).tolist(), texts.text(1)
    ([0, 1, 0], b'jam')
    >>> texts.withdraw(); texts.find(*tea_and_jam).tolist()
    [-1, -1, -1]
    """

    def __init__(self, *, hash_bits: int = 63) -> None:
        self._few = (1 << hash_bits) - 1
        self._begin(np.empty(0, np.int64), np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self._owners)

    @property
    def free(self) -> int:
        """How many numbers are nobody's."""
        return self._owners.free

    @property
    def provisional(self) -> Longs:
        """Numbers given since the last `settle`, in order."""
        return self._owners.provisional

    def find(self, byte_X: Bytes, end_N: Longs) -> Longs:
        """Numbers of texts, -1 where there is none."""
        return self._find(byte_X, end_N)[0]

    def add(self, byte_X: Bytes, end_N: Longs) -> Longs:
        """Numbers of texts, given where there is none, provisionally."""
        row_N, hash_N, missing = self._find(byte_X, end_N)
        if missing:
            owners, before = self._owners, len(self)
            taken_M, slots = owners.make_room(missing), owners.slots
            cell_R2 = self._cells.reach(before + missing)
            unit_U2 = self._units.reach(int(self._free_K[-1]) + units_wanted(end_N, row_N))
            made = add_texts(
                slots.array, slots.house, hash_N, byte_X, end_N, cell_R2, unit_U2, self._free_K, row_N, owners.array,
                owners.ends, taken_M,
            )  # fmt: skip
            owners.took(taken_M[:made], before)
        return row_N

    def settle(self) -> None:
        """Keep what was added."""
        self._owners.settle()

    def withdraw(self) -> None:
        """Take back what was added since the last `settle`."""
        row_M = self._owners.provisional
        self._owners.withdraw()
        drop_texts(self._cells.array, self._units.array, self._free_K, row_M)

    def remove(self, row_M: Longs) -> None:
        """Free distinct numbers, in this order. What was added before is settled by it."""
        self._owners.remove(row_M)
        drop_texts(self._cells.array, self._units.array, self._free_K, row_M)

    def text(self, number: int) -> bytes:
        """The bytes of a number; empty for one that is nobody's."""
        return self.texts(np.array([number], np.int64))[0].tobytes()

    def texts(self, row_M: Longs) -> tuple[Bytes, Longs]:
        """Bytes and ends of numbers; empty for those that are nobody's."""
        end_M = np.cumsum(self._cells.array[: len(self)][row_M, 1])
        byte_X = np.empty(end_M[-1] if len(end_M) else 0, np.uint8)
        gather_texts(self._cells.array, self._units.array, row_M, end_M, byte_X)
        return byte_X, end_M

    def dump(self) -> Arrays:
        """Everything, for a snapshot: bytes and ends by number, links of free numbers (-2 for others)."""
        byte_X, end_R = self.texts(np.arange(len(self), dtype=np.int64))
        owner_R2 = self._owners.array[: len(self)]
        link_R = np.where(owner_R2[:, 0] == HOLE, owner_R2[:, 1], HOLE)
        return {"bytes": byte_X, "ends": end_R, "links": link_R}

    def load(self, dumped: Arrays) -> None:
        """Become what `dump` gave."""
        byte_X, end_R, link_R = (np.ascontiguousarray(dumped[name]) for name in ("bytes", "ends", "links"))
        hash_R = np.empty(len(end_R), np.int64)
        hash_texts(byte_X, end_R, self._few, hash_R)
        hole_R = link_R != HOLE
        self._begin(np.where(hole_R, HOLE, 0), np.where(hole_R, link_R, hash_R))
        size_R = np.diff(end_R, prepend=0)
        units_R = np.where(hole_R, 0, _units_of(size_R))
        start_R = np.cumsum(units_R) - units_R
        cell_R2 = self._cells.reach(len(end_R))
        cell_R2[: len(end_R), 0], cell_R2[: len(end_R), 1] = start_R * ~hole_R, size_R
        self._free_K[-1] = units_R.sum()
        flat = self._units.reach(int(self._free_K[-1])).reshape(-1)
        flat[np.repeat(start_R * UNIT - (end_R - size_R), size_R) + np.arange(len(byte_X))] = byte_X

    def _begin(self, space_R: Longs, key_R: Longs) -> None:
        self._owners = Owners(space_R, key_R)
        self._cells = Stretch(np.int64, (2,), reserve=RESERVE)
        self._units = Stretch(np.uint8, (UNIT,), reserve=4 * RESERVE)
        self._free_K: Longs = np.full(CLASSES + 1, -1, np.int64)
        self._free_K[-1] = 0

    def _find(self, byte_X: Bytes, end_N: Longs) -> tuple[Longs, Longs, int]:
        if len(end_N) and int(end_N[-1]) > len(byte_X):
            raise ValueError(
                f"texts end at byte {end_N[-1]}, there are {len(byte_X)}: ends and bytes are of two batches"
            )
        hash_N, row_N = np.empty(len(end_N), np.int64), np.empty(len(end_N), np.int64)
        hash_texts(byte_X, end_N, self._few, hash_N)
        slots = self._owners.slots
        missing = find_texts(
            slots.array, slots.house, hash_N, byte_X, end_N, self._cells.array, self._units.array, row_N
        )
        return row_N, hash_N, missing


def _units_of(size_R: Longs) -> Longs:
    """Units of the cells for texts of these sizes.

    >>> _units_of(np.array([0, 16, 17, 256, 257, 513])).tolist()
    [1, 1, 2, 16, 32, 64]
    """
    units_R = np.maximum(-(-size_R // UNIT), 1)
    large_R = np.exp2(np.ceil(np.log2(units_R))).astype(np.int64)
    return np.where(units_R <= SMALL, units_R, large_R)
