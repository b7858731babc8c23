"""The items nearest to an item, remembered while a version serves: what lies beside one user's item, lies beside it for
the next one too. Each asker's own mask comes after; where it leaves too few, the graph is asked again.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from serving.delta import Changes
from serving.generation import Generation
from serving.graph import Floats, Ints

KEPT = 100
"""Neighbours that are remembered of an item."""
IN_HAND = 128
"""Nodes in hand while they are searched for."""
MOST = 8_192
"""Items of which they are remembered, those that were asked for first go first: 4 MB."""


class Neighbours:
    """Of one generation and its items' vectors [n, D]. Any thread may ask: two that ask at once search twice.

    What changed in the generation's delta since is searched for anew.
    """

    def __init__(self, generation: Generation, vector_ID: Floats) -> None:
        self._generation = generation
        self._vector_ID = vector_ID
        self._found: tuple[Changes, OrderedDict[int, Ints]] = generation.changes, OrderedDict()

    def of(self, row: int, count: int, hide_N: NDArray[np.uint8] | None) -> Ints:
        """The `count` nearest rows that `hide_N` leaves, nearest first; rows that it does not reach are left."""
        found_K = self._near(row)
        if hide_N is not None:
            found_K = found_K[hide_N.take(found_K, mode="clip") * (found_K < len(hide_N)) == 0]
        if len(found_K) >= count:
            return found_K[:count]
        return self._generation.search(self._vector_ID[row], count, hide_N, beyond=True)[0]

    def _near(self, row: int) -> Ints:
        changes, found = self._found
        if changes is not self._generation.changes:
            changes, found = self._found = self._generation.changes, OrderedDict()
        near_K = found.get(row)
        if near_K is None:
            near_K, _ = self._generation.search(self._vector_ID[row], KEPT, beyond=True, ef=IN_HAND)
            found[row] = near_K
            if len(found) > MOST:
                found.popitem(last=False)
        return near_K
