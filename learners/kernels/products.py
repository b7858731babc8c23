"""Products of field vectors with a weight for each pair of fields, forward and backward.

A field-weighted factorization machine (Pan et al. 2018, "Field-weighted Factorization Machines", eq. 4) learns which
fields have to do with each other. The weighted sums of the other vectors, `pull_LFBd`, are one product of matrices a
label where vectors stand field by field, in `x_FBd`; half of each vector times its own pull is the logit, and the pull
is the slope by the vector. Vectors also stand row by row in `x_BI`, [B, fields x d]; d is a multiple of 8.
"""

from __future__ import annotations

import numpy as np

from learners.kernels.vectors import Floats, all8, compiled, load8, mad8, store8, times8, total8


@compiled
def by_field(x_BI: Floats, x_FBd: Floats) -> None:
    """The same vectors, field by field."""
    rows, d = x_FBd.shape[1], x_FBd.shape[2]
    x, turned, inputs = x_BI.reshape(-1), x_FBd.reshape(-1), x_BI.shape[1]
    for b in range(rows):
        for f in range(x_FBd.shape[0]):
            for k in range(0, d, 8):
                store8(turned, (f * rows + b) * d + k, load8(x, b * inputs + f * d + k))


@compiled
def weighted(x_FBd: Floats, pull_LFBd: Floats, logit_BL: Floats) -> None:
    """Add half of each vector times its pull."""
    fields, rows, d = x_FBd.shape
    x, pulls = x_FBd.reshape(-1), pull_LFBd.reshape(-1)
    for label in range(logit_BL.shape[1]):
        start = label * fields * rows * d
        for b in range(rows):
            total = all8(np.float32(0))
            for f in range(fields):
                for k in range(0, d, 8):
                    at = (f * rows + b) * d + k
                    total = mad8(total, load8(x, at), load8(pulls, start + at))
            logit_BL[b, label] += np.float32(0.5) * total8(total)


@compiled
def weighted_back(pull_LFBd: Floats, slope_BL: Floats, dx_BI: Floats) -> None:
    """Add the slope by each vector: that of the logit times its pull, by label."""
    labels, fields, rows, d = pull_LFBd.shape
    pulls, dx, inputs = pull_LFBd.reshape(-1), dx_BI.reshape(-1), dx_BI.shape[1]
    for label in range(labels):
        start = label * fields * rows * d
        for b in range(rows):
            slope = all8(slope_BL[b, label])
            for f in range(fields):
                for k in range(0, d, 8):
                    at = b * inputs + f * d + k
                    store8(dx, at, mad8(load8(dx, at), load8(pulls, start + (f * rows + b) * d + k), slope))


@compiled
def scaled(x_FBd: Floats, slope_BL: Floats, label: int, scaled_FBd: Floats) -> None:
    """Every vector times the slope of its row."""
    fields, rows, d = x_FBd.shape
    x, out = x_FBd.reshape(-1), scaled_FBd.reshape(-1)
    for f in range(fields):
        for b in range(rows):
            slope = all8(slope_BL[b, label])
            for k in range(0, d, 8):
                at = (f * rows + b) * d + k
                store8(out, at, times8(load8(x, at), slope))
