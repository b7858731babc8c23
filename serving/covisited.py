"""What is wanted together with items, as requests read it: by the stock's numbers, added up over the partitions.

The neighbours of an item stay in arrays from one request to the next, until the fold adds to them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.covisitation import Covisitation
from serving.stock import Stock
from serving.summing import summed

Codes = NDArray[np.int32]
Weights = NDArray[np.float64]

MOST = 8_192
"""Items whose neighbours stay, of all partitions; those that were asked for first go first: 12 MB with 100 of each."""


class Covisited:
    """Reads the folds of all partitions. Any thread may ask: two that ask at once look twice.

    >>> from streams.examples import Past
    >>> stock, pairs = Stock(), Covisitation(half_life=1_000, window=100, clicks=5, keep=10)
    >>> pairs.want("jam", [Past("tea", "click", 0), Past("oil", "click", 1)], ts=0)
    >>> [stock.code(item_id) for item_id in ("tea", "oil", "jam")]
    [0, 1, 2]
    >>> [told.tolist() for told in Covisited(stock).near([pairs], 0, ["jam", "tea"], 9)]
    [[1, 0, 2], [1.0, 0.5, 0.25]]
    """

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        summed(np.zeros(1, np.int32), np.zeros(1))  # compiled now, not in a request

    def near(
        self, folds: Sequence[Covisitation], at: int, item_ids: Sequence[str], limit: int
    ) -> tuple[Codes, Weights]:
        """The heaviest neighbours of items, of which the first counts most, and their weights as of `at`.

        Added up over partitions in their order, so that the sums do not depend on how they interleaved.
        """
        codes, weights = list[Codes](), list[Weights]()
        for fold in folds:
            scale = fold.scale(at)
            for rank, item_id in enumerate(item_ids, start=1):
                code_K, weight_K = self._of(fold, item_id, MOST // len(folds))
                codes.append(code_K)
                weights.append(weight_K * (scale / rank))
        if not codes:
            return np.zeros(0, np.int32), np.zeros(0)
        return self._heaviest(*summed(np.concatenate(codes), np.concatenate(weights)), limit)

    def _of(self, fold: Covisitation, item_id: str, most: int) -> tuple[Codes, Weights]:
        """The neighbours that the stock has numbered; kept where it has numbered all."""
        kept = fold.kept.get(item_id)
        if kept:
            return kept[0]  # type: ignore[no-any-return]
        place = fold.kept[item_id] = []  # first: what is added from here on takes it out again
        near = fold.near(item_id)
        code_K, weight_K = self._stock.codes(near).astype(np.int32), np.fromiter(near.values(), np.float64, len(near))
        numbered = code_K >= 0
        if not numbered.all():
            return code_K[numbered], weight_K[numbered]
        place.append((code_K, weight_K))
        if len(fold.kept) > most:
            fold.kept.popitem(last=False)
        return code_K, weight_K

    def _heaviest(self, code_K: Codes, weight_K: Weights, limit: int) -> tuple[Codes, Weights]:
        """Heaviest first, and by their ids where they weigh the same: the numbers are of one process."""
        order = np.argsort(-weight_K)
        first = weight_K[order[: limit + 1]]
        if (first[1:] == first[:-1]).any():
            item_ids = self._stock.item_ids
            order = np.array(sorted(order.tolist(), key=lambda place: (-weight_K[place], item_ids[code_K[place]])))
        order = order[:limit]
        return code_K[order], weight_K[order]
