"""Sums of events by row, in one pass without sorting: rows are told apart by a place that stands beside them.

Events are whole numbers in float64, so the order of summing shows nowhere.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import compiled

Doubles = NDArray[np.float64]
Longs = NDArray[np.int64]
Integers = NDArray[np.int32]


@compiled
def tally(row_N: Longs, event_NC: Doubles, place_R: Integers, row_U: Longs, sum_UC: Doubles) -> Any:
    """The sum of what each row's ids count, distinct rows in order of first appearance; how many there are. `place_R`
    is -1 for every row, and is so again afterwards."""
    found = 0
    for n in range(len(row_N)):
        row = row_N[n]
        if place_R[row] < 0:
            place_R[row], row_U[found] = found, row
            sum_UC[found] = 0
            found += 1
        place = place_R[row]
        for c in range(event_NC.shape[1]):
            sum_UC[place, c] += event_NC[n, c]
    for u in range(found):
        place_R[row_U[u]] = -1
    return found


@compiled
def add_tallies(row_U: Longs, sum_UC: Doubles, keep_V: Doubles, count_RC: Doubles) -> None:
    """Add sums to the plain columns of rows; where there are faded ones behind them, these keep `keep_V[v]` for v
    views, the first column, before theirs is added."""
    columns = sum_UC.shape[1]
    faded = count_RC.shape[1] > columns
    for u in range(len(row_U)):
        row, kept = row_U[u], keep_V[int(sum_UC[u, 0])]
        for c in range(columns):
            count_RC[row, c] += sum_UC[u, c]
            if faded:
                count_RC[row, columns + c] = count_RC[row, columns + c] * kept + sum_UC[u, c]
