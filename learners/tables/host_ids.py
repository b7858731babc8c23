"""The exact map (space, key) -> row on the host, in numpy: one probe is one cache miss, growing waits for nothing.

Rows are numbered in order of first appearance; a freed row is given out again, the one that was free for longest
first. What is added is provisional: `withdraw` takes it back, and leaves the map as `settle` saw it. The first rows
are the fallbacks of the spaces. Only `add` makes rows. What a row holds is not known here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.id_slots import add_rows, find_rows
from learners.tables.owners import FALLBACK, Owners

Longs = NDArray[np.int64]

SPACES = 1 << 31


class HostIds:
    """Exact ids to rows. `space_N` may be shorter than `key_N`: it is then read round and round.

    >>> ids = HostIds(fallbacks=1)
    >>> ids.add(np.array([0, 0, 1]), np.array([7, 7, 7])).tolist(), len(ids)
    ([1, 1, 2], 3)
    >>> ids.settle(); ids.remove(np.array([1])); ids.add(np.array([0]), np.array([8, 9])).tolist()
    (array([0]), array([7]))
    [1, 3]
    >>> ids.withdraw(); len(ids), ids.find(np.array([0]), np.array([7, 8])).tolist()
    (3, [-1, -1])
    """

    def __init__(self, *, fallbacks: int) -> None:
        self._owners = Owners(np.full(fallbacks, FALLBACK, np.int64), np.arange(fallbacks, dtype=np.int64))

    def __len__(self) -> int:
        return len(self._owners)

    @property
    def spaces(self) -> Longs:
        """Space of each row, in order of rows."""
        return self._owners.array[: len(self), 0]

    @property
    def keys(self) -> Longs:
        return self._owners.array[: len(self), 1]

    @property
    def free(self) -> int:
        """How many rows are holes."""
        return self._owners.free

    @property
    def links(self) -> Longs:
        """The hole that names the next one to be freed, where there is one: its line changes with that row's."""
        newest = self._owners.newest_free
        return np.array([newest] if newest >= 0 else [], np.int64)

    @property
    def moving(self) -> bool:
        """Whether ids are on their way to a larger house."""
        return self._owners.slots.moving

    @property
    def provisional(self) -> Longs:
        """Rows made since the last `settle`, in order."""
        return self._owners.provisional

    def find(self, space_N: Longs, key_N: Longs) -> Longs:
        """Rows of ids, -1 where there is none."""
        row_N = np.empty(len(key_N), np.int64)
        self._find(space_N, key_N, row_N)
        return row_N

    def add(self, space_N: Longs, key_N: Longs) -> Longs:
        """Rows of ids, made where there is none, provisionally. ValueError, and nothing is made, for a space below 0
        or from 2^31 on, or beyond 2^32 rows."""
        row_N = np.empty(len(key_N), np.int64)
        missing = self._find(space_N, key_N, row_N)
        if self.moving and not missing:
            self._owners.make_room(0)  # quiet times end a move too
        if missing:
            low, high = int(space_N.min()), int(space_N.max())
            if low < 0 or high >= SPACES:
                raise ValueError(f"spaces go from 0 to 2^31 - 1, these from {low} to {high}: number the fields anew")
            owners, before = self._owners, len(self)
            taken_M, slots = owners.make_room(missing), owners.slots
            made = add_rows(slots.array, slots.house, space_N, key_N, row_N, owners.array, owners.ends, taken_M)
            owners.took(taken_M[:made], before)
        return row_N

    def settle(self) -> None:
        """Keep what was added."""
        self._owners.settle()

    def withdraw(self) -> None:
        """Take back what was added since the last `settle`."""
        self._owners.withdraw()

    def remove(self, row_M: Longs) -> tuple[Longs, Longs]:
        """Free distinct rows, in this order; the ids that they had. What was added before is settled by it."""
        return self._owners.remove(row_M)

    def load(self, space_R: Longs, key_R: Longs) -> None:
        """Become the map of these ids, all distinct, in order of rows; holes as `spaces` and `keys` gave them."""
        self._owners = Owners(space_R, key_R)

    def _find(self, space_N: Longs, key_N: Longs, row_N: Longs) -> int:
        if len(key_N) == 0:
            return 0
        if len(space_N) == 0 or len(key_N) % len(space_N):
            raise ValueError(f"{len(key_N)} keys do not fall into rounds of {len(space_N)} spaces")
        slots = self._owners.slots
        missing: int = find_rows(slots.array, slots.house, space_N, key_N, row_N)
        return missing
