"""The items a learner knows: attributes as last told, one line of integer keys per item, for vectorised reading.

An item gets its entry at first sight (bare, where nothing was told of it). The larger `ts` wins; attributes are read
as of learning, as counters are, so that a server reads the same. Of texts and vectors only what a declared feature
reads of them is kept (`item_values.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from learners.catalogue_lines import place_all
from learners.item_values import read_item, slices
from learners.keeping import Arrays
from learners.known_items import Known, known_of
from learners.learner import Bools, Doubles, Ints
from learners.names import Names
from learners.schema import CATEGORIES, ITEM_FIELDS, SPACES, TAGS, Schema
from learners.tables.changed import Changed
from streams.examples import Attributes

COLUMNS = {
    "item": slice(0, 1),
    "author": slice(1, 2),
    "categories": slice(2, 2 + CATEGORIES),
    "tags": slice(2 + CATEGORIES, 2 + CATEGORIES + TAGS),
}
WIDTH = 2 + CATEGORIES + TAGS
ITEM, AUTHOR, CATEGORY, TAG = (SPACES.index(name) for name in ("item", "author", "category", "tag"))


class Catalogue:
    """Entries in order of first sight, provisional until `settle`."""

    def __init__(self, names: Names, schema: Schema | None = None) -> None:
        self._names = names
        self._declared = tuple(schema.items[len(ITEM_FIELDS) :]) if schema else ()
        self.columns = COLUMNS | slices(self._declared, measured=False, start=WIDTH)
        self.measured = slices(self._declared, measured=True)
        width, more = (max([0, *(one.stop for one in of.values())]) for of in (self.columns, self.measured))
        self._widths = width, more
        self._room(64)
        self._known: list[Known] = []
        self._entry: dict[str, int] = {}
        self._settled = 0
        self._replaced: dict[int, Known] = {}
        self.changed = Changed()
        """Entries of which something may have changed."""

    def __len__(self) -> int:
        return len(self._known)

    @property
    def known(self) -> list[Known]:
        return self._known

    @property
    def spaces(self) -> Ints:
        """Space of each key, -1 where there is none; columns by `columns`."""
        return self._space_EW

    @property
    def keys(self) -> Ints:
        return self._key_EW

    @property
    def measures(self) -> Doubles:
        """Numbers and vectors of each entry, NaN where there is none; columns by `measured`."""
        return self._measure_EV

    @property
    def alive(self) -> Bools:
        """Which entries are not deleted."""
        return self._alive_E[: len(self._known)]

    @property
    def offered(self) -> Bools:
        """Which entries are neither deleted nor at rest."""
        return self.alive & ~self.rests

    @property
    def rests(self) -> Bools:
        """Which entries are not offered until they are seen again."""
        return self._rests_E[: len(self._known)]

    def rest(self, item_ids: Iterable[str]) -> None:
        """Offer these no more; what was told of them stays."""
        entry_N = np.array([self._entry[item_id] for item_id in item_ids if item_id in self._entry], np.int64)
        self._rests_E[entry_N] = True
        self.changed.touch(entry_N)

    def wake(self, entry_N: Ints | list[int]) -> None:
        """These were seen."""
        entry_N = np.asarray(entry_N, np.int64)
        self.changed.touch(entry_N[self._rests_E[entry_N]])
        self._rests_E[entry_N] = False

    def entry(self, item_id: str) -> int:
        """The entry of an item, made bare where it is new."""
        entry = self._entry.get(item_id)
        return self._add(Known(item_id)) if entry is None else entry

    def find(self, item_id: str) -> int:
        """The entry of an item, -1 where none is known."""
        return self._entry.get(item_id, -1)

    def feed(self, told: Attributes) -> int:
        """Take attributes unless newer ones are known. Equally new ones are taken for what was declared since."""
        entry = self._entry.get(told.item_id)
        if entry is not None:
            known = self._known[entry]
            lacking = bool(self._declared) and not (known.values and known.values.whole)
            if known.ts > told.ts or (known.ts == told.ts and not lacking):
                return entry
        values = read_item(told, self._declared) if self._declared else None
        new = Known(told.item_id, told.ts, told.author, told.categories, told.tags, told.deleted, values)
        if entry is None:
            return self._add(new)
        if entry < self._settled:
            self._replaced.setdefault(entry, self._known[entry])
        self._known[entry] = new
        self.changed.touch(np.array([entry]))
        self._write(entry, new)
        return entry

    def feed_all(self, told: Iterable[Attributes]) -> None:
        """Take what is told by one after the other; most of it is known, so that is found out first."""
        entries, known, declared = self._entry, self._known, bool(self._declared)
        for one in told:
            entry = entries.get(one.item_id)
            if entry is None or declared or known[entry].ts < one.ts:
                self.feed(one)

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

    @property
    def lines(self) -> Arrays:
        """The arrays that have a line for each entry, as they stand."""
        arrays: Arrays = {"items.rests": self.rests}
        return arrays | ({"items.measures": self._measure_EV[: len(self._known)]} if self._declared else {})

    def told(self, known: Known) -> list[Any]:
        """What is kept of an entry, as plain values."""
        line: list[Any] = [known.item_id, known.ts, known.author, known.categories, known.tags, known.deleted]
        if self._declared:
            line.append([known.values.whole, known.values.keys] if known.values else None)
        return line

    def load(self, arrays: Arrays, dumped: list[list[Any]]) -> None:
        """Become what `dump` gave; the names must stand already."""
        self._known, self._replaced = [known_of(line, entry, arrays) for entry, line in enumerate(dumped)], {}
        self._entry = {known.item_id: entry for entry, known in enumerate(self._known)}
        self._room(len(dumped))
        fields_E = (self._fields(known) for known in self._known)
        place_all(fields_E, self.columns, self._names.code, (self._space_EW, self._key_EW))
        self._alive_E[: len(dumped)] = [not known.deleted for known in self._known]
        self._rests_E[: len(dumped)] = arrays["items.rests"]
        if self._declared:
            self._measure_EV[: len(dumped)] = arrays["items.measures"]
        self.changed = Changed()
        self.settle()

    def put(self, arrays: Arrays, told: Mapping[int, list[Any]]) -> list[int]:
        """Become what a later version says: all `arrays`, and the entries that it tells anew; those of them of which
        something else is known now. Its names must stand already."""
        new = []
        for entry in sorted(told):
            known = known_of(told[entry], entry, arrays)
            if entry == len(self._known):
                self._add(known)
            elif known == self._known[entry]:
                continue
            else:
                self._known[entry] = known
                self._write(entry, known)
            new.append(entry)
        self._rests_E[: len(self._known)] = arrays["items.rests"]
        if self._declared:
            self._measure_EV[: len(self._known)] = arrays["items.measures"]
        self.changed = Changed()
        self.settle()
        return new

    @property
    def _arrays(self) -> tuple[Ints, Ints, Doubles, Bools, Bools]:
        return self._space_EW, self._key_EW, self._measure_EV, self._alive_E, self._rests_E

    def _room(self, entries: int) -> None:
        """Arrays for at least so many entries, of which nothing is told."""
        entries, (width, more) = max(entries, 64), self._widths
        self._space_EW: Ints = np.full((entries, width), -1, np.int64)
        self._key_EW: Ints = np.zeros((entries, width), np.int64)
        self._measure_EV: Doubles = np.full((entries, more), np.nan)
        self._alive_E: Bools = np.ones(entries, np.bool_)
        self._rests_E: Bools = np.zeros(entries, np.bool_)

    def _add(self, known: Known) -> int:
        entry = self._entry[known.item_id] = len(self._known)
        self._known.append(known)
        self.changed.touch(np.array([entry]))
        if entry == len(self._space_EW):
            before = self._space_EW, self._key_EW, self._measure_EV, self._alive_E, self._rests_E
            self._room(2 * entry)
            for old, new in zip(before, self._arrays, strict=True):
                new[:entry] = old
        self._write(entry, known)
        return entry

    def _write(self, entry: int, known: Known) -> None:
        self._space_EW[entry] = -1
        self._measure_EV[entry] = np.nan
        self._alive_E[entry] = not known.deleted
        if known.values is not None:
            self._measure_EV[entry] = np.frombuffer(known.values.measured)
        for name, space, keys in self._fields(known):
            for column, key in enumerate(keys, self.columns[name].start):
                code = self._names.code(space, key) if isinstance(key, str) else (2 * space, key)
                self._space_EW[entry, column], self._key_EW[entry, column] = code

    def _fields(self, known: Known) -> Iterator[tuple[str, int, tuple[str | int, ...]]]:
        """Name, space and keys of each field that has ids."""
        yield "item", ITEM, (known.item_id,)
        yield "author", AUTHOR, (known.author,) if known.author else ()
        yield "categories", CATEGORY, known.categories[:CATEGORIES]
        yield "tags", TAG, known.tags[:TAGS]
        if known.values is not None:
            named = (field for field in self._declared if field.name in self.columns)
            for field, keys in zip(named, known.values.keys, strict=True):
                yield field.name, field.space, keys
