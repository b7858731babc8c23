"""The items of one version, as the stock and the view know them: rows for numbers, masks for what may not be shown.

One for each version that is kept warm; made where the version is opened, and brought along by those who ask.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.candidates import Keys, Strangers
from serving.filtering import Passing
from serving.live import Bundle
from serving.neighbours import Neighbours
from serving.stock import Stock
from serving.view import View

MASKS = 16
"""Filters whose masks a version keeps, a byte an item each."""
MASK_LIFE = 250
"""Milliseconds after which openings and closings by time are looked at again; a delete is seen at once."""

PIECE = 4_096
"""Items that are looked up at a time, so that other threads have their turn."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Items of a list, and their rows in a version."""

    item_ids: Sequence[str]
    row_K: NDArray[np.int32]

    @classmethod
    def of(cls, bundle: Bundle, item_ids: Sequence[str]) -> Listed:
        """A list, for one bundle."""
        return cls(item_ids, bundle.scorer.rows_of(item_ids))

    def keys(self, count: int, strangers: Strangers) -> Keys:
        """The first so many as candidates are called."""
        return strangers.keys(self.item_ids, self.row_K[:count])


@dataclass(frozen=True, slots=True)
class Lists:
    """One view's lists for one bundle; of the newest those first that the version does not know."""

    popular: Listed
    trending: Listed
    fresh: Listed

    @classmethod
    def of(cls, bundle: Bundle, view: View) -> Lists:
        """The lists of a view."""
        latest = Listed.of(bundle, view.latest)
        order = np.argsort(latest.row_K >= 0, kind="stable")  # no vector can find the others
        fresh = Listed([latest.item_ids[place] for place in order.tolist()], latest.row_K[order])
        return cls(Listed.of(bundle, view.popular), Listed.of(bundle, view.trending), fresh)


