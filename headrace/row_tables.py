"""Tables of labelled rows, block by block: CSV, plain or packed, and Parquet. Never the whole file at once.

What a cell means is for `row_cells.py`. A line with too many or too few cells is noted and skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from lzma import LZMAError
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from headrace.row_files import kind_of, opened_file
from headrace.row_lines import Block, blocks
from headrace.rows_schema import BadRows
from learners.fields import Kind
from learners.learner import Ints
from learners.row_schema import RowSchema

BLOCK_ROWS = 32_768
BLOCK_BYTES = 1 << 21


@dataclass(slots=True)
class RowTable:
    """A file of rows under a schema. `ragged` are the lines of a CSV that were skipped so far, by number of cells.

    Raises BadRows where the file has no rows, lacks a column or is no table.
    """

    file: Path
    schema: RowSchema
    ragged: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = columns_of(self.file, self.schema.delimiter, self.schema.header)
        missing = [column for column in self.schema.columns if column not in names]
        twice = [column for column in self.schema.columns if names.count(column) > 1]
        if missing:
            raise BadRows(
                f"{self.file.name} has no column {missing[0]!r}; it has {', '.join(names)}. "
                "Name one of these in the schema, with from = ..., or the columns of a file without names in header"
            )
        if twice:
            places = ", ".join(str(at) for at, name in enumerate(names, 1) if name == twice[0])
            raise BadRows(
                f"{self.file.name} has several columns named {twice[0]!r} (columns {places}), and the schema reads one "
                "of that name: give them names of their own"
            )

    @property
    def rows(self) -> int | None:
        """How many there are, where that is known without reading them."""
        return int(pyarrow.parquet.read_metadata(self.file).num_rows) if kind_of(self.file) == ".parquet" else None

    def blocks(self) -> Iterator[tuple[Ints, dict[str, Any]]]:
        """Lines [B] and cells by column, Arrow arrays of B. Lines count from 1 and include the header of a CSV; in
        Parquet they are rows. A row of several lines has the number of the first."""
        at = 0
        try:
            for line_B, cells in self._parquet() if kind_of(self.file) == ".parquet" else self._csv():
                at += len(line_B)
                yield line_B, cells
        except (pa.ArrowInvalid, UnicodeError, ValueError, EOFError, OSError, LZMAError) as error:
            raise BadRows(f"{self.file.name} can't be read after row {at:,}: {error}") from error
        if not at and not self.ragged:
            raise BadRows(f"{self.file.name} has no rows, only the names of its columns: was it written to its end?")

    def _parquet(self) -> Iterator[tuple[Ints, dict[str, Any]]]:
        table, at = pyarrow.parquet.ParquetFile(self.file), 1
        for block in table.iter_batches(BLOCK_ROWS, columns=list(self.schema.columns), use_threads=False):
            yield np.arange(at, at + block.num_rows), {name: block.column(name) for name in self.schema.columns}
            at += block.num_rows

    def _csv(self) -> Iterator[tuple[Ints, dict[str, Any]]]:
        delimiter, headed = _delimiter(self.file, self.schema.delimiter), not self.schema.header
        names = columns_of(self.file, delimiter, self.schema.header)
        place = {name: names.index(name) for name in self.schema.columns}
        with opened_file(self.file) as stream:
            for block in blocks(stream, BLOCK_BYTES, delimiter):
                table, bad = _split(block, len(names), [*place.values()], delimiter, headed)
                keep_B = np.ones(len(block.line_B), np.bool_)
                keep_B[: int(headed)] = False
                for row, cells in bad:
                    keep_B[row] = False
                    self.ragged.append((int(block.line_B[row]), f"has {cells} cells, the header {len(names)}"))
                yield block.line_B[keep_B], {name: table[str(at)].combine_chunks() for name, at in place.items()}
                headed = False


def _split(
    block: Block, columns: int, wanted: Sequence[int], delimiter: str, headed: bool
) -> tuple[Any, list[tuple[int, int]]]:
    """The wanted columns of a block as texts, by their place; rows that were skipped, and how many cells they have."""
    bad: list[tuple[int, int]] = []

    def note(row: Any) -> str:
        bad.append((row.number - 1, row.actual_columns))
        return "skip"

    reading = pyarrow.csv.ReadOptions(
        column_names=[str(at) for at in range(columns)], skip_rows_after_names=int(headed),
        block_size=len(block.data) + 1, use_threads=False,
    )  # fmt: skip
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note)
    names = [str(at) for at in wanted]
    texts = pyarrow.csv.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, pa.string()))
    try:
        return pyarrow.csv.read_csv(pa.BufferReader(block.data), reading, parsing, texts), bad
    except pa.ArrowInvalid as error:
        raise ValueError(_told(block, error)) from error


def _told(block: Block, error: Exception) -> str:
    """Where bytes are no text, the line is told, which Arrow does not."""
    try:
        block.data.decode()
    except UnicodeDecodeError as odd:
        line = int(block.line_B[0]) + block.data[: odd.start].lstrip(b"\r\n").count(b"\n")
        byte = block.data[odd.start]
        return f"byte {byte:#04x} on line {line:,} is no UTF-8; was it written in another encoding? Write it as UTF-8"
    return str(error)


def columns_of(file: Path, delimiter: str | None = None, header: Sequence[str] = ()) -> tuple[str, ...]:
    """The names of its columns. Raises BadRows."""
    if not file.is_file():
        raise BadRows(f"{file} is no file: is the name right, and is it on this machine?")
    if kind_of(file) == ".parquet":
        try:
            return tuple(pyarrow.parquet.read_schema(file).names)
        except pa.ArrowInvalid as error:
            raise BadRows(f"{file.name} is no Parquet file: {error}") from error
    try:
        with opened_file(file) as stream:
            text = TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
            first = next(csv.reader(text, delimiter=_delimiter(file, delimiter)), [])
    except (OSError, EOFError, LZMAError, UnicodeDecodeError, csv.Error) as error:
        raise BadRows(f"{file.name} can't be read: {error}; is its ending that of what is in it?") from error
    if not first:
        raise BadRows(f"{file.name} is empty: was it written to its end?")
    if any("\udc80" <= letter <= "\udcff" for letter in "".join(first)):
        raise BadRows(f"{file.name}: the first line is no UTF-8; was it written in another encoding? Write it as UTF-8")
    if header and len(header) != len(first):
        raise BadRows(f"{file.name} has {len(first)} columns, but header in the schema names {len(header)}")
    return tuple(header) or tuple(first)


def guessed(file: Path, delimiter: str | None = None) -> dict[str, Kind]:
    """Columns of numbers with a fraction, in the first block; anything else may be an id."""
    if kind_of(file) == ".parquet":
        fields = pyarrow.parquet.read_schema(file)
    else:
        with opened_file(file) as stream:
            options = pyarrow.csv.ParseOptions(delimiter=_delimiter(file, delimiter))
            try:
                fields = pyarrow.csv.open_csv(stream, parse_options=options).schema
            except pa.ArrowInvalid:
                return {}
    return {one.name: "number" for one in fields if pa.types.is_floating(one.type)}


def _delimiter(file: Path, told: str | None) -> str:
    kind = kind_of(file)
    if told is None and kind not in (".csv", ".tsv", ".parquet"):
        raise BadRows(
            f"{file.name}: can't tell what it is; known are .parquet, .csv, .tsv, also with .gz, .xz, .bz2, .zst"
        )
    return told or ("\t" if kind == ".tsv" else ",")
