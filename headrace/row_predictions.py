"""What was foreseen of each row, written as it comes: CSV or Parquet by the ending of the name.

A row of it: part (learned, valid or test), line in its file, and for each label what came and the probability told.
The file is whole once it is closed; until then it stands beside its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from headrace.row_arrays import arrow, words
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
        self._waiting: list[Foreseen] = []
        self._waiting_part, self._rows = "", 0

    def __enter__(self) -> Self:
        kind = pyarrow.csv.CSVWriter if self._file.suffix == ".csv" else pyarrow.parquet.ParquetWriter
        self._writer: Any = kind(self._part, self._schema)
        return self

    def add(self, part: str, foreseen: Foreseen) -> None:
        """The rows of a batch."""
        if part != self._waiting_part:
            self._write()
        self._waiting_part = part
        self._waiting.append(foreseen)
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
            line_N = np.concatenate([one.line_B for one in self._waiting])
            value_LN = np.concatenate([one.value_BL for one in self._waiting]).T.astype(np.int8)
            probability_LN = np.concatenate([one.probability_BL for one in self._waiting]).T.astype(np.float32)
            columns = [pa.repeat(words([self._waiting_part])[0], self._rows), arrow(line_N)]
            columns += [arrow(value_N) for value_N in (*value_LN, *probability_LN)]
            self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._waiting, self._rows = [], 0
