"""Rows that are free, as a chain through their own lines: each hole names the one that is given out after it.

`owner_R2` is (space, key) of each row; a hole has a space of its own, and the next hole for a key, -1 where there is
none. `ends` are [rows, oldest free row, newest free row, free rows]. The chain is all there is to keep of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import compiled

Longs = NDArray[np.int64]


@compiled
def take_row(owner_R2: Longs, ends: Longs) -> int:
    """The row that was free for longest, or one more."""
    if ends[3] == 0:
        ends[0] += 1
        return int(ends[0] - 1)
    row = int(ends[1])
    ends[1] = owner_R2[row, 1]
    ends[3] -= 1
    if ends[3] == 0:
        ends[2] = -1
    return row


@compiled
def free_rows(owner_R2: Longs, ends: Longs, row_M: Longs, hole: int) -> None:
    """Put rows at the end of those that are free."""
    for row in row_M:
        owner_R2[row, 0], owner_R2[row, 1] = hole, -1
        if ends[3] == 0:
            ends[1] = row
        else:
            owner_R2[ends[2], 1] = row
        ends[2] = row
        ends[3] += 1


@compiled
def return_rows(owner_R2: Longs, ends: Longs, row_M: Longs, size: int, hole: int) -> None:
    """Undo `take_row` of these rows, in the order in which they were taken, when there were `size` rows."""
    for m in range(len(row_M) - 1, -1, -1):
        row = row_M[m]
        if row >= size:
            owner_R2[row, 0], owner_R2[row, 1] = 0, 0
            continue
        owner_R2[row, 0] = hole
        owner_R2[row, 1] = ends[1] if ends[3] else -1
        if ends[3] == 0:
            ends[2] = row
        ends[1] = row
        ends[3] += 1
    ends[0] = size


@compiled
def ordered_holes(owner_R2: Longs, rows: int, hole: int, ends: Longs) -> int:
    """Set the ends of the free rows from the holes' links; how many of them hang together."""
    followed = np.zeros(rows, np.bool_)
    holes = 0
    for row in range(rows):
        if owner_R2[row, 0] == hole:
            holes += 1
            if owner_R2[row, 1] >= 0:
                followed[owner_R2[row, 1]] = True
    ends[0], ends[1], ends[2], ends[3] = rows, -1, -1, 0
    for row in range(rows):
        if owner_R2[row, 0] == hole and not followed[row]:
            ends[1] = row
            break
    row = ends[1]
    while row >= 0 and ends[3] < holes:
        ends[2] = row
        ends[3] += 1
        row = owner_R2[row, 1]
    return holes
