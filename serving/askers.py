"""Who asks, and what a version reads of them: the same fields as in training, from the same function.

`AskerReader` turns an asker into the line of each asker field, for the ranker's rows and the towers' alike. It knows
rows and nothing of what is computed from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.asked import Column, asked
from learners.catalogue import COLUMNS
from learners.features import USER
from learners.learner import Floats, Ints
from learners.numeric import Numbers
from learners.schema import Schema
from serving.exported import ITEM, ExportedIds, ExportedItems
from streams.examples import Past


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, where, and after what: as a shot of training has it."""

    user_id: str
    history: tuple[Past, ...]
    surface: str
    context: dict[str, str | float]
    at: int
    query_item_id: str | None = None
    query_text: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """Rows to read, and the share each has in each of the asker's fields; `user` is the row of the user's own, -1
    for one whom the version does not know."""

    user: int
    row_M: list[int]
    share_AM: Floats
    columns: tuple[Column, ...]
    """What the rows are of."""


class AskerReader:
    """Reads askers by one version's ids and items, and by what it had learned of numbers."""

    def __init__(self, schema: Schema, ids: ExportedIds, items: ExportedItems, numbers: Numbers) -> None:
        self._schema, self._ids, self._numbers = schema, ids, numbers
        self._items = items
        through = {field.through for field in schema.askers if field.kind == "history"} - {"item"}
        self._item_row: Ints = items.read_EW[:, COLUMNS["item"].start]
        self._rows_of = {name: items.read_EW[:, COLUMNS[name]] for name in through}
        self._known: dict[tuple[int, str], int] = {}

    def read(self, asker: Asker) -> Read:
        """The rows of an asker's fields, field by field."""
        entries: dict[int, list[int]] = {}
        columns = asked([asker], self._schema)
        user = self._ids.row(USER, asker.user_id) if asker.user_id else -1
        bags = [([max(user, USER)] if asker.user_id else [], 1.0)]
        bags += [self._bag(column, entries) for column in columns[1:]]
        row_M = [row for bag, _ in bags for row in bag]
        share_AM = np.zeros((len(bags), len(row_M)), np.float32)
        at = 0
        for field, (bag, weight) in enumerate(bags):
            if bag:
                share_AM[field, at : at + len(bag)] = weight
                at += len(bag)
        return Read(user, row_M, share_AM, columns)

    def _bag(self, column: Column, entries: dict[int, list[int]]) -> tuple[list[int], float]:
        """The rows of a field's only bag, and what each weighs."""
        field, space = column.field, column.field.space
        if column.number_S is not None:
            (number,) = self._numbers.standard(field.name, column.number_S).tolist()
            return ([], 0.0) if number != number else ([self._ids.reading_key(space, 0)], number)
        if column.keys_S is not None:
            return _mean([self._ids.reading_key(space, key) for key in column.keys_S[0]])
        assert column.texts_S is not None
        if field.kind != "history":
            return _mean([self._reading(space, text) for text in column.texts_S[0]])
        name = id(column.texts_S)
        if name not in entries:
            entries[name] = self._items.entries_of(column.texts_S[0])
        return _mean(self._through(entries[name], field.through))

    def _through(self, entries: list[int], name: str) -> list[int]:
        """The rows of items, or of what they are."""
        if not entries:
            return []
        entry_H = np.array(entries, np.int64)
        if name == "item":
            read: list[int] = np.where(entry_H >= 0, self._item_row[entry_H], ITEM).tolist()
            return read
        row_HC = self._rows_of[name][entry_H[entry_H >= 0]]
        rows: list[int] = row_HC[row_HC >= 0].tolist()
        return rows

    def _reading(self, space: int, text: str) -> int:
        """Surfaces and context values are few: their rows are looked up once, for at most 4,096 of them."""
        row = self._known.get((space, text))
        if row is None:
            row = self._ids.reading(space, text)
            if len(self._known) < 4096:
                self._known[(space, text)] = row
        return row


def _mean(rows: list[int]) -> tuple[list[int], float]:
    return rows, 1.0 / max(1, len(rows))
