"""What stands between the matrix products of a split ranker (`learners/split.py`), each in one pass over the items."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import Floats, compiled
from serving.prefetch import touch

Rows = NDArray[np.integer[Any]]
AHEAD = 12
"""Rows asked of the memory before they are needed."""


@compiled
def gathered(vector_ID: Floats, row_N: Rows, out_ND: Floats) -> None:
    """The vectors of some rows."""
    for n in range(len(row_N)):
        if n + AHEAD < len(row_N):
            touch(vector_ID, row_N[n + AHEAD])
        out_D, vector_D = out_ND[n], vector_ID[row_N[n]]
        for d in range(len(out_D)):
            out_D[d] = vector_D[d]


@compiled
def add_parts(first_NJ: Floats, part_IJ: Floats, row_N: Rows, asker_J: Floats, labels: int) -> None:
    """Add the items' own part of the first layer and the asker's; then the hidden units, which stand behind the labels,
    are rectified."""
    for n in range(len(row_N)):
        if n + AHEAD < len(row_N):
            touch(part_IJ, row_N[n + AHEAD])
        first_J, part_J = first_NJ[n], part_IJ[row_N[n]]
        for j in range(len(asker_J)):
            first_J[j] += part_J[j] + asker_J[j]
        for j in range(labels, len(asker_J)):
            first_J[j] = first_J[j] if first_J[j] > 0 else np.float32(0.0)


@compiled
def add_heads(first_NJ: Floats, hidden_NH: Floats, bias_H: Floats, head_HL: Floats, logit_NL: Floats) -> None:
    """Logits: what the first layer says of each label, and what the second hidden layer, before its bias, adds."""
    for n in range(len(first_NJ)):
        hidden_H = hidden_NH[n]
        for h in range(len(bias_H)):
            hidden = hidden_H[h] + bias_H[h]
            hidden_H[h] = hidden if hidden > 0 else np.float32(0.0)
        for label in range(head_HL.shape[1]):
            total = first_NJ[n, label]
            for h in range(len(bias_H)):
                total += hidden_H[h] * head_HL[h, label]
            logit_NL[n, label] = total
