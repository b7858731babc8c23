"""The best items of each kind, by click rate, as of a few seconds ago: what a category or a promotion brings.

Of the whole stock a board is made once, when it is first asked for. From then on it looks at what changed, and at its
own items when it is old: a request never pays for items of other kinds. Who asks looks whether an item may still be
shown. Nothing here decides what is good for whom.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from serving.filter_terms import Is, Term
from serving.stock import Stock
from serving.view import View

LISTED = 200
LIFE = 5_000
"""Milliseconds of event time after which a board is ordered anew."""
KEPT = 1_024

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Board:
    """The items of which a term holds, as of a revision of the stock, also those that may not be shown; and the best of
    the others, as of `at`."""

    at: int
    revision: int
    codes: Codes
    best: Codes

    @classmethod
    def of(cls, term: Term, stock: Stock, view: View) -> Board:
        """Looks at every item. 1 up to where; 2 look; a change that comes between is looked at twice."""
        revision = stock.revision
        codes = np.flatnonzero(stock.let(term))
        return cls(view.at, revision, codes, _best(codes, stock, view))

    def brought(self, term: Term, stock: Stock, view: View) -> Board:
        """The board as of now; looks at what changed alone, as long as that is known."""
        revision, changed = stock.revision, stock.changed(self.revision)
        if changed is None:
            return Board.of(term, stock, view)
        codes, touched = self.codes, np.unique(np.array(changed, np.int64))
        place_K = np.searchsorted(codes, touched)
        let_K, mine_K = stock.let(term, touched), place_K < np.searchsorted(codes, touched, side="right")
        if not self._old(view) and not (let_K | mine_K).any():
            return replace(self, revision=revision)
        if (let_K != mine_K).any():
            codes = np.union1d(np.delete(codes, place_K[mine_K]), touched[let_K])
        return Board(view.at, revision, codes, _best(codes, stock, view))

    def due(self, stock: Stock, view: View) -> bool:
        """Whether it is old, or has room for what changed."""
        return self._old(view) or (len(self.best) < LISTED and stock.revision != self.revision)

    def _old(self, view: View) -> bool:
        return not 0 <= view.at - self.at < LIFE  # a fold that went back is younger than the board


class Boards:
    """Lists by name. Any thread may ask: two that ask at once make one board twice.

    >>> from streams.events import Item
    >>> stock = Stock()
    >>> stock.put(Item("e", 5, "tea", categories=("drinks",))); stock.put(Item("f", 5, "salt"))
    >>> stock.named(Boards().of_category("drinks", stock, View(at=5)))
    ['tea']
    """

    def __init__(self) -> None:
        self._boards: OrderedDict[str, Board] = OrderedDict()

    def of_category(self, category: str, stock: Stock, view: View) -> Codes:
        """The best items of a category, by their numbers."""
        return self.of(f"categories = {category}", Is("categories", (category,)), stock, view)

    def of(self, name: str, term: Term, stock: Stock, view: View) -> Codes:
        """The best items of which a term holds, by their numbers; a name stands for one term."""
        board = self._boards.get(name)
        if board is None or board.due(stock, view):
            made = Board.of(term, stock, view) if board is None else board.brought(term, stock, view)
            board = self._boards[name] = made
            while len(self._boards) > KEPT:
                self._boards.popitem(last=False)
        return board.best


def _best(codes: Codes, stock: Stock, view: View) -> Codes:
    rate_K = view.rates(codes)
    if len(codes) > 4 * LISTED:  # most may be shown: it is enough to ask that of the best
        top = np.argpartition(-rate_K, 2 * LISTED)[: 2 * LISTED]
        open_K = stock.closed(codes[top], view.at) == 0
        if np.count_nonzero(open_K) >= LISTED:
            return _listed(codes[top][open_K], rate_K[top][open_K])
    open_K = stock.closed(codes, view.at) == 0
    return _listed(codes[open_K], rate_K[open_K])


def _listed(codes: Codes, rate_K: NDArray[np.float64]) -> Codes:
    return codes[np.lexsort((codes, -rate_K))[:LISTED]]
