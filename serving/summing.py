"""Sums of weights by number, in one pass: a few hundred of them are too few for numpy's sorts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

compiled: Any = njit(nogil=True, cache=True)

FREE = 2
"""Slots of the table by numbers, at least."""


@compiled
def _sum_up(code_M: Any, weight_M: Any, code_K: Any, sum_K: Any) -> Any:
    """Into `code_K` and `sum_K` in the order of first sight; how many there are."""
    slots = 1
    while slots < FREE * len(code_M):
        slots *= 2
    place_S = np.full(slots, -1, np.int64)
    count = 0
    for one in range(len(code_M)):
        code = code_M[one]
        slot = np.int64((np.uint64(code) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32)) & (slots - 1)
        while place_S[slot] >= 0 and code_K[place_S[slot]] != code:
            slot = (slot + 1) & (slots - 1)
        place = place_S[slot]
        if place < 0:
            place_S[slot] = place = count
            code_K[place], sum_K[place] = code, 0.0
            count += 1
        sum_K[place] += weight_M[one]
    return count


def summed(code_M: NDArray[np.int32], weight_M: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Each number once, in the order of first sight, and the sum of its weights, added up in their order.

    >>> [told.tolist() for told in summed(np.array([7, 3, 7], np.int32), np.array([1.0, 2.0, 4.0]))]
    [[7, 3], [5.0, 2.0]]
    """
    code_K: NDArray[np.int32] = np.empty(len(code_M), np.int32)
    sum_K: NDArray[np.float64] = np.empty(len(code_M))
    count = _sum_up(code_M, weight_M, code_K, sum_K)
    return code_K[:count], sum_K[:count]
