"""Bags of rows: which distinct rows a batch reads, weighted sums of their lines, and the gradients' way back.

A row's place among the distinct ones stands in the last two integers of its line, with the number of the step that
put it there: so the line that is read anyhow is all the set there is. Places are in order of first appearance, sums in
the order of the batch; nothing is sorted. A bag is `count_G[g]` places from `start_G[g]` on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.kernels.prefetch import touch
from learners.kernels.vectors import Floats, compiled

Longs = NDArray[np.int64]
Ints32 = NDArray[np.int32]
AHEAD = 32
"""How many ids ahead a line is asked for."""


@compiled
def place_all(lines_RX: Floats, ints_RX: Ints32, stamp: int, row_N: Longs, slot_N: Ints32, row_U: Longs) -> int:
    """Put the place of each id's row into `slot_N`, and the distinct rows into `row_U`; how many there are. `row_U`
    has room for one more than there are ids."""
    found = 0
    for n in range(len(row_N)):
        if n + AHEAD < len(row_N):
            _touch_whole(lines_RX, row_N[n + AHEAD])
        found = _place(ints_RX[row_N[n]], stamp, row_N[n], n, slot_N, row_U, found)
    return found


@compiled
def place_some(
    lines_RX: Floats, ints_RX: Ints32, stamp: int, row_N: Longs, bag_M: Longs, start_G: Longs, count_G: Longs,
    slot_N: Ints32, row_U: Longs,
) -> int:  # fmt: skip
    """The same for the ids of some bags only, which may repeat."""
    total, found = 0, 0
    for m in range(len(bag_M)):
        total += count_G[bag_M[m]]
    at_K, k = np.empty(total, np.int64), 0
    for m in range(len(bag_M)):
        for n in range(start_G[bag_M[m]], start_G[bag_M[m]] + count_G[bag_M[m]]):
            at_K[k] = n
            k += 1
    for k in range(total):
        if k + AHEAD < total:
            _touch_whole(lines_RX, row_N[at_K[k + AHEAD]])
        n = at_K[k]
        found = _place(ints_RX[row_N[n]], stamp, row_N[n], n, slot_N, row_U, found)
    return found


@compiled
def _place(line: Ints32, stamp: int, row: int, n: int, slot_N: Ints32, row_U: Longs, found: int) -> Any:
    """One id; how many distinct rows there are with it. No branch: what comes for the first time can't be predicted."""
    new = line[-1] != stamp
    place = np.int32(found) if new else line[-2]
    line[-1], line[-2], slot_N[n], row_U[found] = stamp, place, place, row
    return found + new


@compiled
def _touch_whole(lines_RX: Floats, row: int) -> None:
    """Ask for all cache lines of a row: its weights are read soon, its place at once."""
    for column in range(0, lines_RX.shape[1], 16):
        touch(lines_RX[:, column:], row)


@compiled
def sum_bags(
    lines_RX: Floats, at_N: Longs, weight_N: Floats, bag_M: Longs, start_G: Longs, count_G: Longs, sum_MW: Floats
) -> None:
    """The weighted sum, in the first columns of their lines, of the rows at each of these bags."""
    width = sum_MW.shape[1]
    for m in range(len(bag_M)):
        total, start = sum_MW[m], start_G[bag_M[m]]
        total[:] = 0
        for n in range(start, start + count_G[bag_M[m]]):
            line, weight = lines_RX[at_N[n]], weight_N[n]
            for column in range(width):
                total[column] += weight * line[column]


@compiled
def sum_lines(
    lines_RX: Floats, row_N: Longs, stat_US: Floats, slot_N: Ints32, weight_N: Floats, start_G: Longs, count_G: Longs,
    width: int, sum_GW: Floats,
) -> None:  # fmt: skip
    """The weighted sum of each bag: the first `width` columns of its rows' lines, then their statistics."""
    stats = stat_US.shape[1]
    for g in range(len(start_G)):
        vector, numbers, start = sum_GW[g, :width], sum_GW[g, width : width + stats], start_G[g]
        vector[:] = 0
        numbers[:] = 0
        for n in range(start, start + count_G[g]):
            line, stat, weight = lines_RX[row_N[n]], stat_US[slot_N[n]], weight_N[n]
            for column in range(width):
                vector[column] += weight * line[column]
            for column in range(stats):
                numbers[column] += weight * stat[column]


@compiled
def scatter(
    grad_MW: Floats, bag_M: Longs, start_G: Longs, count_G: Longs, slot_N: Ints32, weight_N: Floats, rows: int,
    width: int, grad_UX: Floats,
) -> None:  # fmt: skip
    """From gradients of these bags to those of the first `rows` distinct rows, summed in the order of the bags."""
    for u in range(rows):
        grad_UX[u, :width] = 0
    for m in range(len(bag_M)):
        grad, start = grad_MW[m], start_G[bag_M[m]]
        for n in range(start, start + count_G[bag_M[m]]):
            line, weight = grad_UX[slot_N[n]], weight_N[n]
            for column in range(width):
                line[column] += weight * grad[column]
