"""Updates of the rows of one batch in place, straight from their summed gradients: no gradient of a table exists.

`lines_RX` are the lines of a table (weights, then state), `row_U` the distinct rows of the batch, and `grad_UX` their
gradients in the same columns as a line; only the first `count` of these are read, so that buffers may be longer.
`ends_K` are the columns where the groups of weights end: [8, 9] is a vector of 8 and one weight.
The numbers are those of `learners/optimizers/row_steps.py`. Nothing here decides whether a batch is learned: the
caller sums the squared norms of all gradients first and asks `scale_of`, whose bound makes writing in place safe.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.prefetch import touch
from learners.kernels.row_groups import Rules, moved_group
from learners.kernels.vectors import Floats, all8, compiled, load8, mad8, store8, times8, total8

Longs = NDArray[np.int64]
Doubles = NDArray[np.float64]
AHEAD = 16
"""How many rows ahead a line is asked for."""


@compiled
def squared_norm_of_rows(grad_UX: Floats, count: int, width: int) -> float:
    """Sum of squares of the first `width` columns in float64: finite exactly where every number is."""
    total = np.float64(0)
    for u in range(count):
        for column in range(width):
            g = np.float64(grad_UX[u, column])
            total += g * g
    return total


def adagrad_rows(
    lines_RX: Floats, row_U: Longs, grad_UX: Floats, count: int, ends_K: Longs, scale: float, *, rate: float,
    decay: float, floor: float,
) -> None:  # fmt: skip
    """Row-wise Adagrad on `scale * grad`: G := max(decay G + mean g^2, floor), w -= rate g / sqrt(G), for each group
    of columns; a group without a gradient keeps its G, which is one state column a group, in their order.

    Groups after the first are one column wide: `move_rows` takes any. The gradients stay as they are.
    """
    f = np.float32
    small = lines_RX.shape[1] == 16 and len(ends_K) == 2 and ends_K[0] == 8 and ends_K[1] == 9
    kernel = _adagrad_9 if small else _adagrad
    kernel(lines_RX, row_U, grad_UX, count, ends_K, f(scale), f(rate), f(decay), f(floor))


@compiled
def move_rows(
    lines_RX: Floats, row_U: Longs, grad_UX: Floats, count: int, ends_K: Longs, rules: Rules, factors_3: Doubles
) -> None:
    """Any rules, as `row_groups.packed` says them. The gradients are used up: they are scratch. Into `factors_3` go
    the least of Clippy's factors, their sum, and of how many (groups of rows that had a gradient)."""
    groups, width = len(ends_K), ends_K[-1]
    least, total, moved = np.float32(1), np.float64(0), 0
    for u in range(count):
        if u + AHEAD < count:
            touch(lines_RX, row_U[u + AHEAD])
        line, grad, start, state = lines_RX[row_U[u]], grad_UX[u], 0, width
        for k in range(groups):
            end = ends_K[k]
            factor = moved_group(line, grad, start, end, state, rules, k)
            if factor >= 0:
                least, total, moved = min(least, factor), total + factor, moved + 1
            start, state = end, state + rules[0][k, 1]
    factors_3[0], factors_3[1], factors_3[2] = least, total, moved


@compiled
def _adagrad(
    lines_RX: Floats, row_U: Longs, grad_UX: Floats, count: int, ends_K: Longs, scale: float, rate: float,
    decay: float, floor: float,
) -> None:  # fmt: skip
    groups, wide, width = len(ends_K), ends_K[0], ends_K[-1]
    for u in range(count):
        if u + AHEAD < count:
            touch(lines_RX, row_U[u + AHEAD])
        line, grad, total = lines_RX[row_U[u]], grad_UX[u], np.float32(0)
        for column in range(wide):
            total += (scale * grad[column]) * (scale * grad[column])
        G = line[width]
        G = max(decay * G + total / np.float32(wide), floor) if total > 0 else G
        line[width] = G
        step = rate * scale / np.sqrt(G)
        for column in range(wide):
            line[column] -= step * grad[column]
        for k in range(1, groups):
            c, H = scale * grad[wide + k - 1], line[width + k]
            H = max(decay * H + c * c, floor) if c * c > 0 else H
            line[width + k] = H
            line[wide + k - 1] -= rate / np.sqrt(H) * c


@compiled
def _adagrad_9(
    lines_RX: Floats, row_U: Longs, grad_UX: Floats, count: int, ends_K: Longs, scale: float, rate: float,
    decay: float, floor: float,
) -> None:  # fmt: skip
    """A vector of 8, a weight, their accumulators: one cache line."""
    lines, grads, eighth = lines_RX.reshape(-1), grad_UX.reshape(-1), np.float32(0.125)
    for u in range(count):
        if u + AHEAD < count:
            touch(lines_RX, row_U[u + AHEAD])
        at, of = row_U[u] * 16, u * 16
        g = times8(load8(grads, of), all8(scale))
        c = scale * grads[of + 8]
        G, H, square, one = lines[at + 9], lines[at + 10], total8(times8(g, g)) * eighth, c * c
        G = max(decay * G + square, floor) if square > 0 else G
        H = max(decay * H + one, floor) if one > 0 else H
        w = lines[at + 8] - rate / np.sqrt(H) * c
        store8(lines, at, mad8(load8(lines, at), g, all8(-rate / np.sqrt(G))))
        lines[at + 8], lines[at + 9], lines[at + 10] = w, G, H
