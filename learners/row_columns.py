"""Cells of labelled rows as the columns that a learner reads: exact ids, steps of numbers, hashed n-grams.

A text is numbered at its first appearance and never shares its number; what is missing is an id of its own in a field
of one id, and nothing in a bag. A number becomes one id: its deviation from the mean of the rows learned before, in
steps of a quarter of the spread, since fields have ids and no weights. Opens no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from learners.columns import BagColumns, Columns
from learners.learner import Doubles, Floats, Ints
from learners.numeric import LARGEST, Numbers
from learners.row_schema import RowSchema
from learners.tables.text_map import Bytes, TextMap
from learners.text_columns import grams_of_all

MISSING = -1
"""The key of what is missing; those of texts begin at 0."""
STEPS = 4.0
"""Ids for each spread of a number."""
MIDDLE = 1 << 20
"""The key of a number at its mean: those below it are above 0 too."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts one after the other, and where each ends. `count_B` says how many stand in each row (None: one)."""

    byte_X: Bytes
    end_N: Ints
    there_N: Ints | None = None
    """1 where a text is there, 0 where it is missing (None: all are)."""
    count_B: Ints | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """B rows as a file tells them: texts of categories, bags and texts by feature, numbers with NaN for what is
    missing, outcomes of 0 and 1, times in ms (None: it has none), and the line of each row."""

    texts: dict[str, Texts]
    numbers: dict[str, Doubles]
    value_BL: Floats
    at_B: Ints | None
    line_B: Ints


@dataclass(frozen=True, slots=True)
class Keyed:
    """B rows with keys of texts, and numbers that are still numbers."""

    key_BC: Ints
    number_BK: Doubles
    bags: BagColumns
    value_BL: Floats
    at_B: Ints | None
    line_B: Ints

    def __len__(self) -> int:
        return len(self.key_BC)

    def bag_ends(self) -> Ints:
        """Where the ids of each row begin in the bags, and at the end where they end."""
        end_B: Ints = np.concatenate([[0], np.cumsum(self.bags.count_BG.sum(axis=1))])
        return end_B

    def part(self, start: int, stop: int, end_B: Ints | None = None) -> Keyed:
        """Some of the rows; whoever takes many parts tells `bag_ends`."""
        end_B = self.bag_ends() if end_B is None else end_B
        bags = BagColumns(self.bags.key_N[end_B[start] : end_B[stop]], self.bags.count_BG[start:stop])
        at_B = None if self.at_B is None else self.at_B[start:stop]
        return Keyed(
            self.key_BC[start:stop], self.number_BK[start:stop], bags, self.value_BL[start:stop], at_B,
            self.line_B[start:stop],
        )  # fmt: skip


