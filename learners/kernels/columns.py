"""Rows that read one id in each field: gathered from a table's lines into the inputs of a model, and the way back.

`lines_RX` are a table's lines, `ints_RX` the same as integers: their last two columns say which slot a row has among
the batch's distinct rows, and which step set it, so that distinct rows are found while their vectors are read and
stand in order of first appearance. Vectors are `d` numbers wide, a multiple of 8; a weight for each label follows.
`x_BI` may be wider than the vectors. `product` is 1 where the vectors of a row are multiplied with each other, all
pairs alike (Rendle 2010, eq. 5, in linear time), else 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.prefetch import touch
from learners.kernels.vectors import Floats, all8, compiled, inlined, load8, mad8, store8, times8, total8

Longs = NDArray[np.int64]
Integers = NDArray[np.int32]
AHEAD = 64
"""How many ids ahead a line is asked for."""


@inlined
def _gather(
    lines_RX: Floats, ints_RX: Integers, row_BF: Longs, step: int, d: int, width: int, product: float, x_BI: Floats,
    sum_Bd: Floats, logit_BL: Floats, slot_N: Integers, row_U: Longs, grad_UX: Floats,
) -> int:  # fmt: skip
    lines, ints, x, rows = lines_RX.reshape(-1), ints_RX.reshape(-1), x_BI.reshape(-1), row_BF.reshape(-1)
    sums, one, weight_8 = sum_Bd.reshape(-1), all8(np.float32(1)), np.empty(8, np.float32)
    fields, labels = row_BF.shape[1], logit_BL.shape[1]
    distinct, n = 0, rows.size
    for b in range(row_BF.shape[0]):
        weights, total, square = all8(np.float32(0)), all8(np.float32(0)), all8(np.float32(0))
        behind = b * (x_BI.shape[1] - fields * d)
        for i in range(b * fields, (b + 1) * fields):
            if i + AHEAD < n:
                touch(lines_RX, rows[i + AHEAD])
            at = rows[i] * width
            new = ints[at + width - 1] != step  # no branch: a first sighting can't be foreseen
            slot = np.int32(distinct) if new else ints[at + width - 2]
            ints[at + width - 1], ints[at + width - 2] = step, slot
            slot_N[i], row_U[distinct] = slot, rows[i]
            distinct += new
            v = load8(lines, at)
            store8(x, behind + i * d, v)
            total, square = mad8(total, v, one), mad8(square, v, v)
            weights = mad8(weights, load8(lines, at + width - 8), one)
        store8(sums, b * d, total)
        pairs = total8(times8(total, total)) - total8(square)
        for k in range(8, d, 8):
            total, square = all8(np.float32(0)), all8(np.float32(0))
            for i in range(b * fields, (b + 1) * fields):
                v = load8(lines, rows[i] * width + k)
                store8(x, behind + i * d + k, v)
                total, square = mad8(total, v, one), mad8(square, v, v)
            store8(sums, b * d + k, total)
            pairs += total8(times8(total, total)) - total8(square)
        pairs *= np.float32(0.5) * product
        store8(weight_8, 0, weights)
        for label in range(labels):
            if d + 8 == width:  # the labels' weights are the first of the last eight columns
                logit_BL[b, label] = weight_8[label] + pairs
                continue
            first = np.float32(0)
            for i in range(b * fields, (b + 1) * fields):
                first += lines[rows[i] * width + d + label]
            logit_BL[b, label] = first + pairs
    return distinct


@inlined
def _scatter(
    slot_N: Integers, slope_BL: Floats, fields: int, d: int, width: int, product: float, x_BI: Floats, sum_Bd: Floats,
    dx_BI: Floats, grad_UX: Floats,
) -> None:  # fmt: skip
    grads, x, dx, sums, one = (
        grad_UX.reshape(-1), x_BI.reshape(-1), dx_BI.reshape(-1), sum_Bd.reshape(-1), all8(np.float32(1)),
    )  # fmt: skip
    labels, slope_8 = slope_BL.shape[1], np.zeros(8, np.float32)
    for b in range(slope_BL.shape[0]):
        total, behind = np.float32(0), b * (x_BI.shape[1] - fields * d)
        for label in range(labels):
            total += slope_BL[b, label]
            slope_8[label & 7] = slope_BL[b, label]
        total *= product
        slopes = load8(slope_8, 0)
        down, pull = all8(-total), times8(load8(sums, b * d), all8(total))
        for i in range(b * fields, (b + 1) * fields):
            at = np.int64(slot_N[i]) * width
            slope = mad8(mad8(load8(dx, behind + i * d), load8(x, behind + i * d), down), pull, one)
            store8(grads, at, mad8(load8(grads, at), slope, one))
            if d + 8 == width:
                store8(grads, at + d, mad8(load8(grads, at + d), slopes, one))
                continue
            for label in range(labels):
                grads[at + d + label] += slope_BL[b, label]
        for k in range(8, d, 8):
            down, pull = all8(-total), times8(load8(sums, b * d + k), all8(total))
            for i in range(b * fields, (b + 1) * fields):
                at = np.int64(slot_N[i]) * width + k
                slope = mad8(mad8(load8(dx, behind + i * d + k), load8(x, behind + i * d + k), down), pull, one)
                store8(grads, at, mad8(load8(grads, at), slope, one))


@compiled
def gather(
    lines_RX: Floats, ints_RX: Integers, row_BF: Longs, step: int, d: int, product: float, x_BI: Floats,
    sum_Bd: Floats, logit_BL: Floats, slot_N: Integers, row_U: Longs, grad_UX: Floats,
) -> int:  # fmt: skip
    """Vectors into `x_BI`, their sums into `sum_Bd`, the labels' weights and products into `logit_BL`; the number of
    distinct rows, whose lines of `grad_UX` are zeros. `row_U` has room for one more than there are ids."""
    if d == 8 and lines_RX.shape[1] == 16:  # widths that the compiler knows save a quarter
        distinct: int = _gather(
            lines_RX, ints_RX, row_BF, step, 8, 16, product, x_BI, sum_Bd, logit_BL, slot_N, row_U, grad_UX
        )
    else:
        width = lines_RX.shape[1]
        distinct = _gather(
            lines_RX, ints_RX, row_BF, step, d, width, product, x_BI, sum_Bd, logit_BL, slot_N, row_U, grad_UX
        )
    grad_UX.reshape(-1)[: distinct * grad_UX.shape[1]] = 0
    return distinct


@compiled
def scatter(
    slot_N: Integers, slope_BL: Floats, fields: int, d: int, product: float, x_BI: Floats, sum_Bd: Floats,
    dx_BI: Floats, grad_UX: Floats,
) -> None:  # fmt: skip
    """Sum the slopes into the lines of the distinct rows, in the order of the batch: `dx_BI` by vector, and what the
    product adds to it, the slope of the logits times (the sum - the vector)."""
    if d == 8 and grad_UX.shape[1] == 16:
        _scatter(slot_N, slope_BL, fields, 8, 16, product, x_BI, sum_Bd, dx_BI, grad_UX)
    else:
        _scatter(slot_N, slope_BL, fields, d, grad_UX.shape[1], product, x_BI, sum_Bd, dx_BI, grad_UX)
