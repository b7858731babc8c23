"""Bytes of a table of text, cut where rows end, with the line on which each row begins. What a cell says is not read.

A line break within quotes ends no row. A quote means something only where a cell begins: `5" pipe` has none, and a
block with such cells is gone through one by one, which is slow. Lines without anything on them are no rows.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

from learners.learner import Bools, Ints
from learners.tables.text_map import Bytes

QUOTE, BREAK, RETURN = 34, 10, 13
MOST = 1 << 27
"""Bytes of one row, beyond which a quote is taken for one that was never closed."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows as bytes, and the line of each."""

    data: bytes
    line_B: Ints


def blocks(stream: IO[bytes], size: int, delimiter: str = ",") -> Iterator[Block]:
    """Blocks of about `size` bytes of a buffered stream. Raises ValueError where a row does not end.

    >>> from io import BytesIO
    >>> table = BytesIO(b'a,b\\n1,"x\\n\\ny"\\n\\n2,z\\n3,z')
    >>> [(one.data, one.line_B.tolist()) for one in blocks(table, 1 << 20)]
    [(b'a,b\\n1,"x\\n\\ny"\\n\\n2,z\\n3,z', [1, 2, 6, 7])]
    """
    left, line = stream.read(len(BOM_UTF8)).removeprefix(BOM_UTF8), 1
    while True:
        wanted = max(size, len(left))
        data = left + stream.read(wanted)
        ended = len(data) < len(left) + wanted
        break_K = _breaks(data)
        start_R = _starts(data, break_K, delimiter)
        if not ended and len(start_R) < 2:
            if len(data) > MOST:
                raise ValueError(f"the row on line {line:,} has no end within {MOST >> 20} MB: was a quote not closed?")
            left = data
            continue
        end = len(data) if ended else int(start_R[-1])
        row_R = start_R[start_R < end]
        row_R = row_R[~_bare(data, row_R)]
        if len(row_R):
            yield Block(data[:end], line + np.searchsorted(break_K, row_R))
        if ended:
            return
        left, line = data[end:], line + int(np.searchsorted(break_K, end))


def _breaks(data: bytes) -> Ints:
    """Where lines end; of two bytes that do so together, the second."""
    byte_X = np.frombuffer(data, np.uint8)
    if b"\r" not in data:
        return np.flatnonzero(byte_X == BREAK)
    alone_X = (byte_X == RETURN) & (np.append(byte_X[1:], 0) != BREAK)
    return np.flatnonzero((byte_X == BREAK) | alone_X)


def _starts(data: bytes, break_K: Ints, delimiter: str) -> Ints:
    """Where rows begin, bare lines among them; behind a last line break begins none."""
    if b'"' in data:
        byte_X = np.frombuffer(data, np.uint8)
        quote_K = np.flatnonzero(byte_X == QUOTE)
        if not _begin_cells(byte_X, quote_K[::2], ord(delimiter)):
            return _starts_by_cells(data, delimiter)
        break_K = break_K[np.searchsorted(quote_K, break_K) % 2 == 0]
    start_R = np.concatenate([[0], break_K + 1])
    return start_R[start_R < len(data)]


def _begin_cells(byte_X: Bytes, open_K: Ints, mark: int) -> bool:
    """Whether every other quote stands where a cell begins, or behind one that it makes a sign of: only then does their
    number say what is within them."""
    before_K = byte_X[np.maximum(open_K - 1, 0)]
    return bool(((open_K == 0) | np.isin(before_K, (mark, BREAK, RETURN, QUOTE))).all())


def _starts_by_cells(data: bytes, delimiter: str) -> Ints:
    lines = data.splitlines(keepends=True)
    end_K = np.cumsum([0, *map(len, lines)])
    usual = csv.field_size_limit(MOST)
    try:
        reader = csv.reader((line.decode("latin-1") for line in lines), delimiter=delimiter)
        at = [0, *(reader.line_num for _ in reader)]
    finally:
        csv.field_size_limit(usual)
    return end_K[at[:-1]]


def _bare(data: bytes, start_R: Ints) -> Bools:
    """Lines with nothing on them."""
    byte_X = np.frombuffer(data, np.uint8)
    bare_R: Bools = np.isin(byte_X[start_R], (BREAK, RETURN))
    return bare_R
