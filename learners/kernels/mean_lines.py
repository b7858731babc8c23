"""Means of lines by bags of rows: what fields of names are to an export. One pass, nothing between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.prefetch import touch
from learners.kernels.vectors import Floats, compiled

Rows = NDArray[np.int32]
AHEAD = 8
"""How many bags ahead lines are asked for."""


@compiled
def mean_lines(line_RW: Floats, read_NC: Rows, first: int, end: int, mean_NW: Floats) -> None:
    """Put the mean of the lines that each bag reads, its columns from `first` to before `end`, into `mean_NW`; -1 reads
    nothing, an empty bag is 0. What comes out of a bag depends on no other one."""
    width = line_RW.shape[1]
    for n in range(len(read_NC)):
        if n + AHEAD < len(read_NC):
            for column in range(first, end):
                if read_NC[n + AHEAD, column] >= 0:
                    for part in range(0, width, 16):
                        touch(line_RW[:, part:], read_NC[n + AHEAD, column])
        mean, count = mean_NW[n], 0
        mean[:] = 0
        for column in range(first, end):
            row = read_NC[n, column]
            if row >= 0:
                count += 1
                line = line_RW[row]
                for w in range(width):
                    mean[w] += line[w]
        if count > 1:
            for w in range(width):
                mean[w] /= np.float32(count)
