"""Who asks, and what a version reads of them: the same fields as in training, from the same function.

`AskerReader` turns an asker into the mean line of each asker field, for the ranker's rows and the towers' alike. It
knows rows and nothing of what is computed from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.catalogue import COLUMNS
from learners.features import asked
from learners.learner import Floats
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


class AskerReader:
    """Reads askers by one version's ids and items."""

    def __init__(self, schema: Schema, ids: ExportedIds, items: ExportedItems) -> None:
        self._schema, self._ids = schema, ids
        self._items = items
        self._fields = len(schema.asker_fields)
        item = items.read_EW[:, COLUMNS["item"]].ravel()
        tags = items.read_EW[:, COLUMNS["tags"]]
        self._item_row: list[int] = item.tolist()
        self._tag_rows: list[list[int]] = [[row for row in line if row >= 0] for line in tags.tolist()]
        self._known: dict[tuple[int, str], int] = {}

    def read(self, asker: Asker) -> Read:
        """The rows of an asker's fields, field by field."""
        told = asked([asker], self._schema.context)
        user_id = told.singles[0][1][0]
        user = -1 if user_id is None else self._ids.row(0, user_id)
        bags: list[list[int]] = [[] if user_id is None else [max(user, 0)]]
        bags += self._through(told.histories[0])
        bags += self._through(told.queries[0])
        for space, (text,) in told.singles[1:]:
            bags.append([] if text is None else [self._cached(space, text)])
        row_M = [row for bag in bags for row in bag]
        share_AM = np.zeros((self._fields, len(row_M)), np.float32)
        at = 0
        for field, bag in enumerate(bags):
            if bag:
                share_AM[field, at : at + len(bag)] = 1.0 / len(bag)
                at += len(bag)
        return Read(user, row_M, share_AM)

    def _through(self, item_ids: tuple[str, ...]) -> tuple[list[int], list[int]]:
        entries = self._items.entries_of(item_ids)
        rows = [self._item_row[entry] if entry >= 0 else ITEM for entry in entries]
        return rows, [row for entry in entries if entry >= 0 for row in self._tag_rows[entry]]

    def _cached(self, space: int, text: str) -> int:
        """Surfaces and context values are few: their rows are looked up once, for at most 4,096 of them."""
        row = self._known.get((space, text))
        if row is None:
            row = self._ids.reading(space, text)
            if len(self._known) < 4096:
                self._known[(space, text)] = row
        return row
