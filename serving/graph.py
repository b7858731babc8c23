"""A navigable graph in flat arrays, and the check that comes before any search of it.

A search follows links without looking where they lead, so nothing is searched that `check` has not read whole. What
builds the links is for `hnsw_index.py`, what follows them for `graph_search.py`.

Rows of `vec` are the nodes of the graph first, then the tail: rows without links that each search scans exactly.
`labels` says which item a row stands for, -1 where its item left or moved into the tail (the node stays, as a way).
Shapes: N nodes, R rows (N and the tail), I items, D dimensions, L = 2 M + 1 (a count and the links).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

exactly: Any = njit(nogil=True, cache=True)


class BrokenGraph(ValueError):
    """Arrays that can't be searched: which one, and where it contradicts the others."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The arrays of one index. `upper` holds per node, from `uoff` on, its levels above the ground, M + 1 each."""

    links_NL: Ints
    upper: Ints
    uoff: Longs
    labels_R: Ints
    vec_RD: Floats
    entry: int
    items: int

    @property
    def nodes(self) -> int:
        return len(self.links_NL)

    @property
    def m(self) -> int:
        """Links of a node on each upper level, at most."""
        return int(self.links_NL.shape[1] - 1) // 2

    @property
    def top(self) -> int:
        """The level of the entry node: where a search begins."""
        return int(self.uoff[self.entry + 1] - self.uoff[self.entry]) // (self.m + 1) if self.nodes else 0


def without_links(vec_ID: Floats, m: int = 16) -> Graph:
    """Every item in the tail: each search is an exact scan.

    >>> graph = without_links(np.eye(3, dtype=np.float32))
    >>> check(graph)
    >>> graph.nodes, graph.items
    (0, 3)
    """
    return Graph(
        links_NL=np.zeros((0, 2 * m + 1), np.int32),
        upper=np.zeros(0, np.int32),
        uoff=np.zeros(1, np.int64),
        labels_R=np.arange(len(vec_ID), dtype=np.int32),
        vec_RD=vec_ID,
        entry=0,
        items=len(vec_ID),
    )


def check(graph: Graph) -> None:
    """Read every array once; raises BrokenGraph where a search could leave an array or meet no number."""
    _check_shapes(graph)
    if (node := _node_astray(graph.links_NL)) >= 0:
        raise BrokenGraph(f"links of node {node} lead beyond the {graph.nodes} nodes, or are too many")
    if (node := _level_astray(graph.upper, graph.uoff, graph.nodes, graph.m)) >= 0:
        raise BrokenGraph(f"upper levels of node {node} lie outside their array, or lead to nodes below them")
    if (row := _label_astray(graph.labels_R, graph.items)) >= 0:
        raise BrokenGraph(f"labels do not name each of {graph.items} items once (see row {row})")
    if (row := _not_unit(graph.vec_RD)) >= 0:
        raise BrokenGraph(f"vec row {row} is not a finite vector of length 1")


def _check_shapes(graph: Graph) -> None:
    wanted: dict[str, tuple[NDArray[Any], type[np.generic], int]] = {
        "links": (graph.links_NL, np.int32, 2),
        "upper": (graph.upper, np.int32, 1),
        "uoff": (graph.uoff, np.int64, 1),
        "labels": (graph.labels_R, np.int32, 1),
        "vec": (graph.vec_RD, np.float32, 2),
    }
    for name, (array, dtype, dimensions) in wanted.items():
        if array.dtype != dtype or array.ndim != dimensions or not array.flags.c_contiguous:
            raise BrokenGraph(
                f"{name} is {array.dtype} of shape {array.shape}, not {np.dtype(dtype)} in {dimensions}-d"
            )
    rows, dim = graph.vec_RD.shape
    if len(graph.uoff) != graph.nodes + 1 or rows < graph.nodes or len(graph.labels_R) != rows or dim < 1:
        raise BrokenGraph(
            f"links have {graph.nodes} rows, uoff {len(graph.uoff)}, labels {len(graph.labels_R)}, vec {rows} x {dim}"
        )
    if graph.links_NL.shape[1] < 3 or graph.links_NL.shape[1] % 2 == 0:
        raise BrokenGraph(f"links are {graph.links_NL.shape[1]} wide; a count and 2 M links were expected")
    if not 0 <= graph.entry < max(graph.nodes, 1):
        raise BrokenGraph(f"entry is node {graph.entry} of {graph.nodes}")
    if graph.items < 0:
        raise BrokenGraph(f"items are {graph.items}")


@exactly
def _node_astray(links_NL: Ints) -> int:
    nodes, width = links_NL.shape
    for node in range(nodes):
        count = links_NL[node, 0]
        if count < 0 or count >= width:
            return node
        for t in range(1, count + 1):
            if links_NL[node, t] < 0 or links_NL[node, t] >= nodes:
                return node
    return -1


@exactly
def _level_astray(upper: Ints, uoff: Longs, nodes: int, m: int) -> int:
    if uoff[0] != 0 or uoff[nodes] != len(upper):
        return 0
    for node in range(nodes):
        size = uoff[node + 1] - uoff[node]
        if uoff[node] < 0 or size < 0 or size % (m + 1) or uoff[node + 1] > len(upper):
            return node
    for node in range(nodes):
        for level in range((uoff[node + 1] - uoff[node]) // (m + 1)):
            o = uoff[node] + level * (m + 1)
            if upper[o] < 0 or upper[o] > m:
                return node
            for t in range(1, upper[o] + 1):
                x = upper[o + t]
                if x < 0 or x >= nodes or uoff[x + 1] - uoff[x] < (level + 1) * (m + 1):
                    return node
    return -1


@exactly
def _label_astray(labels_R: Ints, items: int) -> int:
    if items > len(labels_R):
        return len(labels_R)
    named = np.zeros(items, np.uint8)
    total = 0
    for row in range(len(labels_R)):
        label = labels_R[row]
        if label < -1 or label >= items or (label >= 0 and named[label]):
            return row
        if label >= 0:
            named[label] = 1
            total += 1
    return -1 if total == items else len(labels_R)


@exactly
def _not_unit(vec_RD: Floats) -> int:
    for row in range(len(vec_RD)):
        norm = np.float32(0.0)
        for j in range(vec_RD.shape[1]):
            norm += vec_RD[row, j] * vec_RD[row, j]
        if not abs(norm - 1.0) < 1e-3:  # a NaN fails this too
            return row
    return -1