class RowEncoder:
    """Remembers which text has which number, and the scale of each number.

    >>> from learners.fields import Declared
    >>> encoder = RowEncoder(RowSchema(("clicked",), {"shop": Declared("category")}))
    >>> shops = Texts(np.frombuffer(b"teajamtea", np.uint8), np.array([3, 6, 9]))
    >>> cells = Cells({"shop": shops}, {}, np.zeros((3, 1), np.float32), None, np.arange(3))
    >>> encoder.columns(encoder.keyed(cells)).key_BF.tolist()
    [[0], [1], [0]]
    """

    def __init__(self, schema: RowSchema) -> None:
        self._schema = schema
        self._texts = TextMap()
        self._numbers = Numbers(schema.numbers)

    @property
    def fields(self) -> int:
        """Fields of one id; one that says nothing where the schema has none, since a model has at least one."""
        return max(1, len(self._schema.singles))

    def keyed(self, cells: Cells) -> Keyed:
        """Every text with its number."""
        rows, schema = len(cells.line_B), self._schema
        key_BC = np.empty((rows, len(schema.categories)), np.int64)
        for place, field in enumerate(schema.categories):
            key_BC[:, place] = self._numbered(cells.texts[field.name])
        number_BK = np.empty((rows, len(schema.numbers)))
        for place, field in enumerate(schema.numbers):
            number_B = np.clip(cells.numbers[field.name], -LARGEST, LARGEST)
            number_BK[:, place] = np.copysign(np.log1p(np.abs(number_B)), number_B) if field.told.log else number_B
        return Keyed(key_BC, number_BK, self._bags(cells, rows), cells.value_BL, cells.at_B, cells.line_B)

    def columns(self, rows: Keyed) -> Columns:
        """What a learner reads; numbers by the scale of the rows counted so far."""
        schema = self._schema
        key_BK = np.empty(rows.number_BK.shape, np.int64)
        for place, field in enumerate(schema.numbers):
            value_B = rows.number_BK[:, place]
            step_B = np.rint(np.nan_to_num(self._numbers.standard(field.name, value_B)) * STEPS)
            key_BK[:, place] = np.where(np.isnan(value_B), MISSING, step_B.astype(np.int64) + MIDDLE)
        key_BF = np.concatenate([rows.key_BC, key_BK], axis=1) if schema.singles else np.zeros((len(rows), 1), np.int64)
        bags = rows.bags if schema.bags else None
        return Columns(key_BF, rows.value_BL, at_B=rows.at_B, bags=bags)

    def count(self, rows: Keyed) -> None:
        """These rows were learned: their numbers are part of the scale."""
        if self._schema.numbers:
            self._numbers.count(rows.number_BK)

    def _numbered(self, texts: Texts) -> Ints:
        key_N = self._texts.add(texts.byte_X, texts.end_N)
        self._texts.settle()
        return key_N if texts.there_N is None else np.where(texts.there_N > 0, key_N, MISSING)

    def _bags(self, cells: Cells, rows: int) -> BagColumns:
        """The ids of all bags, row by row."""
        if not self._schema.bags:
            return BagColumns(np.empty(0, np.int64), np.zeros((rows, 0), np.int64))
        schema, keys, owners = self._schema, [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        count_BG = np.zeros((rows, len(schema.bags)), np.int64)
        for place, field in enumerate(schema.bags):
            texts = cells.texts[field.name]
            if field.kind == "text":
                key_N, count_B = grams_of_all(texts.byte_X, texts.end_N, field.told, field.most)
            else:
                count_B = np.zeros(rows, np.int64) if texts.count_B is None else texts.count_B
                key_N, count_B = _first(self._numbered(texts), count_B, field.most)
            count_BG[:, place] = count_B
            keys.append(key_N)
            owners.append(np.repeat(np.arange(rows), count_B))
        order_N = np.argsort(np.concatenate(owners), kind="stable")
        return BagColumns(np.concatenate(keys)[order_N], count_BG)


def batches(blocks: Iterable[Keyed], size: int) -> Iterator[Keyed]:
    """The same rows in batches of a size, however the file was cut into blocks; the last one may be smaller.

    >>> def rows(n):
    ...     none = BagColumns(np.zeros(0, np.int64), np.zeros((n, 0), np.int64))
    ...     return Keyed(np.zeros((n, 1), np.int64), np.zeros((n, 0)), none, np.zeros((n, 1)), None, np.arange(n))
    >>> [len(batch) for batch in batches([rows(3), rows(6), rows(1)], 4)]
    [4, 4, 2]
    """
    left: Keyed | None = None
    for block in blocks:
        rows = block if left is None else _joined(left, block)
        whole, end_B = len(rows) - len(rows) % size, rows.bag_ends()
        for start in range(0, whole, size):
            yield rows.part(start, start + size, end_B)
        left = rows.part(whole, len(rows), end_B)
    if left is not None and len(left):
        yield left


def _joined(one: Keyed, other: Keyed) -> Keyed:
    bags = BagColumns(
        np.concatenate([one.bags.key_N, other.bags.key_N]), np.concatenate([one.bags.count_BG, other.bags.count_BG])
    )
    at_B = None if one.at_B is None or other.at_B is None else np.concatenate([one.at_B, other.at_B])
    return Keyed(
        np.concatenate([one.key_BC, other.key_BC]), np.concatenate([one.number_BK, other.number_BK]), bags,
        np.concatenate([one.value_BL, other.value_BL]), at_B, np.concatenate([one.line_B, other.line_B]),
    )  # fmt: skip


def _first(key_N: Ints, count_B: Ints, most: int) -> tuple[Ints, Ints]:
    """The first `most` of each row.

    >>> [a.tolist() for a in _first(np.array([7, 8, 9]), np.array([2, 0, 1]), 1)]
    [[7, 9], [1, 0, 1]]
    """
    within_N = np.arange(len(key_N)) - np.repeat(np.cumsum(count_B) - count_B, count_B)
    return key_N[within_N < most], np.minimum(count_B, most)