class Shelf:
    """The items of one version, as far as the stock lets them be shown, and what came since."""

    def __init__(self, bundle: Bundle, stock: Stock, before: Shelf | None = None) -> None:
        self.neighbours = Neighbours(bundle.generation, bundle.scorer.item_vectors)
        self._bundle = bundle
        self._new_ids = bundle.new_ids
        self._code_W: NDArray[np.int64] = np.zeros(0, np.int64)
        self._item_ids = bundle.scorer.item_ids
        self._stock = stock
        self._heard = len(stock.item_ids)
        self._code_N = self._codes(before)
        self._row_C = _inverse(self._code_N)
        self._lists: tuple[View, Lists] | None = None
        self._asked: tuple[int, int] | None = None
        self._closed_N: NDArray[np.uint8] = np.zeros(len(self._item_ids), np.uint8)
        self._any_closed = False
        self._filtered: OrderedDict[int, tuple[Passing, tuple[int, int], NDArray[np.uint8]]] = OrderedDict()

    def lists(self, view: View) -> Lists:
        """What a view brings, for this version."""
        held = self._lists
        if held is None or held[0] is not view:
            held = self._lists = view, Lists.of(self._bundle, view)
        return held[1]

    @property
    def codes(self) -> NDArray[np.int64]:
        """The stock's numbers of the version's items, -1 where it never heard of one."""
        return self._code_N

    def hidden(self, at: int, passing: Passing | None = None) -> NDArray[np.uint8]:
        """A mask of its own for each caller: 1 for the rows that may not be shown, or that a filter does not let
        through."""
        closed_N = self._closed(at)
        return closed_N.copy() if passing is None else closed_N | self._kept_out(passing)

    def all_open(self, at: int) -> bool:
        """Whether every item of the version may be shown."""
        self._closed(at)
        return not self._any_closed

    def shut(self, rows: NDArray[np.int32], at: int, passing: Passing | None) -> NDArray[np.bool_]:
        """Which of these rows may not be shown, or are not let through, as of now."""
        codes = self._code_N[rows]
        shut_R = self._stock.closed(codes, at).view(np.bool_)
        return shut_R if passing is None else shut_R | ~passing.of(codes)

    def newcomers(self, at: int, passing: Passing | None, barred: frozenset[str]) -> NDArray[np.uint8]:
        """The same mask for items that came to the index since, `barred` ones too: in a full answer of theirs there
        would be no place for those that pass."""
        if len(self._new_ids) != len(self._code_W):
            self._code_W = self._stock.codes(list(self._new_ids))
        hide_W = self._stock.closed(self._code_W, at)
        if len(hide_W) and passing is not None:
            hide_W |= (~passing.of(self._code_W)).view(np.uint8)
        if len(hide_W) and barred:
            hide_W |= np.isin(self._code_W, self._stock.codes(barred)).view(np.uint8)
        return hide_W

    def keys(self, codes: NDArray[np.integer[Any]], strangers: Strangers) -> Keys:
        """Items by the stock's numbers as candidates are called."""
        if self._heard != len(self._stock.item_ids):
            self._hear()
        key_K = self._row_C.take(codes, mode="clip")
        if len(key_K) and key_K.min() < 0:
            unknown = np.flatnonzero(key_K < 0)
            key_K[unknown] = [strangers.key(item_id) for item_id in self._stock.named(codes[unknown])]
        return key_K

    def _closed(self, at: int) -> NDArray[np.uint8]:
        asked = (self._stock.revision, at // MASK_LIFE)
        if asked != self._asked:
            self._hear()
            shut = self._stock.shut(at)
            rows = self._row_C.take(shut, mode="clip")
            closed_N = np.zeros(len(self._code_N), np.uint8)
            closed_N[rows[rows >= 0]] = 1
            self._any_closed = bool(closed_N.any())
            self._closed_N, self._asked = closed_N, asked
        return self._closed_N

    def _hear(self) -> None:
        """Number the items that the stock has heard of since."""
        first = self._heard
        heard = self._stock.item_ids[first:]
        rows = self._bundle.scorer.rows_of(heard)
        if (rows >= 0).any():
            self._code_N[rows[rows >= 0]] = first + np.flatnonzero(rows >= 0)
            self._row_C = _inverse(self._code_N)
        self._heard = first + len(heard)

    def _codes(self, before: Shelf | None) -> NDArray[np.int64]:
        """Of each item: taken from a version before, which had most of them; the rest looked up, some at a time."""
        item_ids, stock = self._item_ids, self._stock
        code_N = np.full(len(item_ids), -1, np.int64)
        if before is not None and len(before.codes):
            row_N = before._bundle.scorer.rows_of(item_ids)
            code_N = np.where(row_N >= 0, before.codes.take(row_N, mode="clip"), -1)
        for first in range(0, len(item_ids), PIECE):
            unknown = first + np.flatnonzero(code_N[first : first + PIECE] < 0)
            if len(unknown):
                names = item_ids[first : first + PIECE]
                code_N[unknown] = stock.codes(names[row - first] for row in unknown.tolist())
        return code_N

    def _kept_out(self, passing: Passing) -> NDArray[np.uint8]:
        """1 for the rows that a filter does not let through; made anew only where that changed."""
        name, stamp = id(passing), (passing.stamp, int(np.count_nonzero(self._code_N < 0)))
        held = self._filtered.get(name)
        if held is None or held[0] is not passing or held[1] != stamp:
            held = self._filtered[name] = passing, stamp, (~passing.of(self._code_N)).view(np.uint8)
        self._filtered.move_to_end(name)
        while len(self._filtered) > MASKS:
            self._filtered.popitem(last=False)
        return held[2]


def _inverse(code_N: NDArray[np.int64]) -> NDArray[np.int32]:
    """The row of each code, -1 for those of other items; so is the last, which stands for all beyond.

    >>> _inverse(np.array([3, -1, 0])).tolist()
    [2, -1, -1, 0, -1]
    """
    row_C = np.full(int(code_N.max(initial=-1)) + 2, -1, np.int32)
    known = np.flatnonzero(code_N >= 0)
    row_C[code_N[known]] = known
    return row_C
