"""The id map's probes as one loop per call, for maps that live on the host: numba over flat arrays.

Every probe takes the steps that the vectorised code takes, so either may read what the other wrote. Ids are compared,
never their hashes. Integers stay int64 throughout: numba makes floats of int64 and uint64 together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Longs = NDArray[np.int64]

_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True}
compiled: Any = njit(**_OPTIONS)
inlined: Any = njit(**_OPTIONS, inline="always")


@inlined
def mixed(space: int, key: int) -> int:
    """Well spread bits of a pair: those of `mixing.py`."""
    x = key ^ (space * -7046029254386353131)
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


@compiled
def find_rows(row_C: Longs, space_R: Longs, key_R: Longs, space_N: Longs, key_N: Longs, row_N: Longs) -> int:
    """Put the row of each id into `row_N`, -1 where there is none; how many there are none of."""
    mask, missing = len(row_C) - 1, 0
    for n in range(len(key_N)):
        space, key = space_N[n], key_N[n]
        slot, step = mixed(space, key) & mask, 0
        row = row_C[slot]
        while row >= 0 and (key_R[row] != key or space_R[row] != space):
            step += 1
            slot = (slot + step) & mask
            row = row_C[slot]
        row_N[n] = row
        missing += 1 if row < 0 else 0
    return missing


@compiled
def add_rows(row_C: Longs, space_R: Longs, key_R: Longs, size: int, space_N: Longs, key_N: Longs, row_N: Longs) -> int:
    """Put the row of each id whose `row_N` is below 0 there, made at its first appearance; how many rows there are
    then. Slots and lines must have been made beforehand."""
    mask = len(row_C) - 1
    for n in range(len(key_N)):
        if row_N[n] >= 0:
            continue
        space, key = space_N[n], key_N[n]
        slot, step = mixed(space, key) & mask, 0
        row = row_C[slot]
        while row >= 0 and (key_R[row] != key or space_R[row] != space):
            step += 1
            slot = (slot + step) & mask
            row = row_C[slot]
        if row < 0:
            row = size
            row_C[slot], space_R[row], key_R[row] = row, space, key
            size += 1
        row_N[n] = row
    return size


@compiled
def place_rows(row_C: Longs, space_R: Longs, key_R: Longs) -> None:
    """Put all rows, of distinct ids, into empty slots."""
    mask = len(row_C) - 1
    for row in range(len(key_R)):
        slot, step = mixed(space_R[row], key_R[row]) & mask, 0
        while row_C[slot] >= 0:
            step += 1
            slot = (slot + step) & mask
        row_C[slot] = row
