"""An older system that served the world of `tastes.py` before: it knows a part of the catalogue, and shows that by
popularity. What comes of any other choice its log never tells.

Pure: seed, clicks so far and visit decide. It logs no propensities, as an older system would not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHARE = 0.1
"""Of the catalogue, what it knows."""


class Older:
    """Each place goes to one of the items that are left, in proportion to their clicks so far, and one more.

    >>> older = Older(1, items=100)
    >>> older.slate(0, 10) == older.slate(0, 10), set(older.slate(0, 10)) == set(older.known.tolist())
    (True, True)
    """

    def __init__(self, seed: int, *, items: int) -> None:
        self._seed = seed
        size = max(1, round(SHARE * items))
        self.known = np.sort(np.random.default_rng([seed, 3]).choice(items, size, replace=False))
        self._clicks_I = np.zeros(items)

    def slate(self, visit: int, n: int) -> list[int]:
        """The list of `n` items for the visit of this number."""
        rng = np.random.default_rng([self._seed, 4, visit])
        weight_K = self._clicks_I[self.known] + 1.0
        picked = rng.choice(self.known, min(n, len(self.known)), replace=False, p=weight_K / weight_K.sum())
        return [int(row) for row in picked]

    def told(self, clicked: Sequence[int]) -> None:
        """These items were clicked."""
        self._clicks_I[list(clicked)] += 1.0
