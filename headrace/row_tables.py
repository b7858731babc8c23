"""Tables of labelled rows, block by block: CSV, plain or packed, and Parquet. Never the whole file at once.

What a cell means is for `row_cells.py`. A line with too many or too few cells is noted and skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from headrace.row_files import kind_of, opened_file
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
        if missing:
            raise BadRows(
                f"{self.file.name} has no column {missing[0]!r}; it has {', '.join(names)}. "
                "Name one of these in the schema, with from = ..., or the columns of a file without names in header"
            )

    @property
    def rows(self) -> int | None:
        """How many there are, where that is known without reading them."""
        return int(pyarrow.parquet.read_metadata(self.file).num_rows) if kind_of(self.file) == ".parquet" else None

    def blocks(self) -> Iterator[tuple[Ints, dict[str, Any]]]:
        """Lines [B] and cells by column, Arrow arrays of B. Lines count from 1 and include the header of a CSV; in
        Parquet they are rows."""
        at, known = 0, len(self.ragged)
        first = 1 if kind_of(self.file) == ".parquet" or self.schema.header else 2
        try:
            for block in self._read():
                line_B = np.arange(at + first, at + first + block.num_rows, dtype=np.int64)
                at += block.num_rows
                for line, _ in self.ragged[known:]:
                    line_B[line_B >= line] += 1
                yield line_B, {name: block.column(name) for name in self.schema.columns}
        except (pa.ArrowInvalid, EOFError, OSError) as error:
            raise BadRows(f"{self.file.name} can't be read after row {at:,}: {error}") from error
        if not at:
            raise BadRows(f"{self.file.name} has no rows, only the names of its columns: was it written to its end?")

    def _read(self) -> Iterator[Any]:
        if kind_of(self.file) == ".parquet":
            table = pyarrow.parquet.ParquetFile(self.file)
            yield from table.iter_batches(BLOCK_ROWS, columns=list(self.schema.columns), use_threads=False)
            return
        columns, header = list(self.schema.columns), list(self.schema.header)
        with opened_file(self.file) as stream:
            yield from pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(
                    column_names=header or None, block_size=BLOCK_BYTES, use_threads=False
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=_delimiter(self.file, self.schema.delimiter), invalid_row_handler=self._note
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=columns, column_types=dict.fromkeys(columns, pa.string())
                ),
            )

    def _note(self, row: Any) -> str:
        line = row.number if row.number is not None else 0
        self.ragged.append((line, f"has {row.actual_columns} cells, the header {row.expected_columns}"))
        return "skip"


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
            text = TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            first = next(csv.reader(text, delimiter=_delimiter(file, delimiter)), [])
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadRows(f"{file.name} can't be read: {error}; is its ending that of what is in it?") from error
    if not first:
        raise BadRows(f"{file.name} is empty: was it written to its end?")
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
            fields = pyarrow.csv.open_csv(stream, parse_options=options).schema
    return {one.name: "number" for one in fields if pa.types.is_floating(one.type)}


def _delimiter(file: Path, told: str | None) -> str:
    kind = kind_of(file)
    if told is None and kind not in (".csv", ".tsv", ".parquet"):
        raise BadRows(f"{file.name}: can't tell what it is; known are .parquet, .csv, .tsv, also with .gz, .xz, .bz2")
    return told or ("\t" if kind == ".tsv" else ",")
