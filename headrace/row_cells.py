"""Cells of a block of rows as a learner takes them: texts as bytes and ends, numbers, outcomes, times; whole columns.

A row with an outcome other than 0 and 1, or with a number that is none, is rejected with its line, column and reason.
Empty cells are missing, not wrong, but for outcomes and times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headrace.row_arrays import arrow, doubles_of, flags_of, numbers_of, texts_of, there, words
from learners.fields import Field
from learners.learner import Bools, Doubles, Ints
from learners.row_columns import Cells, Texts
from learners.row_schema import RowSchema

PER_MS = {"s": 0.001, "ms": 1.0, "us": 1e3, "ns": 1e6}
TRUTHS = {"true": 1.0, "false": 0.0}
EXACT = 2.0**53


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that can't be learned, and why."""

    line: int
    column: str
    reason: str


def cells_of(line_B: Ints, told: dict[str, Any], schema: RowSchema) -> tuple[Cells, list[Refused]]:
    """The rows that can be learned, and the others; of a row with several faults the first is told."""
    columns = {name: _emptied(column, schema.missing) for name, column in told.items()}
    faults: dict[int, Refused] = {}

    def note(bad_B: Bools, column: str, what: str) -> None:
        for place in np.flatnonzero(bad_B).tolist():
            cell = columns[column][place].as_py()
            reason = "is missing" if cell is None else f"is {cell!r}, not {what}"
            faults.setdefault(place, Refused(int(line_B[place]), column, reason))

    value_BL = np.empty((len(line_B), len(schema.labels)))
    for place, label in enumerate(schema.labels):
        value_BL[:, place], _ = _numbers(columns[label])
        note((value_BL[:, place] != 0) & (value_BL[:, place] != 1), label, "0 or 1")
    at_B = None
    if schema.time is not None:
        at_B, wrong_B = _times(columns[schema.time], PER_MS[schema.time_unit])
        note(wrong_B | np.isnan(at_B), schema.time, "a time")
    numbers = {}
    for field in schema.numbers:
        numbers[field.name], wrong_B = _numbers(columns[field.source])
        note(wrong_B, field.source, "a finite number")
    good_B = np.ones(len(line_B), np.bool_)
    good_B[list(faults)] = False
    return _kept(Rows(columns, value_BL, numbers, at_B, line_B), good_B, schema), [faults[at] for at in sorted(faults)]


@dataclass(frozen=True, slots=True)
class Rows:
    """A block as it was read, the rejected rows among the others."""

    columns: dict[str, Any]
    value_BL: Doubles
    numbers: dict[str, Doubles]
    at_B: Doubles | None
    line_B: Ints


def _kept(rows: Rows, good_B: Bools, schema: RowSchema) -> Cells:
    every = bool(good_B.all())
    texts = {}
    for field in (*schema.categories, *schema.bags):
        column = rows.columns[field.source]
        texts[field.name] = _texts(field, column if every else column.filter(arrow(good_B)))
    return Cells(
        texts,
        {name: number_B[good_B] for name, number_B in rows.numbers.items()},
        rows.value_BL[good_B].astype(np.float32),
        None if rows.at_B is None else rows.at_B[good_B].astype(np.int64),
        rows.line_B[good_B],
    )


def _texts(field: Field, column: Any) -> Texts:
    if field.kind != "many":
        return _bytes(_text(column))
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        column = pc.split_pattern(_text(column), field.told.separator)
    count_B = pc.list_value_length(column).cast(pa.int64())
    count_B = np.where(there(count_B), numbers_of(count_B, np.int64), 0)
    values = pc.utf8_trim_whitespace(_text(column.flatten()))
    byte_X, end_N = texts_of(values)
    there_N = np.diff(end_N, prepend=0) > 0
    if values.null_count or not there_N.all():
        there_N &= there(values)
        owner_N = np.repeat(np.arange(len(count_B)), count_B)[there_N]
        count_B = np.bincount(owner_N, minlength=len(count_B))
        byte_X, end_N = texts_of(values.filter(arrow(there_N)))
    return Texts(byte_X, end_N, count_B=count_B)


def _bytes(column: Any) -> Texts:
    byte_X, end_N = texts_of(column)
    return Texts(byte_X, end_N, None if column.null_count == 0 else there(column).astype(np.int64))


def _text(column: Any) -> Any:
    """Ids as texts: 7 and 7.0 are one number, so one id."""
    if pa.types.is_floating(column.type):
        number_N = doubles_of(column.cast(pa.float64()))
        with np.errstate(invalid="ignore"):
            whole_N = (number_N == np.floor(number_N)) & (np.abs(number_N) < EXACT)
            as_whole = arrow(np.where(whole_N, number_N, 0).astype(np.int64))
        return pc.if_else(arrow(whole_N), as_whole.cast(pa.string()), column.cast(pa.string()))
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _emptied(column: Any, missing: Sequence[str]) -> Any:
    """Missing texts as nothing, other types as they are."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type):
        column = column.cast(pa.string())
    if not pa.types.is_string(column.type) or not missing:
        return column
    gone = pc.is_in(column, value_set=words(missing))
    return pc.if_else(gone, pa.nulls(len(column), pa.string()), column) if flags_of(gone).any() else column


def _numbers(column: Any) -> tuple[Doubles, Bools]:
    """Numbers with NaN for what is missing, and where something is there that is no finite number."""
    try:
        number_B = doubles_of(column.cast(pa.float64()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        number_B = np.array([_number(cell) for cell in column.to_pylist()])
    return np.where(np.isinf(number_B), np.nan, number_B), np.isinf(number_B)


def _number(cell: object) -> float:
    """Infinite for what is none."""
    text = "" if cell is None else str(cell).strip()
    if not text:
        return np.nan
    try:
        number = TRUTHS.get(text.lower())
        number = float(text) if number is None else number
    except ValueError:
        return np.inf
    return number if isfinite(number) or np.isnan(number) else np.inf


def _times(column: Any, per_ms: float) -> tuple[Doubles, Bools]:
    """Times in ms: numbers of the unit, or times that spell themselves."""
    if pa.types.is_string(column.type):
        try:
            column = column.cast(pa.timestamp("ms"))
        except pa.ArrowInvalid:
            return _in_ms(*_numbers(column), per_ms)
    if pa.types.is_timestamp(column.type):
        at_B = doubles_of(column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).cast(pa.float64()))
        return at_B, np.zeros(len(column), np.bool_)
    return _in_ms(*_numbers(column), per_ms)


def _in_ms(number_B: Doubles, wrong_B: Bools, per_ms: float) -> tuple[Doubles, Bools]:
    at_B: Doubles = np.floor(number_B / per_ms)
    return at_B, wrong_B | (np.abs(number_B / per_ms) > EXACT)
