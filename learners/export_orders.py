"""What one export need not work out again for the next: which rows items read, and how ids and pairs are sorted.

An order is a function of what is sorted alone, whatever it was found from; to begin with the last one is only quicker,
since what is nearly sorted is sorted in one pass. Nothing here is written to a file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from learners.catalogue import Catalogue
from learners.kernels.mean_lines import Rows
from learners.learner import Ints

Find = Callable[[Ints, Ints], Ints]
NONE = np.empty(0, np.int64)


@dataclass(slots=True)
class Orders:
    """Of one state, that goes from version to version; a new one knows nothing."""

    _ids: Ints = field(default_factory=lambda: NONE)
    _pairs: Ints = field(default_factory=lambda: NONE)
    _read: Rows | None = None

    def ids(self, space_R: Ints, key_R: Ints) -> Ints:
        """Rows that have an id, by space and key.

        >>> orders = Orders()
        >>> orders.ids(np.array([4, -1, 2, 4]), np.array([9, 0, 7, 3])).tolist()
        [2, 3, 0]
        >>> orders.ids(np.array([4, 2, 2, -2, 8]), np.array([9, 5, 7, 0, 1])).tolist()
        [1, 2, 0, 4]
        """
        row_N = _there(self._ids, space_R)
        self._ids = row_N = row_N[np.lexsort((key_R[row_N], space_R[row_N]))]
        return row_N

    def pairs(self, user_P: Ints) -> Ints:
        """Lines that are no holes, by user, then as they stand.

        >>> Orders().pairs(np.array([7, -2, 5, 7])).tolist()
        [2, 0, 3]
        """
        line_N = _there(self._pairs, user_P)
        self._pairs = line_N = line_N[np.lexsort((line_N, user_P[line_N]))]
        return line_N

    def read(self, catalogue: Catalogue, find: Find) -> Rows:
        """The rows that each entry's fields read, -1 where there is none, the fallback for an unknown id."""
        if self._read is None:
            self._read = rows_read(catalogue, np.arange(len(catalogue)), find)
        return self._read

    def moved(self, catalogue: Catalogue, find: Find, row_C: Ints, entry_C: Ints, fallbacks: int) -> None:
        """What the state was changed by: rows that belong to other ids than before, and entries that were told anew.
        Only what could read another row is looked up again."""
        read_EC, known = self._read, len(catalogue)
        if read_EC is None:
            return
        self._read = None
        stale_E = np.zeros(known, np.bool_)
        stale_E[len(read_EC) :] = stale_E[entry_C] = True
        if len(row_C):
            moved_R = np.zeros(2 + max(int(row_C.max()), int(read_EC.max(initial=-1)), fallbacks), np.bool_)
            moved_R[row_C] = moved_R[:fallbacks] = True  # an id that was unknown may have a row now
            stale_E[: len(read_EC)] |= moved_R[read_EC].any(axis=1)  # -1 is the last of them, which never moves
        if len(read_EC) < known:
            more = np.full((known - len(read_EC), read_EC.shape[1]), -1, np.int32)
            read_EC = np.concatenate([read_EC, more])
        entry_N = np.flatnonzero(stale_E)
        read_EC[entry_N] = rows_read(catalogue, entry_N, find)
        self._read = read_EC


def rows_read(catalogue: Catalogue, entry_N: Ints, find: Find) -> Rows:
    """The same of some entries."""
    space_NC, key_NC = catalogue.spaces[entry_N], catalogue.keys[entry_N]
    there_NC = space_NC >= 0
    row_M = find(space_NC[there_NC], key_NC[there_NC])
    read_NC = np.full(space_NC.shape, -1, np.int32)
    read_NC[there_NC] = np.where(row_M >= 0, row_M, space_NC[there_NC] >> 1)
    return read_NC


def _there(before: Ints, owner_R: Ints) -> Ints:
    """All rows with an owner: those of before in their order, then the others."""
    before = before[before < len(owner_R)]
    new_R = owner_R >= 0
    before = before[new_R[before]]
    new_R[before] = False
    return np.concatenate([before, np.flatnonzero(new_R)])
