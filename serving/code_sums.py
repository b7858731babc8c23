"""Sums that each partition keeps by item, added up over partitions by the stock's numbers.

Added in the order of partitions, so that the numbers do not depend on how these interleaved. For the folding thread
alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from serving.stock import Stock

Sums = NDArray[np.float64]


class Summed(Protocol):
    """Sums of one partition: `item_ids` only grows, and another list is another fold."""

    item_ids: list[str]

    def read(self, at: int) -> Sums: ...


class CodeSums:
    """One kind of sums; remembers which numbers the items of each partition have, since looking them up is dear.

    >>> from serving.following import Following
    >>> stock, folds = Stock(), [Following(half_life=9, window=9) for _ in range(2)]
    >>> folds[0].want("tea", [], 0); folds[1].want("jam", [], 0); folds[1].want("tea", [], 0)
    >>> CodeSums(stock).read(folds, at=0).tolist(), stock.item_ids
    ([[2.0, 0.0], [1.0, 0.0]], ['tea', 'jam'])
    """

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._numbered: dict[int, tuple[list[str], list[int]]] = {}

    def read(self, folds: Iterable[Summed], at: int) -> Sums:
        """[items, sums] by code, as of `at`; the folds stand in the order of their partitions."""
        found = [(self._codes(partition, fold.item_ids), fold.read(at)) for partition, fold in enumerate(folds)]
        total: Sums = np.zeros((len(self._stock.item_ids), found[0][1].shape[1]))
        for codes, read in found:
            total[codes] += read
        return total

    def _codes(self, partition: int, item_ids: list[str]) -> list[int]:
        held = self._numbered.get(partition)
        if held is None or held[0] is not item_ids:
            held = self._numbered[partition] = item_ids, []
        codes = held[1]
        codes.extend(self._stock.code(item_id) for item_id in item_ids[len(codes) :])
        return codes
