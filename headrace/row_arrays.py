"""Numbers, flags and texts between numpy and Arrow, by their buffers.

Arrow's own ways (`pa.array`, `pa.scalar`, `to_numpy`, a number among the arguments of a compute function) look for
pandas first and load it where it is installed: a second or more in front of a short job. Nothing here knows what a
cell means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from learners.learner import Bools, Doubles, Ints


def arrow(value_N: Any, there_N: Bools | None = None) -> Any:
    """An Arrow array over numbers or flags; empty where `there_N` says so.

    >>> arrow(np.array([2, 3]), np.array([True, False])).to_pylist(), arrow(np.array([True, False])).to_pylist()
    ([2, None], [True, False])
    """
    kind = pa.from_numpy_dtype(value_N.dtype)
    data = _bits(value_N) if value_N.dtype == np.bool_ else pa.py_buffer(np.ascontiguousarray(value_N))
    return pa.Array.from_buffers(kind, len(value_N), [None if there_N is None else _bits(there_N), data])


def words(texts: Sequence[str]) -> Any:
    """An Arrow array of texts.

    >>> words(["tea", "", "jam"]).to_pylist()
    ['tea', '', 'jam']
    """
    said = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, said)]).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(said), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(said))])


def numbers_of(column: Any, kind: type[Any]) -> Any:
    """The numbers of a column of exactly this kind, whatever stands where one is missing. Not to be written to.

    >>> numbers_of(arrow(np.arange(5)).slice(2, 2), np.int64).tolist()
    [2, 3]
    """
    data = column.buffers()[1]
    if data is None or not len(column):
        return np.empty(0, kind)
    return np.frombuffer(data, kind, len(column), column.offset * np.dtype(kind).itemsize)


def doubles_of(column: Any) -> Doubles:
    """A column of float64, NaN where one is missing.

    >>> doubles_of(arrow(np.array([0.5, 1.5]), np.array([False, True]))).tolist()
    [nan, 1.5]
    """
    number_N: Doubles = numbers_of(column, np.float64)
    return number_N if not column.null_count else np.where(there(column), number_N, np.nan)


def flags_of(column: Any) -> Bools:
    """A column of flags; false where one is missing.

    >>> flags_of(arrow(np.array([True, False, True, True])).slice(1)).tolist()
    [False, True, True]
    """
    flag_N = _flags(column.buffers()[1], column.offset, len(column))
    return flag_N if not column.null_count else flag_N & there(column)


def there(column: Any) -> Bools:
    """Where something is."""
    data = column.buffers()[0]
    return np.ones(len(column), np.bool_) if data is None else _flags(data, column.offset, len(column))


def texts_of(column: Any) -> tuple[Any, Ints]:
    """The bytes of a column of strings one after the other, without a copy, and where each ends."""
    rows = len(column)
    _, ends, data = column.buffers()
    if not rows:
        return np.empty(0, np.uint8), np.empty(0, np.int64)
    end_N = np.frombuffer(ends, np.int32, rows + 1, 4 * column.offset).astype(np.int64)
    size = int(end_N[-1] - end_N[0])
    byte_X = np.frombuffer(data, np.uint8, size, int(end_N[0])) if size else np.empty(0, np.uint8)
    byte_X.flags.writeable = False
    return byte_X, end_N[1:] - end_N[0]


def _bits(flag_N: Bools) -> Any:
    return pa.py_buffer(np.packbits(flag_N, bitorder="little"))


def _flags(data: Any, offset: int, size: int) -> Bools:
    if not size:
        return np.empty(0, np.bool_)
    return np.unpackbits(np.frombuffer(data, np.uint8), count=offset + size, bitorder="little")[offset:].view(np.bool_)
