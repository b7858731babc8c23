"""Every item that a server has heard of, numbered, for requests to read: when it may be shown, and the item itself.

Written by the thread that folds, read by requests. A number (`code`) is of this process and never leaves it. What the
server knows is in the folds (`part.py`); this is only the form in which it is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.catalogue import FOREVER, open_span
from serving.columns import Columns
from serving.filter_terms import ATTRIBUTE, Filter, Term
from serving.filtering import Changes, Filtering, Passing
from serving.letting import Lets, let_through
from streams.events import Item

ALWAYS = open_span(None)


class Stock:
    """Items by id and by code.

    >>> stock = Stock()
    >>> stock.put(Item("e", 5, "tea", available_until=9))
    >>> stock.open_at("tea", 8), stock.open_at("tea", 9), stock.open_at("never declared", 9)
    (True, False, True)
    >>> stock.closed(stock.codes(["tea", "jam"]), at=9).tolist()
    [1, 0]
    """

    def __init__(self) -> None:
        self.item_ids: list[str] = []
        self._columns, self._changes = Columns(), Changes()
        self._filtering = Filtering(self._columns, self._changes)
        self._codes: dict[str, int] = {}
        self._items: dict[str, Item] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        self._from_C: NDArray[np.int64] = np.zeros(1_024, np.int64)
        self._until_C: NDArray[np.int64] = np.full(1_024, FOREVER, np.int64)
        self._bounded_C: NDArray[np.uint8] = np.zeros(1_024, np.uint8)

    @property
    def revision(self) -> int:
        """Goes up when any item opens, closes, or is declared otherwise."""
        return self._changes.revision

    def changed(self, revision: int) -> list[int] | None:
        """The codes of what changed after a revision, in order; None where that is no longer known."""
        return self._changes.since(revision)

    @property
    def any_shut(self) -> bool:
        """Whether there is any item that may not always be shown."""
        return bool(self._spans)

    def put(self, item: Item) -> None:
        """Take the item as it is now."""
        before = self._items.get(item.item_id)
        self._items[item.item_id] = item
        self._change(item.item_id, item, before)

    def drop(self, item_id: str) -> None:
        """The item was never declared after all."""
        self._change(item_id, None, self._items.pop(item_id, None))

    def passing(self, wanted: Filter) -> Passing:
        """Which items a filter lets through now. Raises BadFilter where it names a field that no item has."""
        return self._filtering.passing(wanted, len(self.item_ids))

    def let(self, term: Term, codes: NDArray[np.int64] | None = None) -> Lets:
        """Whether a term holds of each item as it is now; of all by code where no codes are given."""
        return let_through(term, self._columns, np.arange(len(self.item_ids)) if codes is None else codes)

    def numbers(self, attribute: str, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """A numeric attribute of items, NaN where one has none."""
        column = self._columns.single(f"{ATTRIBUTE}{attribute}")
        return np.full(len(codes), np.nan) if column is None else column.number_C.at(codes)

    def authors(self, item_ids: Sequence[str]) -> list[tuple[str, ...]]:
        """The author of each item, none where that was never declared."""
        found = (self._items.get(item_id) for item_id in item_ids)
        return [(item.author,) if item is not None and item.author else () for item in found]

    def code(self, item_id: str) -> int:
        """The number of an item, given on first sight."""
        code = self._codes.get(item_id)
        if code is None:
            code = len(self.item_ids)
            if code == len(self._from_C):
                self._from_C = np.concatenate([self._from_C, np.zeros_like(self._from_C)])
                self._until_C = np.concatenate([self._until_C, np.full_like(self._until_C, FOREVER)])
                self._bounded_C = np.concatenate([self._bounded_C, np.zeros_like(self._bounded_C)])  # last: see `shut`
            self.item_ids.append(item_id)
            self._codes[item_id] = code
        return code

    def find(self, item_id: str) -> int:
        """The number of an item, -1 where it was never heard of."""
        return self._codes.get(item_id, -1)

    def codes(self, item_ids: Iterable[str]) -> NDArray[np.int64]:
        """The numbers of items, -1 where never heard of."""
        code_of = self._codes.get
        return np.array([code_of(item_id, -1) for item_id in item_ids], np.int64)

    def named(self, codes: NDArray[np.integer[Any]]) -> list[str]:
        """The ids of numbers that were given."""
        item_ids = self.item_ids
        return [item_ids[code] for code in codes.tolist()]

    def item(self, item_id: str) -> Item | None:
        """The item as last declared, a tombstone too; None where it never was."""
        return self._items.get(item_id)

    def open_at(self, item_id: str, at: int) -> bool:
        """Whether an item may be shown."""
        span = self._spans.get(item_id)
        return span is None or span[0] <= at < span[1]

    def open_among(self, item_ids: Sequence[str], at: int) -> Sequence[str]:
        """Those items that may be shown, in their order."""
        return [item_id for item_id in item_ids if self.open_at(item_id, at)] if self._spans else item_ids

    def closed(self, codes: NDArray[np.int64], at: int) -> NDArray[np.uint8]:
        """1 for each item that may not be shown; 0 for code -1."""
        opens, closes = self._from_C[codes], self._until_C[codes]
        shut = ((at < opens) | (at >= closes)) & (codes >= 0)
        return shut.astype(np.uint8)

    def shut(self, at: int) -> NDArray[np.int64]:
        """The numbers of all items that may not be shown: of a million, most may always be, and are not looked at."""
        codes = np.flatnonzero(self._bounded_C)
        return codes[self.closed(codes, at).view(np.bool_)]

    def categories(self, item_ids: Sequence[str]) -> list[tuple[str, ...]]:
        """The categories of items, empty where never declared."""
        found = (self._items.get(item_id) for item_id in item_ids)
        return [() if item is None else item.categories for item in found]

    def _change(self, item_id: str, item: Item | None, before: Item | None) -> None:
        """1. what it is; 2. whether it may be shown; 3. that it changed, so that who hears of it finds both."""
        code, span = self.code(item_id), open_span(item)
        self._columns.put(code, item, before)
        self._from_C[code], self._until_C[code] = span
        self._bounded_C[code] = span != ALWAYS
        if span == ALWAYS:
            self._spans.pop(item_id, None)
        else:
            self._spans[item_id] = span
        self._changes.tell(code)
