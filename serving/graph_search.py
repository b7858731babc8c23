"""Search one graph from many threads: which kernel answers, and the memory that each search writes.

Below so many links or so few items in sight a scan is both faster and right; else the links are walked. Only a graph
that passed `graph.check` may come in.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from serving.graph import Floats, Graph, Ints
from serving.graph_kernels import DEAD, EF, Mask, scan, search_graph, shown

FEW = 0.02
"""Where a mask leaves a smaller share of the items, scanning them beats walking past the hidden ones."""

Found = tuple[Ints, Floats]


class Scratch:
    """What one search at a time writes: marks of nodes seen, candidates that wait, the best so far."""

    def __init__(self, graph: Graph) -> None:
        nodes, width = graph.links_NL.shape
        self.numbers = np.zeros(7, np.int64)
        self.numbers[:DEAD] = graph.entry, graph.top, graph.m
        self.numbers[DEAD] = (graph.labels_R[:nodes] < 0).any()
        self.seen = np.zeros(nodes, np.uint16)
        self.fresh = np.zeros(width, np.uint32)
        self.wait, self.waiting = np.empty(nodes + 1, np.float32), np.empty(nodes + 1, np.int32)
        self.best, self.nodes = np.empty(0, np.float32), np.empty(0, np.int32)
        self._tag = 0

    def turn(self, ef: int, k: int) -> None:
        """Make ready for a search that keeps `ef` and gives `k`."""
        if len(self.best) < ef:
            self.best, self.nodes = np.empty(ef, np.float32), np.empty(ef, np.int32)
        self._tag += 1
        if self._tag == 1 << 16:
            self.seen[:] = 0
            self._tag = 1
        self.numbers[EF:] = ef, k, self._tag


class Searcher:
    """Searches one checked graph, from any number of threads.

    >>> from serving.graph import without_links
    >>> rows, scores = Searcher(without_links(np.eye(3, dtype=np.float32))).search(np.float32([0, 1, 0]), 2)
    >>> int(rows[0]), float(scores[0])
    (1, 1.0)
    """

    def __init__(self, graph: Graph, *, ef: int = 128) -> None:
        self.graph = graph
        self.ef = ef
        self._shape = graph.vec_RD.shape[1:]
        self._nodes = graph.nodes
        self._pool: list[Scratch] = []

    def search(self, query_D: Floats, k: int, hide_I: Mask | None = None, *, ef: int | None = None) -> Found:
        """Rows of the `k` nearest items that are not hidden, nearest first, and their scores."""
        query_D, hide_I = self._fitting(query_D, hide_I)
        k = min(k, self.graph.items)
        left = self.graph.items if hide_I is None else shown(hide_I)
        if not self._nodes or left <= max(FEW * self.graph.items, 2 * k):
            return self._scan(query_D, k, hide_I)
        found = self._walk(query_D, k, hide_I, max(ef or self.ef, k))
        # a node that no link leads to is missed; a full answer is owed where the items are there
        return found if len(found[0]) == k else self._scan(query_D, k, hide_I)

    def exact(self, query_D: Floats, k: int, hide_I: Mask | None = None) -> Found:
        """What `search` is measured against: every row looked at."""
        query_D, hide_I = self._fitting(query_D, hide_I)
        return self._scan(query_D, min(k, self.graph.items), hide_I)

    def _walk(self, query_D: Floats, k: int, hide_I: Mask | None, ef: int) -> Found:
        graph, rows, scores = self.graph, np.empty(k, np.int32), np.empty(k, np.float32)
        try:
            scratch = self._pool.pop()
        except IndexError:
            scratch = Scratch(graph)
        scratch.turn(ef, k)
        count = search_graph(
            query_D,
            graph.vec_RD,
            graph.labels_R,
            graph.links_NL,
            graph.upper,
            graph.uoff,
            _NOBODY if hide_I is None else hide_I,
            hide_I is not None,
            scratch.numbers,
            scratch.seen,
            scratch.fresh,
            scratch.wait,
            scratch.waiting,
            scratch.best,
            scratch.nodes,
            rows,
            scores,
        )
        self._pool.append(scratch)
        return _told(count, rows, scores)

    def _scan(self, query_D: Floats, k: int, hide_I: Mask | None) -> Found:
        graph, rows, scores = self.graph, np.empty(k, np.int32), np.empty(k, np.float32)
        hide, best, nodes = _NOBODY if hide_I is None else hide_I, np.empty(k, np.float32), np.empty(k, np.int32)
        count = scan(query_D, graph.vec_RD, graph.labels_R, hide, hide_I is not None, best, nodes, rows, scores)
        return _told(count, rows, scores)

    def _fitting(self, query_D: Floats, hide_I: Mask | None) -> tuple[Floats, Mask | None]:
        if query_D.shape != self._shape:
            raise ValueError(f"the query is {query_D.shape}, the vectors are {self._shape}: another version's tower")
        if hide_I is None:
            return np.require(query_D, np.float32, _PLAIN), None
        if hide_I.shape != (self.graph.items,):
            raise ValueError(f"the mask is for {hide_I.shape} items, the index holds {self.graph.items}")
        return np.require(query_D, np.float32, _PLAIN), np.require(hide_I, np.uint8, _PLAIN)


_NOBODY = np.zeros(1, np.uint8)
_PLAIN: tuple[Literal["C", "W"], ...] = ("C", "W")  # one kind of array is one compiled kernel


def _told(count: int, rows: Ints, scores: Floats) -> Found:
    if count < 0:
        raise ValueError("the query holds numbers that are not finite; the user's vector was made from broken weights")
    return (rows, scores) if count == len(rows) else (rows[:count], scores[:count])
