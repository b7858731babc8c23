"""The click stream that `retrieval.py` measures over, as columns in order of event time. The data stays where it is.

The file holds whole sessions in the order in which they began, so its first rows hold every click up to the last
begin among them: a first part is read without the rest. Items are numbered in order of first sight, circumstances are
those of the click before (how a page was reached is known only once it was).
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

Longs = NDArray[np.int64]
ABOUT = ("click_environment", "click_deviceGroup", "click_os", "click_country", "click_region", "click_referrer_type")
DAY = 86_400_000
DAYS = 16
"""The stretch of the protocol; what comes after belongs to a few late sessions."""
LAGS = 5
ROW_BYTES = 80


@dataclass(frozen=True, slots=True)
class Stream:
    """N clicks. `before_NL` are the items before each in its session, latest first, -1 where there is none."""

    at_N: Longs
    item_N: Longs
    before_NL: Longs
    about_NA: Longs

    @property
    def follows(self) -> NDArray[np.bool_]:
        """Which clicks have one before them, [N]: the targets."""
        follows_N: NDArray[np.bool_] = self.before_NL[:, 0] >= 0
        return follows_N

    def first(self, clicks: int) -> Stream:
        """The first part of the stream."""
        part = slice(clicks)
        return Stream(self.at_N[part], self.item_N[part], self.before_NL[part], self.about_NA[part])


def read(path: Path, *, clicks: int | None = None) -> Stream:
    """The clicks of the first days, or the first so many of them."""
    limit = None if clicks is None else int(1.5 * clicks) * ROW_BYTES
    with lzma.open(path) as file:
        text = file.read() if limit is None else file.read(limit)
    if limit is not None:
        text = text[: text.rfind(b"\n") + 1]
    table = pyarrow.csv.read_csv(pa.BufferReader(text))
    at_N, begun_N = (np.asarray(table[name], np.int64) for name in ("click_timestamp", "session_start"))
    last = at_N.min() + DAYS * DAY if clicks is None else begun_N.max()
    row_N = np.argsort(at_N, kind="stable")
    row_N = row_N[at_N[row_N] < last][:clicks]
    columns = {name: np.asarray(table[name], np.int64)[row_N] for name in table.column_names}
    return _stream(at_N[row_N], columns)


def blocks(stream: Stream, size: int) -> Iterator[tuple[slice, Longs]]:
    """Stretches of so many clicks, and the targets among them."""
    follows_N = stream.follows
    for start in range(0, len(follows_N), size):
        part = slice(start, min(start + size, len(follows_N)))
        yield part, start + np.flatnonzero(follows_N[part])


def _stream(at_N: Longs, columns: dict[str, Any]) -> Stream:
    item_N = numbered(columns["click_article_id"])
    last_NL = _earlier(columns["session_id"])
    before_NL = np.where(last_NL >= 0, item_N[last_NL], -1)
    about = [np.zeros(len(at_N), np.int64)]
    for name in ABOUT:
        about.append(columns[name] - columns[name].min() + about[-1].max() + 1)
    about_NA = np.stack(about, axis=1)[np.maximum(last_NL[:, 0], 0)]
    return Stream(at_N, item_N, before_NL, about_NA)


def numbered(name_N: Longs) -> Longs:
    """Numbers from 0 in order of first sight.

    >>> numbered(np.array([7, 3, 7, 5])).tolist()
    [0, 1, 0, 2]
    """
    _, first_U, place_N = np.unique(name_N, return_index=True, return_inverse=True)
    number_U = np.empty(len(first_U), np.int64)
    number_U[np.argsort(first_U)] = np.arange(len(first_U))
    numbers: Longs = number_U[place_N]
    return numbers


def _earlier(session_N: Longs) -> Longs:
    """Rows of the clicks before each in its session, latest first, -1 where there is none."""
    row_N = np.argsort(session_N, kind="stable")
    sorted_N = session_N[row_N]
    last_NL = np.full((len(row_N), LAGS), -1, np.int64)
    for lag in range(1, LAGS + 1):
        same = sorted_N[lag:] == sorted_N[:-lag]
        last_NL[row_N[lag:][same], lag - 1] = row_N[:-lag][same]
    return last_NL
