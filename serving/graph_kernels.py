"""Find the nearest rows of a graph, with the interpreter lock released: numba kernels over flat arrays.

One call walks the links, scans the tail and passes over hidden items. Scores are inner products, higher is nearer.
There are no bounds checks here. A heap is two arrays side by side, scores and rows, the least score first.
Compiled without reference counts (`_nrt`): nothing is allocated in here, and counting them in the walk cost a tenth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from serving.graph import Floats, Ints, Longs
from serving.prefetch import touch

Mask = NDArray[np.uint8]

EXPONENT = 0x7F800000
"""All ones in the exponent of a float32: infinite, or no number."""

_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False}
exactly: Any = njit(**_OPTIONS)
compiled: Any = njit(**_OPTIONS, fastmath=True)
inlined: Any = njit(**_OPTIONS, fastmath=True, inline="always")

ENTRY, TOP, M, DEAD, EF, K, TAG = range(7)
"""Places in the numbers that go into a search."""


@exactly
def shown(hide_I: Mask) -> int:
    """How many items a mask leaves."""
    left = 0
    for row in range(len(hide_I)):
        left += 1 if hide_I[row] == 0 else 0
    return left


@inlined
def _dot(query_D: Floats, vec_RD: Floats, row: int) -> Any:
    total = np.float32(0.0)
    for j in range(query_D.shape[0]):
        total += query_D[j] * vec_RD[row, j]
    return total


@inlined
def _push(score: Floats, node: Ints, size: int, s: Any, x: Any) -> None:
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
def _replace(score: Floats, node: Ints, size: int, s: Any, x: Any) -> None:
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


@compiled
def _descend(query_D: Floats, vec_RD: Floats, upper: Ints, uoff: Longs, numbers: Longs) -> Any:
    """The nearest node that greedy steps reach, one upper level after the other."""
    entry, m = numbers[ENTRY], numbers[M]
    node, best = entry, _dot(query_D, vec_RD, entry)
    for level in range(numbers[TOP], 0, -1):
        moved = True
        while moved:
            moved = False
            o = uoff[node] + (level - 1) * (m + 1)
            for t in range(1, upper[o] + 1):
                x = upper[o + t]
                s = _dot(query_D, vec_RD, x)
                if s > best:
                    best, node, moved = s, np.int64(x), True
    return node, best


@inlined
def _unseen(links_NL: Ints, node: Any, seen: Any, tag: Any, vec_RD: Floats, fresh: Any) -> int:
    """Mark the neighbours that were not seen yet, ask the memory for their vectors; how many there are."""
    count = 0
    for t in range(1, links_NL[node, 0] + 1):
        y = np.uint32(links_NL[node, t])
        if seen[y] != tag:
            seen[y] = tag
            fresh[count] = y
            touch(vec_RD, y)
            count += 1
    return count


@exactly
def _finite(query_D: Floats) -> bool:
    """By its bits: fast mathematics takes it for granted that every number is finite."""
    for j in range(len(query_D)):
        bits = np.float32(query_D[j]).view(np.int32)
        if bits & EXPONENT == EXPONENT:
            return False
    return True


@compiled
def search_graph(
    query_D: Floats,
    vec_RD: Floats,
    labels_R: Ints,
    links_NL: Ints,
    upper: Ints,
    uoff: Longs,
    hide_I: Mask,
    masked: bool,
    numbers: Longs,
    seen: NDArray[np.uint16],
    fresh: NDArray[np.uint32],
    wait: Floats,
    waiting: Ints,
    got: Floats,
    nodes: Ints,
    rows: Ints,
    scores: Floats,
) -> int:
    """Walk the ground level with `ef` results in hand, then let the tail compete for `k` places; -1 for no numbers."""
    if not _finite(query_D):
        return -1
    ef, k, tag = numbers[EF], numbers[K], np.uint16(numbers[TAG])
    careful = masked or numbers[DEAD]
    node, score = _descend(query_D, vec_RD, upper, uoff, numbers)
    wait[0], waiting[0], count = -score, node, 1
    seen[node] = tag
    size, low = 0, np.float32(-np.inf)
    if not (careful and _unwanted(labels_R[node], hide_I, masked)):
        got[0], nodes[0], size, low = score, node, 1, score
    while count > 0:
        s, x = -wait[0], np.uint32(waiting[0])
        if size == ef and s < low:
            break
        count -= 1
        _replace(wait, waiting, count, wait[count], waiting[count])
        for place in range(_unseen(links_NL, x, seen, tag, vec_RD, fresh)):
            y = fresh[place]
            s = _dot(query_D, vec_RD, y)
            if size < ef or s > low:
                _push(wait, waiting, count, -s, y)
                count += 1
                if careful and _unwanted(labels_R[y], hide_I, masked):
                    continue
                size = _offer(got, nodes, size, ef, s, y)
                low = got[0]
    while size > k:
        size -= 1
        _replace(got, nodes, size, got[size], nodes[size])
    for row in range(len(links_NL), len(vec_RD)):
        s = _dot(query_D, vec_RD, row)
        if (size < k or s > got[0]) and not _unwanted(labels_R[row], hide_I, masked):
            size = _offer(got, nodes, size, k, s, row)
    return int(_sorted(got, nodes, size, labels_R, rows, scores))


@compiled
def scan(
    query_D: Floats,
    vec_RD: Floats,
    labels_R: Ints,
    hide_I: Mask,
    masked: bool,
    got: Floats,
    nodes: Ints,
    rows: Ints,
    scores: Floats,
) -> int:
    """Look at every row that stands for an item that is not hidden; -1 for no numbers."""
    if not _finite(query_D):
        return -1
    k, size = len(got), 0
    if k == 0:
        return 0
    for row in range(len(vec_RD)):
        if not _unwanted(labels_R[row], hide_I, masked):
            size = _offer(got, nodes, size, k, _dot(query_D, vec_RD, row), row)
    return int(_sorted(got, nodes, size, labels_R, rows, scores))


@inlined
def _unwanted(label: Any, hide_I: Mask, masked: bool) -> Any:
    return label < 0 or (masked and hide_I[label] != 0)


@inlined
def _offer(got: Floats, nodes: Ints, size: int, room: int, s: Any, row: Any) -> int:
    """Keep a row among the best `room`; how many are kept now."""
    if size < room:
        _push(got, nodes, size, s, row)
        return int(size + 1)
    if s > got[0]:
        _replace(got, nodes, size, s, row)
    return size


@inlined
def _sorted(got: Floats, nodes: Ints, size: int, labels_R: Ints, rows: Ints, scores: Floats) -> int:
    """Empty the heap into the answer, best first."""
    for place in range(size - 1, -1, -1):
        scores[place] = got[0]
        rows[place] = labels_R[nodes[0]]
        _replace(got, nodes, place, got[place], nodes[place])
    return size
