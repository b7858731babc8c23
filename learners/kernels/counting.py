"""Counts of rows, plain and faded, of a batch whose rows read one id in each field: one pass, no sorting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import compiled

Doubles = NDArray[np.float64]
Integers = NDArray[np.int32]
Longs = NDArray[np.int64]


@compiled
def count_rows(
    slot_N: Integers, row_U: Longs, event_BC: Doubles, sum_UC: Doubles, keep_V: Doubles, count_RC: Doubles
) -> None:
    """Add what each row of the batch counts to the lines of its ids: `count_RC` has the plain columns, then the faded
    ones, which keep `keep_V[v]` for v views. `sum_UC` begins as zeros; N is a multiple of B."""
    fields, columns = slot_N.size // event_BC.shape[0], event_BC.shape[1]
    for b in range(event_BC.shape[0]):
        for i in range(b * fields, (b + 1) * fields):
            slot = slot_N[i]
            for c in range(columns):
                sum_UC[slot, c] += event_BC[b, c]
    for u in range(len(row_U)):
        row = row_U[u]
        kept = keep_V[int(sum_UC[u, 0])]
        for c in range(columns):
            count_RC[row, c] += sum_UC[u, c]
            count_RC[row, columns + c] = count_RC[row, columns + c] * kept + sum_UC[u, c]
