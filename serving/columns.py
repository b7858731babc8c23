"""What items are, field by field, in arrays by code: what filters are computed over.

Written by the thread that folds, one item at a time; read by requests at any moment. An array is replaced when it is
full and its last place is never written, so that code -1, and any code beyond it, reads as an item without the field.
Nothing here knows of filters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.filter_terms import ATTRIBUTE, FIELDS, LISTS
from streams.events import Item

Codes = NDArray[np.int64]
NOTHING = -1
_BARE = Item("", 0, "")


class Grown:
    """A vector that grows; `values` is longer than what was written, and holds `empty` there.

    >>> vector = Grown(np.float64, np.nan)
    >>> vector.put(2_000, 7.0); vector.at(np.array([2_000, 5, -1, 9_000])).tolist()
    [7.0, nan, nan, nan]
    """

    def __init__(self, dtype: Any, empty: Any) -> None:
        self.values: NDArray[Any] = np.full(1_024, empty, dtype)
        self._empty = empty
        self._room = len(self.values) - 1

    def put(self, place: int, value: Any) -> None:
        if place >= self._room:
            self._grow(place)
        self.values[place] = value

    def _grow(self, place: int) -> None:
        while place >= len(self.values) - 1:
            self.values = np.concatenate([self.values, np.full_like(self.values, self._empty)])
        self._room = len(self.values) - 1

    def at(self, places: Codes) -> NDArray[Any]:
        """The values at places, `empty` where nothing was written."""
        values = self.values
        return values[np.where(places < len(values), places, NOTHING)]


class Column:
    """A field with one value an item: a number or a text."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.number_C = Grown(np.float64, np.nan)
        self.text_C = Grown(np.int32, NOTHING)

    def put(self, code: int, value: str | float | None, before: str | float | None) -> None:
        """The value of an item, and what it was; None where it has none."""
        if isinstance(before, str) and not isinstance(value, str):
            self.text_C.put(code, NOTHING)
        if isinstance(before, float | int) and not isinstance(value, float | int):
            self.number_C.put(code, np.nan)
        if isinstance(value, str):
            self.text_C.put(code, self.texts.setdefault(value, len(self.texts)))
        elif value is not None:
            self.number_C.put(code, value)


class Lists:
    """A field with many texts an item. Items with equal lists share one, kept flat: list s begins at start[s].

    >>> tags = Lists()
    >>> tags.put(0, ("new", "sale")); tags.put(1, ("new", "sale")); tags.put(2, ())
    >>> tags.list_C.at(np.array([0, 1, 2])).tolist(), tags.texts, tags.flat.values[:2].tolist()
    ([1, 1, 0], {'new': 0, 'sale': 1}, [0, 1])
    """

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.lists: dict[tuple[str, ...], int] = {(): 0}
        self.list_C = Grown(np.int32, 0)
        self.start, self.flat = Grown(np.int64, 0), Grown(np.int32, NOTHING)
        self._ends = 0

    def put(self, code: int, texts: tuple[str, ...]) -> None:
        """The texts of an item. A new list is whole before an item points to it."""
        number = self.lists.get(texts)
        if number is None:
            for text in texts:
                self.flat.put(self._ends, self.texts.setdefault(text, len(self.texts)))
                self._ends += 1
            number = len(self.lists)
            self.start.put(number, self._ends - len(texts))
            self.start.put(number + 1, self._ends)
            self.lists[texts] = number
        self.list_C.put(code, number)


class Columns:
    """Every field of every item.

    >>> columns = Columns()
    >>> columns.put(0, Item("e", 5, "tea", author="ana", attributes={"price": 5.0}), None)
    >>> columns.names(), columns.single("price").number_C.at(np.array([0, 1])).tolist()
    (['attributes.price', 'author', 'available_from', 'available_until', 'categories', 'price', 'tags'], [5.0, nan])
    """

    def __init__(self) -> None:
        self._lists = {name: Lists() for name in LISTS}
        self._told = {name: Column() for name in FIELDS if name not in LISTS}
        self._attributes: dict[str, Column] = {}

    def put(self, code: int, item: Item | None, before: Item | None) -> None:
        """The item as it is now, and as it was: None, or deleted, has no fields."""
        now, was = (_BARE if one is None or one.deleted else one for one in (item, before))
        for name, texts in self._lists.items():
            if (told := getattr(now, name)) or getattr(was, name):
                texts.put(code, told)
        for name, column in self._told.items():
            if (told := getattr(now, name)) != (old := getattr(was, name)):
                column.put(code, told, old)
        attributes, old_ones = now.attributes, was.attributes
        if attributes != old_ones:
            for name in {**old_ones, **attributes}:
                if name not in self._attributes:
                    self._attributes[name] = Column()
                self._attributes[name].put(code, attributes.get(name), old_ones.get(name))

    def names(self) -> list[str]:
        """What a filter may name."""
        attributes = list(self._attributes)
        return sorted({*FIELDS, *attributes, *(ATTRIBUTE + name for name in attributes)})

    def many(self, name: str) -> Lists | None:
        """A field with many texts."""
        return self._lists.get(name)

    def single(self, name: str) -> Column | None:
        """A field with one value; `attributes.NAME` is the attribute also where a field is called so. None where no
        item has it."""
        return self._told.get(name) or self._attributes.get(name.removeprefix(ATTRIBUTE)) or self._attributes.get(name)
