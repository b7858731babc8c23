"""Find the nearest rows of a graph, with the interpreter lock released: numba kernels over flat arrays.

One call walks the links, scans the tail and what changed since, and passes over hidden items. Scores are inner
products, higher is nearer. There are no bounds checks here. In a heap a changed row stands behind those of the graph.
Compiled without reference counts (`_nrt`): nothing is allocated in here, and counting them in the walk cost a tenth.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from serving.graph import Floats, Ints, Longs
from serving.prefetch import touch
from serving.scored_heap import offer, push, replace

Mask = NDArray[np.uint8]
Epochs = NDArray[np.uint32]

EXPONENT = 0x7F800000
"""All ones in the exponent of a float32: infinite, or no number."""

_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False}
exactly: Any = njit(**_OPTIONS)
compiled: Any = njit(**_OPTIONS, fastmath=True)
inlined: Any = njit(**_OPTIONS, fastmath=True, inline="always")

AHEAD = 8
"""Rows asked of the memory before they are needed."""

ENTRY, TOP, M, DEAD, EF, K, TAG, EPOCH = range(8)
"""Places in the numbers that go into a search."""


@exactly
def rows_of(labels_R: Ints, row_I: Ints) -> None:
    """Write into `row_I` which row stands for each item."""
    for row in range(len(labels_R)):
        if labels_R[row] >= 0:
            row_I[labels_R[row]] = row


@inlined
def _dot(query_D: Floats, vec_RD: Floats, row: int) -> Any:
    total = np.float32(0.0)
    for j in range(query_D.shape[0]):
        total += query_D[j] * vec_RD[row, j]
    return total


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
    beyond: bool,
    change_TD: Floats,
    label_T: Ints,
    moved_R: Epochs,
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
    """Walk the ground level with `ef` in hand, then let tail and changes compete for `k` places; -1 for no numbers."""
    if not _finite(query_D):
        return -1
    ef, k, tag, epoch = numbers[EF], numbers[K], np.uint16(numbers[TAG]), numbers[EPOCH]
    dead = numbers[DEAD] != 0
    careful = masked or dead or epoch > 0
    node, score = _descend(query_D, vec_RD, upper, uoff, numbers)
    wait[0], waiting[0], count = -score, node, 1
    seen[node] = tag
    size, low = 0, np.float32(-np.inf)
    if not (careful and _unwanted(node, labels_R, dead, hide_I, masked, moved_R, epoch)):
        got[0], nodes[0], size, low = score, node, 1, score
    while count > 0:
        s, x = -wait[0], np.uint32(waiting[0])
        if size == ef and s < low:
            break
        count -= 1
        replace(wait, waiting, count, wait[count], waiting[count])
        for place in range(_unseen(links_NL, x, seen, tag, vec_RD, fresh)):
            y = fresh[place]
            s = _dot(query_D, vec_RD, y)
            if size < ef or s > low:
                push(wait, waiting, count, -s, y)
                count += 1
                if careful and _unwanted(y, labels_R, dead, hide_I, masked, moved_R, epoch):
                    continue
                size = offer(got, nodes, size, ef, s, y)
                low = got[0]
    while size > k:
        size -= 1
        replace(got, nodes, size, got[size], nodes[size])
    for row in range(len(links_NL), len(vec_RD)):
        s = _dot(query_D, vec_RD, row)
        if (size < k or s > got[0]) and not _unwanted(row, labels_R, True, hide_I, masked, moved_R, epoch):
            size = offer(got, nodes, size, k, s, row)
    size = _offer_changes(query_D, change_TD, label_T, hide_I, masked, beyond, got, nodes, size, k, len(vec_RD))
    return int(_sorted(got, nodes, size, labels_R, label_T, rows, scores))


@compiled
def scan(
    query_D: Floats,
    vec_RD: Floats,
    labels_R: Ints,
    hide_I: Mask,
    masked: bool,
    beyond: bool,
    change_TD: Floats,
    label_T: Ints,
    moved_R: Epochs,
    epoch: int,
    mask_first: bool,
    shown: NDArray[np.uint32],
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
    if mask_first:
        for first in range(0, len(vec_RD), len(shown)):
            count = 0
            for row in range(first, min(first + len(shown), len(vec_RD))):
                shown[count] = row
                count += 0 if _unwanted(row, labels_R, True, hide_I, masked, moved_R, epoch) else 1
            for place in range(min(AHEAD, count)):
                touch(vec_RD, shown[place])
            for place in range(count):
                if place + AHEAD < count:
                    touch(vec_RD, shown[place + AHEAD])
                row = shown[place]
                size = offer(got, nodes, size, k, _dot(query_D, vec_RD, row), row)
    else:
        for row in range(len(vec_RD)):
            s = _dot(query_D, vec_RD, row)
            if (size < k or s > got[0]) and not _unwanted(row, labels_R, True, hide_I, masked, moved_R, epoch):
                size = offer(got, nodes, size, k, s, row)
    size = _offer_changes(query_D, change_TD, label_T, hide_I, masked, beyond, got, nodes, size, k, len(vec_RD))
    return int(_sorted(got, nodes, size, labels_R, label_T, rows, scores))


@inlined
def _unwanted(row: Any, labels_R: Ints, dead: bool, hide_I: Mask, masked: bool, moved_R: Epochs, epoch: Any) -> Any:
    """Whether a row has moved by this epoch, stands for nothing (where some do: `dead`), or for a hidden item."""
    if epoch > 0 and moved_R[row] != 0 and np.int64(moved_R[row]) <= epoch:
        return True
    if dead or masked:
        label = labels_R[row]
        return label < 0 or (masked and hide_I[label] != 0)
    return False


@inlined
def _offer_changes(
    query_D: Floats,
    change_TD: Floats,
    label_T: Ints,
    hide_I: Mask,
    masked: bool,
    beyond: bool,
    got: Floats,
    nodes: Ints,
    size: int,
    k: int,
    behind: int,
) -> int:
    """Changed rows, by their own labels; one that the mask does not reach is shown where that is asked for."""
    for row in range(len(label_T)):
        s = _dot(query_D, change_TD, row)
        if size < k or s > got[0]:
            label = label_T[row]
            shown = not masked or (hide_I[label] == 0 if label < len(hide_I) else beyond)
            if label >= 0 and shown:
                size = offer(got, nodes, size, k, s, behind + row)
    return size


@inlined
def _sorted(got: Floats, nodes: Ints, size: int, labels_R: Ints, label_T: Ints, rows: Ints, scores: Floats) -> int:
    """Empty the heap into the answer, best first."""
    for place in range(size - 1, -1, -1):
        node = nodes[0]
        scores[place] = got[0]
        rows[place] = labels_R[node] if node < len(labels_R) else label_T[node - len(labels_R)]
        replace(got, nodes, place, got[place], nodes[place])
    return size
