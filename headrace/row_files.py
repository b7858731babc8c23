"""Rows of files: JSON lines, Parquet and CSV, plain or packed, a few columns of each, one by one.

What a row means is for `streams/mapping.py`.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from streams.columns import Place
from streams.errors import BadEvent
from streams.mapped_rows import Fields, Row, item_of
from streams.mapping import BadMapping, Table, item_columns

PACKED = {
    ".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open, ".zst": lambda file, mode: _zstandard(file),
}  # fmt: skip
BLOCK_ROWS = 8192


def rows_of(
    file: Path, columns: Sequence[str], *, delimiter: str | None = None, header: Sequence[str] = ()
) -> Iterator[Row]:
    """Every row, with the given columns. A line that is no JSON comes as a BadEvent.

    A table of text says by its ending what stands between cells, or `delimiter` says so; `header` names its columns
    where its first line does not. Lines count from 1 and include the header of a CSV; in Parquet they are rows. Raises
    BadMapping where a table lacks a column, or where the ending of the name says nothing.
    """
    kind = kind_of(file)
    if kind == ".parquet":
        return _parquet(file, columns)
    if kind in (".csv", ".tsv") or delimiter is not None:
        return _csv(file, columns, delimiter or ("\t" if kind == ".tsv" else ","), header)
    if kind in (".jsonl", ".ndjson", ".json"):
        return _json_lines(file)
    raise BadMapping(f"{file.name}: can't tell what it is; known are .jsonl, .parquet, .csv and .tsv, also with .gz")


def count_of(file: Path) -> int | None:
    """How many rows there are, where that is known without reading them."""
    return int(pyarrow.parquet.read_metadata(file).num_rows) if kind_of(file) == ".parquet" else None


def items_of(table: Table, folder: Path) -> dict[str, Fields]:
    """The attributes of every item in the mapping's table of items, by id; empty where it names none.

    The table's name is relative to `folder`. A row that can't be read costs its item the attributes, nothing else.
    """
    items, told = table.items, {}
    if items is None or items.file is None:
        return {}
    wanted = sorted({column.column for column in item_columns(items) if column.column is not None})
    for place, row in rows_of(folder / items.file, wanted):
        if not isinstance(row, BadEvent):
            item_id, fields = item_of(items, table.time_unit, row, place)
            told[item_id] = fields
    return told


def _parquet(file: Path, columns: Sequence[str]) -> Iterator[Row]:
    table = pyarrow.parquet.ParquetFile(file)
    _check(file, columns, table.schema_arrow.names)
    return _rows(file, columns, table.iter_batches(BLOCK_ROWS, columns=list(columns)), 1)


def _csv(file: Path, columns: Sequence[str], delimiter: str, header: Sequence[str]) -> Iterator[Row]:
    """Cells stay texts: what is a number is for the mapping to say, and an id like 007 must not become 7."""
    with opened_file(file) as opened:
        first = opened.readline().decode().rstrip("\r\n").split(delimiter)
    if header and len(first) != len(header):
        raise BadMapping(f"{file.name} has {len(first)} columns, but header in the mapping names {len(header)}")
    _check(file, columns, header or [name.strip('"') for name in first])
    return _csv_rows(file, columns, delimiter, header)


def _csv_rows(file: Path, columns: Sequence[str], delimiter: str, header: Sequence[str]) -> Iterator[Row]:
    with opened_file(file) as stream:
        blocks = pyarrow.csv.open_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(column_names=list(header) or None),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=list(columns), column_types=dict.fromkeys(columns, pa.string())
            ),
        )
        yield from _rows(file, columns, blocks, 1 if header else 2)


def _rows(file: Path, columns: Sequence[str], blocks: Any, line: int) -> Iterator[Row]:
    name = _stem(file)
    for block in blocks:
        cells = [block.column(column).to_pylist() for column in columns]
        for row in zip(*cells, strict=True) if cells else ((),) * block.num_rows:
            yield Place(name, line), dict(zip(columns, row, strict=True))
            line += 1


def _json_lines(file: Path) -> Iterator[Row]:
    name = _stem(file)
    with opened_file(file) as lines:
        for line, data in enumerate(lines, 1):
            if not data.strip():
                continue
            try:
                yield Place(name, line), _decode(data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                yield Place(name, line), BadEvent("line", f"is not a JSON object: {error}")


def _check(file: Path, wanted: Sequence[str], there: Sequence[str]) -> None:
    if missing := sorted(set(wanted) - set(there)):
        raise BadMapping(f"{file.name} has no column {missing[0]!r}; it has {', '.join(there)}")


def opened_file(file: Path) -> IO[bytes]:
    """Its bytes, unpacked by the ending of its name."""
    opener: Any = PACKED.get(file.suffix, Path.open)
    opened: IO[bytes] = opener(file, "rb")
    return opened


def _zstandard(file: Path) -> IO[bytes]:
    """Python itself unpacks this from 3.14 on; Arrow does."""
    unpacked: Any = pa.input_stream(str(file), compression="zstd")
    return BufferedReader(unpacked)


def kind_of(file: Path) -> str:
    """The ending that says what is in it, without that of the packing."""
    return Path(file.name.removesuffix(file.suffix)).suffix if file.suffix in PACKED else file.suffix


def _stem(file: Path) -> str:
    return file.name.partition(".")[0]


_decode = msgspec.json.Decoder(dict[str, Any]).decode
