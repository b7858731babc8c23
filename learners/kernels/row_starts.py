"""Start values of rows of a table on the host, in place: the numbers of `learners/tables/table.py`, bit for bit.

A line is weights, accumulators, and two integers of scratch at its end, which start at 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import Floats, compiled

Longs = NDArray[np.int64]


@compiled
def start_rows(lines_RX: Floats, row_N: Longs, scale_W: Floats, state: int, floor: float) -> None:
    """Give rows their start."""
    for row in row_N:
        _start(lines_RX[row], row, scale_W, state, floor)


@compiled
def start_range(lines_RX: Floats, first: int, last: int, scale_W: Floats, state: int, floor: float) -> None:
    """Give the rows from `first` to before `last` their start."""
    for row in range(first, last):
        _start(lines_RX[row], row, scale_W, state, floor)


@compiled
def _start(line_X: Floats, row: int, scale_W: Floats, state: int, floor: float) -> None:
    """The mixing is that of `learners/tables/mixing.py`."""
    width = len(scale_W)
    for column in range(width):
        if scale_W[column] == 0:
            line_X[column] = 0
            continue
        x = (column + 1) ^ ((row + 1) * -7046029254386353131)
        x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
        x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
        x = x ^ ((x >> 31) & 0x1FFFFFFFF)
        whole = np.float32(x & 0xFFFFFF) - np.float32(8388608)
        line_X[column] = whole * np.float32(1.1920928955078125e-07) * scale_W[column]
    for column in range(width, width + state):
        line_X[column] = floor
    line_X[len(line_X) - 2] = line_X[len(line_X) - 1] = 0
