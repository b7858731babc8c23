"""The best so far, inside of kernels: two arrays side by side, scores and rows, the least score first.

Whoever changes something here clears the compiled kernels of `graph_kernels.py`: they hold a copy of it.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from serving.graph import Floats, Ints

_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False, "fastmath": True, "inline": "always"}
inlined: Any = njit(**_OPTIONS)


@inlined
def push(score: Floats, node: Ints, size: int, s: Any, x: Any) -> None:
    """Add to a min-heap of `size` entries."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        if score[above] <= s:
            break
        score[place] = score[above]
        node[place] = node[above]
        place = above
    score[place] = s
    node[place] = x


@inlined
def replace(score: Floats, node: Ints, size: int, s: Any, x: Any) -> None:
    """Put in place of the least of a min-heap of `size` entries."""
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and score[below + 1] < score[below]:
            below += 1
        if score[below] >= s:
            break
        score[place] = score[below]
        node[place] = node[below]
        place = below
    score[place] = s
    node[place] = x


@inlined
def offer(got: Floats, nodes: Ints, size: int, room: int, s: Any, row: Any) -> int:
    """Keep a row among the best `room`; how many are kept now."""
    if size < room:
        push(got, nodes, size, s, row)
        return int(size + 1)
    if s > got[0]:
        replace(got, nodes, size, s, row)
    return size
