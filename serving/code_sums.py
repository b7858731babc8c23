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
        self._numbered: dict[int, tuple[list[str], NDArray[np.int64]]] = {}

    def read(self, folds: Iterable[Summed], at: int) -> Sums:
        """[items, sums] by code, as of `at`; the folds stand in the order of their partitions."""
        found = [(self._codes(partition, fold.item_ids), fold.read(at)) for partition, fold in enumerate(folds)]
        total: Sums = np.zeros((len(self._stock.item_ids), found[0][1].shape[1]))
        for codes, read in found:
            total[codes] += read
        return total

    def number(self, folds: Iterable[Summed]) -> None:
        """Give a number to each item that is counted."""
        for partition, fold in enumerate(folds):
            self._codes(partition, fold.item_ids)

    def _codes(self, partition: int, item_ids: list[str]) -> NDArray[np.int64]:
        """An array, since to index by a list is to make one of it each time."""
        held, code_N = self._numbered.get(partition, (item_ids, np.zeros(0, np.int64)))
        if held is not item_ids:
            code_N = np.zeros(0, np.int64)
        if len(code_N) < len(item_ids):
            new = [self._stock.code(item_id) for item_id in item_ids[len(code_N) :]]
            code_N = np.concatenate([code_N, np.array(new, np.int64)])
        self._numbered[partition] = item_ids, code_N
        return code_N
