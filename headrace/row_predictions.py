"""What was foreseen of each row, written as it comes: CSV or Parquet by the ending of the name.

A row of it: part (learned, valid or test), line in its file, and for each label what came and the probability told.
The file is whole once it is closed; until then it stands beside its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from headrace.rows_schema import BadRows
from learners.row_backtest import Foreseen

GATHERED = 1 << 16


class Predictions:
    """Raises BadRows where the ending of the name says nothing."""

    def __init__(self, file: Path, labels: Sequence[str]) -> None:
        if file.suffix not in (".csv", ".parquet"):
            raise BadRows(f"{file.name}: predictions are written as .csv or .parquet; choose one of these endings")
        self._file, self._labels = file, tuple(labels)
        self._part = file.with_name(f".{file.name}.part")
        told = [pa.field(name, pa.int8()) for name in self._labels]
        told += [pa.field(f"p_{name}", pa.float32()) for name in self._labels]
        self._schema = pa.schema([pa.field("part", pa.string()), pa.field("line", pa.int64()), *told])
        self._waiting: list[Any] = []
        self._rows = 0

    def __enter__(self) -> Self:
        kind = pyarrow.csv.CSVWriter if self._file.suffix == ".csv" else pyarrow.parquet.ParquetWriter
        self._writer: Any = kind(self._part, self._schema)
        return self

    def add(self, part: str, foreseen: Foreseen) -> None:
        """The rows of a batch."""
        arrays = [pa.repeat(pa.scalar(part), len(foreseen)), pa.array(foreseen.line_B)]
        arrays += [pa.array(value_B.astype("int8")) for value_B in foreseen.value_BL.T]
        arrays += [pa.array(probability_B) for probability_B in foreseen.probability_BL.T]
        self._waiting.append(pa.record_batch(arrays, schema=self._schema))
        self._rows += len(foreseen)
        if self._rows >= GATHERED:
            self._write()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._write()
        self._writer.close()
        if kind is None:
            self._part.replace(self._file)
        else:
            self._part.unlink(missing_ok=True)

    def _write(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._rows = [], 0
