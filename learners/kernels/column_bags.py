"""Fields of several ids in rows of columns: their means stand behind the vectors of the single ids, and the way back.

As in `columns.py`: slots and stamps in the lines, in order of first appearance, after those of the single ids. A bag is
`count_BG[b, g]` ids one after the other, row by row; an empty one is a vector of zeros. Its ids share its slope.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.prefetch import touch
from learners.kernels.vectors import Floats, all8, compiled, load8, mad8, store8, times8, total8

Longs = NDArray[np.int64]
Integers = NDArray[np.int32]
AHEAD = 64
"""How many ids ahead a line is asked for."""


@compiled
def gather_bags(
    lines_RX: Floats, ints_RX: Integers, row_N: Longs, count_BG: Longs, step: int, d: int, product: float,
    x_BI: Floats, sum_Bd: Floats, logit_BL: Floats, slot_N: Integers, row_U: Longs, distinct: int, grad_UX: Floats,
) -> int:  # fmt: skip
    """Means into the last columns of `x_BI`, into the sums, and with the labels' weights and products into the logits;
    the number of distinct rows with those of the bags."""
    lines, ints, x, sums = lines_RX.reshape(-1), ints_RX.reshape(-1), x_BI.reshape(-1), sum_Bd.reshape(-1)
    width, bags, labels, one = lines_RX.shape[1], count_BG.shape[1], logit_BL.shape[1], all8(np.float32(1))
    n, before = 0, distinct
    for b in range(count_BG.shape[0]):
        for g in range(bags):
            count, start = count_BG[b, g], n
            share = np.float32(1) / np.float32(max(count, 1))
            for n in range(start, start + count):
                if n + AHEAD < row_N.size:
                    touch(lines_RX, row_N[n + AHEAD])
                at = row_N[n] * width
                new = ints[at + width - 1] != step
                slot = np.int32(distinct) if new else ints[at + width - 2]
                ints[at + width - 1], ints[at + width - 2] = step, slot
                slot_N[n], row_U[distinct] = slot, row_N[n]
                distinct += new
                for label in range(labels):
                    logit_BL[b, label] += share * lines[at + d + label]
            pairs, place = np.float32(0), (b + 1) * x_BI.shape[1] - (bags - g) * d
            for k in range(0, d, 8):
                total = all8(np.float32(0))
                for m in range(start, start + count):
                    total = mad8(total, load8(lines, row_N[m] * width + k), one)
                v, before_v = times8(total, all8(share)), load8(sums, b * d + k)
                store8(x, place + k, v)
                pairs += total8(times8(before_v, v))
                store8(sums, b * d + k, mad8(before_v, v, one))
            for label in range(labels):
                logit_BL[b, label] += product * pairs
            n = start + count
    grad_UX.reshape(-1)[before * width : distinct * width] = 0
    return distinct


@compiled
def scatter_bags(
    slot_N: Integers, count_BG: Longs, slope_BL: Floats, d: int, product: float, x_BI: Floats, sum_Bd: Floats,
    dx_BI: Floats, grad_UX: Floats,
) -> None:  # fmt: skip
    """Sum the slopes into the lines of the distinct rows: each id of a bag has its share."""
    grads, x, dx, sums = grad_UX.reshape(-1), x_BI.reshape(-1), dx_BI.reshape(-1), sum_Bd.reshape(-1)
    width, bags, labels = grad_UX.shape[1], count_BG.shape[1], slope_BL.shape[1]
    n = 0
    for b in range(count_BG.shape[0]):
        total = np.float32(0)
        for label in range(labels):
            total += slope_BL[b, label]
        total *= product
        for g in range(bags):
            count, start = count_BG[b, g], n
            share, place = np.float32(1) / np.float32(max(count, 1)), (b + 1) * x_BI.shape[1] - (bags - g) * d
            for k in range(0, d, 8):
                slope = mad8(load8(dx, place + k), load8(x, place + k), all8(-total))
                slope = mad8(slope, load8(sums, b * d + k), all8(total))
                for m in range(start, start + count):
                    at = np.int64(slot_N[m]) * width + k
                    store8(grads, at, mad8(load8(grads, at), slope, all8(share)))
            for m in range(start, start + count):
                at = np.int64(slot_N[m]) * width + d
                for label in range(labels):
                    grads[at + label] += share * slope_BL[b, label]
            n = start + count
