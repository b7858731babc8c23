"""The best items of each kind, by click rate, as of a few seconds ago: what a category or a promotion brings.

A board is made when it is first asked for and again when it is old; who asks looks whether an item may still
be shown. Nothing here decides what is good for whom.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from serving.filter_terms import Is, Term
from serving.stock import Stock
from serving.view import View

LISTED = 200
LIFE = 5_000
"""Milliseconds of event time after which a board is made anew."""
KEPT = 1_024


class Boards:
    """Lists by name. Any thread may ask: two that ask at once make one board twice.

    >>> from streams.events import Item
    >>> stock = Stock()
    >>> stock.put(Item("e", 5, "tea", categories=("drinks",))); stock.put(Item("f", 5, "salt"))
    >>> Boards().of_category("drinks", stock, View(at=5))
    ['tea']
    """

    def __init__(self) -> None:
        self._boards: OrderedDict[str, tuple[int, int, list[str]]] = OrderedDict()

    def of_category(self, category: str, stock: Stock, view: View) -> list[str]:
        """The best items of a category."""
        return self.of(f"categories = {category}", Is("categories", (category,)), stock, view)

    def of(self, name: str, term: Term, stock: Stock, view: View) -> list[str]:
        """The best items of which a term holds; a name stands for one term."""
        held = self._boards.get(name)
        if held is None or view.at - held[0] >= LIFE or (len(held[2]) < LISTED and stock.revision != held[1]):
            held = self._boards[name] = view.at, stock.revision, _best(term, stock, view)
            while len(self._boards) > KEPT:
                self._boards.popitem(last=False)
        return held[2]


def _best(term: Term, stock: Stock, view: View) -> list[str]:
    codes = np.flatnonzero(stock.let(term) & (stock.closed(np.arange(len(stock.item_ids)), view.at) == 0))
    rate_K = view.rates(codes)
    if len(codes) > 4 * LISTED:
        best = np.argpartition(-rate_K, LISTED)[:LISTED]
        codes, rate_K = codes[best], rate_K[best]
    order = np.lexsort((codes, -rate_K))[:LISTED]
    return [stock.item_ids[code] for code in codes[order].tolist()]
