"""Every item that a server has heard of, numbered, for requests to read: when it may be shown, and the item itself.

Written by the thread that folds, read by requests. A number (`code`) is of this process and never leaves it. What the
server knows is in the folds (`part.py`); this is only the form in which it is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from serving.catalogue import FOREVER, open_span
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
        self.revision = 0
        """Goes up when any item opens, closes, or is declared otherwise."""
        self._codes: dict[str, int] = {}
        self._items: dict[str, Item] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        self._from_C: NDArray[np.int64] = np.zeros(1_024, np.int64)
        self._until_C: NDArray[np.int64] = np.full(1_024, FOREVER, np.int64)

    def put(self, item: Item) -> None:
        """Take the item as it is now."""
        self._items[item.item_id] = item
        self._span(item.item_id, item)

    def drop(self, item_id: str) -> None:
        """The item was never declared after all."""
        self._items.pop(item_id, None)
        self._span(item_id, None)

    def code(self, item_id: str) -> int:
        """The number of an item, given on first sight."""
        code = self._codes.get(item_id)
        if code is None:
            code = len(self.item_ids)
            if code == len(self._from_C):
                self._from_C = np.concatenate([self._from_C, np.zeros_like(self._from_C)])
                self._until_C = np.concatenate([self._until_C, np.full_like(self._until_C, FOREVER)])
            self.item_ids.append(item_id)
            self._codes[item_id] = code
        return code

    def find(self, item_id: str) -> int:
        """The number of an item, -1 where it was never heard of."""
        return self._codes.get(item_id, -1)

    def codes(self, item_ids: Iterable[str]) -> NDArray[np.int64]:
        """The numbers of items, -1 where never heard of."""
        return np.fromiter((self._codes.get(item_id, -1) for item_id in item_ids), np.int64)

    def item(self, item_id: str) -> Item | None:
        """The item as last declared, a tombstone too; None where it never was."""
        return self._items.get(item_id)

    def open_at(self, item_id: str, at: int) -> bool:
        """Whether an item may be shown."""
        span = self._spans.get(item_id)
        return span is None or span[0] <= at < span[1]

    def closed(self, codes: NDArray[np.int64], at: int) -> NDArray[np.uint8]:
        """1 for each item that may not be shown; 0 for code -1."""
        opens, closes = self._from_C[codes], self._until_C[codes]
        shut = ((at < opens) | (at >= closes)) & (codes >= 0)
        return shut.astype(np.uint8)

    def categories(self, item_ids: Sequence[str]) -> list[tuple[str, ...]]:
        """The categories of items, empty where never declared."""
        found = (self._items.get(item_id) for item_id in item_ids)
        return [() if item is None else item.categories for item in found]

    def _span(self, item_id: str, item: Item | None) -> None:
        code, span = self.code(item_id), open_span(item)
        self._from_C[code], self._until_C[code] = span
        if span == ALWAYS:
            self._spans.pop(item_id, None)
        else:
            self._spans[item_id] = span
        self.revision += 1
