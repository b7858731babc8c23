"""The rows of benchmarks/refresh.py: KuaiRand over fourteen days, and drawn streams that drift or shift.

Every model there gets these columns and no others. Nothing in them follows from the outcome of a row.
"""

from __future__ import annotations

import itertools
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from benchmarks.ctr_stream import World, stream
from learners.columns import Columns
from learners.refreshing import DAY_MS, HOUR_MS

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

FILES = ("std_0425_0430.parquet", "std_0501_0508.parquet")
LOCAL_MS = 8 * HOUR_MS
"""What `time_ms` lacks to local time. The log's `date` and `hourmin` agree with it in 99 % and 82 % of the rows."""
BEGIN_MS = 19_107 * DAY_MS
"""The midnight before 25 April 2022, where the log begins; the rows of the hour before are told as of then."""
LENGTHS = (7e3, 10e3, 15e3, 20e3, 30e3, 45e3, 60e3, 90e3, 150e3)
OF_USER = ("user_active_degree", "follow_user_num_range", "fans_user_num_range", "register_days_range", "onehot_feat1")
OF_VIDEO = ("upload_type", "music_type", "tag", "upload_dt")
BLOCK = 500
"""Rows that are drawn together in a bootstrap where there are no users."""


@dataclass(frozen=True, slots=True)
class Told:
    """Rows in time order. `chance_N` is the true chance where it is known, otherwise the outcome itself; `cluster_N`
    says which rows are drawn together in a bootstrap; times are milliseconds since a midnight."""

    key_NF: Ints
    yes_N: NDArray[np.bool_]
    chance_N: Doubles
    at_N: Ints
    cluster_N: Ints

    def __len__(self) -> int:
        return len(self.yes_N)

    def days(self) -> Ints:
        return np.asarray(self.at_N // DAY_MS, np.int64)

    def columns(self, rows: slice) -> Columns:
        value_BL = self.yes_N[rows, None].astype(np.float32)
        return Columns(np.ascontiguousarray(self.key_NF[rows]), value_BL, at_B=self.at_N[rows])

    def batches(self, batch: int, rows: slice | None = None) -> Iterator[Columns]:
        """At most `batch` rows each; none runs across an hour, so that a refresh comes exactly at its time."""
        start, stop, _ = (rows or slice(0, len(self))).indices(len(self))
        cut_M = start + 1 + np.flatnonzero(np.diff(self.at_N[start:stop] // HOUR_MS))
        edges = [start, *cut_M.tolist(), stop]
        for low, high in itertools.pairwise(edges):
            for first in range(low, high, batch):
                yield self.columns(slice(first, min(first + batch, high)))


def drawn(rows: int, *, per_day: int, drift_at: list[int], share: float, fields: int | None = None, seed: int) -> Told:
    """A stream of ctr_stream.py whose rows come evenly, `per_day` of them a day; `fields` are those that drift."""
    told = stream(rows, seed=seed, drift_at=drift_at, world=World(drift_share=share, drift_fields=fields))
    number_N = np.arange(rows)
    at_N = number_N * DAY_MS // per_day
    return Told(told.id_NF.astype(np.int64), told.label_N > 0, told.chance_N, at_N, number_N // BLOCK)


def kuairand(folder: Path, rows: int | None = None) -> Told:
    """user, video, tab, hour, author, length of the video, and a few columns of user and video. Label: is_click."""
    names = ["user_id", "video_id", "tab", "hourmin", "author_id", "video_duration", "time_ms", "is_click"]
    table = pa.concat_tables([pyarrow.parquet.read_table(folder / name, columns=names) for name in FILES])
    told = {name: table[name].to_numpy()[:rows] for name in names}
    length_N = np.digitize(np.nan_to_num(told["video_duration"], nan=-1.0), LENGTHS)
    key_FN = [told["user_id"], told["video_id"], told["tab"], told["hourmin"] // 100, told["author_id"], length_N]
    key_FN += _looked_up(folder / "user_features_pure.csv.xz", "user_id", OF_USER, told["user_id"])
    key_FN += _looked_up(folder / "video_features_basic_pure.csv.xz", "video_id", OF_VIDEO, told["video_id"])
    key_NF = np.stack(key_FN, axis=1).astype(np.int64)
    yes_N = told["is_click"] == 1
    at_N = np.maximum(told["time_ms"] + LOCAL_MS - BEGIN_MS, 0)
    return Told(key_NF, yes_N, yes_N.astype(np.float64), at_N, told["user_id"])


def _looked_up(file: Path, key: str, names: tuple[str, ...], key_N: Ints) -> list[Ints]:
    """Each column as codes, -1 where the table has no such key or no value."""
    table = pyarrow.csv.read_csv(BytesIO(lzma.decompress(file.read_bytes())))
    code_N = np.full(int(max(key_N.max(), pa.compute.max(table[key]).as_py())) + 1, -1)
    code_N[table[key].to_numpy()] = np.arange(len(table))
    at_N = code_N[key_N]
    return [np.where(at_N >= 0, _codes(table[name])[at_N], -1) for name in names]


def _codes(column: Any) -> Ints:
    indices = column.combine_chunks().dictionary_encode().indices.fill_null(-1)
    codes: Ints = indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes
