"""Counts of rows, plain and faded, of a batch whose rows read one id in each field: one pass, no sorting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.prefetch import touch
from learners.kernels.vectors import Floats, compiled

Doubles = NDArray[np.float64]
Integers = NDArray[np.int32]
Longs = NDArray[np.int64]
AHEAD = 16
"""How many rows ahead a line is asked for."""


@compiled
def count_rows(
    slot_N: Integers, row_U: Longs, value_BL: Floats, weight_BL: Floats, sum_UC: Doubles, keep_V: Doubles,
    count_RC: Doubles, total_C: Doubles,
) -> None:  # fmt: skip
    """Add to the lines of a batch's ids a view for each row that has a weight, and by label whether it was chosen.

    `count_RC` has the plain columns, then the faded ones, which keep `keep_V[v]` for v views; `total_C` counts rows.
    `sum_UC` begins as zeros; N is a multiple of B.
    """
    fields, labels = slot_N.size // value_BL.shape[0], value_BL.shape[1]
    for b in range(value_BL.shape[0]):
        seen = False
        for label in range(labels):
            if weight_BL[b, label] > 0:
                seen = True
                if value_BL[b, label] > 0:
                    total_C[label + 1] += 1
                    for i in range(b * fields, (b + 1) * fields):
                        sum_UC[slot_N[i], label + 1] += 1
        if seen:
            total_C[0] += 1
            for i in range(b * fields, (b + 1) * fields):
                sum_UC[slot_N[i], 0] += 1
    for u in range(len(row_U)):
        if u + AHEAD < len(row_U):
            touch(count_RC, row_U[u + AHEAD])
        count, kept = count_RC[row_U[u]], keep_V[int(sum_UC[u, 0])]
        for c in range(labels + 1):
            count[c] += sum_UC[u, c]
            count[labels + 1 + c] = count[labels + 1 + c] * kept + sum_UC[u, c]
