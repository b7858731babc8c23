"""The items a learner knows: attributes as last told, one line of integer keys per item, for vectorised reading.

An item gets its entry at first sight (bare, where nothing was told of it). The larger `ts` wins; attributes are read
as of learning, as counters are, so that a server reads the same. Texts and vectors of items are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from learners.learner import Bools, Ints
from learners.names import Names
from learners.schema import CATEGORIES, SPACES, TAGS
from streams.examples import Attributes

COLUMNS = {
    "item": slice(0, 1),
    "author": slice(1, 2),
    "categories": slice(2, 2 + CATEGORIES),
    "tags": slice(2 + CATEGORIES, 2 + CATEGORIES + TAGS),
}
WIDTH = 2 + CATEGORIES + TAGS
ITEM, AUTHOR, CATEGORY, TAG = (SPACES.index(name) for name in ("item", "author", "category", "tag"))


@dataclass(frozen=True, slots=True)
class Known:
    """What an entry was last told; ts -1 for a bare one."""

    item_id: str
    ts: int = -1
    author: str | None = None
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    deleted: bool = False


class Catalogue:
    """Entries in order of first sight, provisional until `settle`."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._space_EW: Ints = np.full((64, WIDTH), -1, np.int64)
        self._key_EW: Ints = np.zeros((64, WIDTH), np.int64)
        self._alive_E: Bools = np.ones(64, np.bool_)
        self._known: list[Known] = []
        self._entry: dict[str, int] = {}
        self._settled = 0
        self._replaced: dict[int, Known] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def known(self) -> list[Known]:
        return self._known

    @property
    def spaces(self) -> Ints:
        """Space of each key, -1 where there is none; columns by `COLUMNS`."""
        return self._space_EW

    @property
    def keys(self) -> Ints:
        return self._key_EW

    @property
    def alive(self) -> Bools:
        """Which entries are not deleted."""
        return self._alive_E[: len(self._known)]

    def entry(self, item_id: str) -> int:
        """The entry of an item, made bare where it is new."""
        entry = self._entry.get(item_id)
        return self._add(Known(item_id)) if entry is None else entry

    def feed(self, told: Attributes) -> int:
        """Take attributes unless newer ones are known."""
        entry = self._entry.get(told.item_id)
        if entry is not None and self._known[entry].ts >= told.ts:
            return entry
        new = Known(told.item_id, told.ts, told.author, told.categories, told.tags, told.deleted)
        if entry is None:
            return self._add(new)
        if entry < self._settled:
            self._replaced.setdefault(entry, self._known[entry])
        self._known[entry] = new
        self._write(entry, new)
        return entry

    def settle(self) -> None:
        """Keep what came since the last settle or withdraw."""
        self._settled = len(self._known)
        self._replaced.clear()

    def withdraw(self) -> None:
        """Forget what came since then."""
        for known in self._known[self._settled :]:
            del self._entry[known.item_id]
        del self._known[self._settled :]
        for entry, known in self._replaced.items():
            self._known[entry] = known
            self._write(entry, known)
        self._replaced.clear()

    def dump(self) -> list[list[Any]]:
        """Everything, for a snapshot."""
        return [[k.item_id, k.ts, k.author, k.categories, k.tags, k.deleted] for k in self._known]

    def load(self, dumped: list[list[Any]]) -> None:
        """Become what `dump` gave; the names must stand already."""
        self._known, self._entry, self._settled, self._replaced = [], {}, 0, {}
        for item_id, ts, author, categories, tags, deleted in dumped:
            self._add(Known(item_id, ts, author, tuple(categories), tuple(tags), deleted))
        self.settle()

    def _add(self, known: Known) -> int:
        entry = self._entry[known.item_id] = len(self._known)
        self._known.append(known)
        if entry == len(self._space_EW):
            self._space_EW = np.concatenate([self._space_EW, np.full_like(self._space_EW, -1)])
            self._key_EW = np.concatenate([self._key_EW, np.zeros_like(self._key_EW)])
            self._alive_E = np.concatenate([self._alive_E, np.ones_like(self._alive_E)])
        self._write(entry, known)
        return entry

    def _write(self, entry: int, known: Known) -> None:
        self._space_EW[entry] = -1
        self._alive_E[entry] = not known.deleted
        told = (
            ("item", ITEM, (known.item_id,)),
            ("author", AUTHOR, (known.author,) if known.author else ()),
            ("categories", CATEGORY, known.categories[:CATEGORIES]),
            ("tags", TAG, known.tags[:TAGS]),
        )
        for field, space, texts in told:
            start = COLUMNS[field].start
            for column, text in enumerate(texts, start):
                self._space_EW[entry, column], self._key_EW[entry, column] = self._names.code(space, text)
