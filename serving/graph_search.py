"""Search one graph, and what changed since, from many threads: the kernels called, and the memory that a search writes.

Which of walk and scan answers is for `search_plan.py`. Only a graph that passed `graph.check` may come in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from serving.delta import Changes, Delta
from serving.graph import Floats, Graph, Ints
from serving.graph_kernels import DEAD, EF, Mask, scan, search_graph
from serving.search_plan import asks_first, share_left, width_of_walk

SOME = 1_024
"""Rows of which a scan asks the mask before it reads those that are left."""

Found = tuple[Ints, Floats]
Plan = Callable[[int, int, int, float], int]
"""How many nodes a walk should keep in hand, 0 for a scan, by nodes, links of a node, width asked for, share left."""


class Scratch:
    """What one search at a time writes: marks of nodes seen, candidates that wait, the best so far."""

    def __init__(self, graph: Graph) -> None:
        nodes, width = graph.links_NL.shape
        self.numbers = np.zeros(8, np.int64)
        self.numbers[:DEAD] = graph.entry, graph.top, graph.m
        self.numbers[DEAD] = (graph.labels_R[:nodes] < 0).any()
        self.seen = np.zeros(nodes, np.uint16)
        self.fresh = np.zeros(width, np.uint32)
        self.wait, self.waiting = np.empty(nodes + 1, np.float32), np.empty(nodes + 1, np.int32)
        self.best, self.nodes = np.empty(0, np.float32), np.empty(0, np.int32)
        self._tag = 0

    def turn(self, ef: int, k: int, epoch: int) -> None:
        """Make ready for a search that keeps `ef` and gives `k`, as of an epoch of changes."""
        if len(self.best) < ef:
            self.best, self.nodes = np.empty(ef, np.float32), np.empty(ef, np.int32)
        self._tag += 1
        if self._tag == 1 << 16:
            self.seen[:] = 0
            self._tag = 1
        self.numbers[EF:] = ef, k, self._tag, epoch


class Searcher:
    """Searches one checked graph, from any number of threads.

    >>> from serving.graph import without_links
    >>> rows, scores = Searcher(without_links(np.eye(3, dtype=np.float32))).search(np.float32([0, 1, 0]), 2)
    >>> int(rows[0]), float(scores[0])
    (1, 1.0)
    """

    def __init__(self, graph: Graph, *, ef: int = 128, plan: Plan = width_of_walk) -> None:
        self.graph = graph
        self.ef = ef
        self._plan = plan
        self.delta = Delta(graph)
        self._shape = graph.vec_RD.shape[1:]
        self._links = graph.links_NL.shape[1] - 1
        self._pool: list[Scratch] = []

    def search(
        self, query_D: Floats, k: int, hide_I: Mask | None = None, *, ef: int | None = None, beyond: bool = False
    ) -> Found:
        """Rows of the `k` nearest items that are not hidden, nearest first, and their scores.

        Rows from `graph.items` on are those of new items. A mask is as long as the graph has items, or longer; a new
        item that it does not reach is hidden, or shown where the caller looks `beyond` it.
        """
        query_D, hide_I = self._fitting(query_D, hide_I)
        changes = self.delta.now
        k = min(k, changes.items)
        share = 1.0 if hide_I is None else share_left(hide_I)
        wide = self._plan(self.graph.nodes, self._links, max(ef or self.ef, k), share)
        found = self._walk(query_D, k, hide_I, wide, changes, beyond) if wide else None
        # a node that no link leads to is missed; a full answer is owed where the items are there
        return found if found and len(found[0]) == k else self._scan(query_D, k, hide_I, changes, share, beyond)

    def exact(self, query_D: Floats, k: int, hide_I: Mask | None = None, *, beyond: bool = False) -> Found:
        """What `search` is measured against: every row looked at."""
        query_D, hide_I = self._fitting(query_D, hide_I)
        changes = self.delta.now
        share = 1.0 if hide_I is None else share_left(hide_I)
        return self._scan(query_D, min(k, changes.items), hide_I, changes, share, beyond)

    def _walk(self, query_D: Floats, k: int, hide_I: Mask | None, ef: int, changes: Changes, beyond: bool) -> Found:
        graph, rows, scores = self.graph, np.empty(k, np.int32), np.empty(k, np.float32)
        try:
            scratch = self._pool.pop()
        except IndexError:
            scratch = Scratch(graph)
        scratch.turn(ef, k, changes.epoch)
        count = search_graph(
            query_D,
            graph.vec_RD,
            graph.labels_R,
            graph.links_NL,
            graph.upper,
            graph.uoff,
            _NOBODY if hide_I is None else hide_I,
            hide_I is not None,
            beyond,
            changes.vec_TD,
            changes.label_T,
            changes.moved_R,
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

    def _scan(
        self, query_D: Floats, k: int, hide_I: Mask | None, changes: Changes, share: float, beyond: bool
    ) -> Found:
        graph, rows, scores = self.graph, np.empty(k, np.int32), np.empty(k, np.float32)
        count = scan(
            query_D,
            graph.vec_RD,
            graph.labels_R,
            _NOBODY if hide_I is None else hide_I,
            hide_I is not None,
            beyond,
            changes.vec_TD,
            changes.label_T,
            changes.moved_R,
            changes.epoch,
            asks_first(share),
            np.empty(SOME, np.uint32),
            np.empty(k, np.float32),
            np.empty(k, np.int32),
            rows,
            scores,
        )
        return _told(count, rows, scores)

    def _fitting(self, query_D: Floats, hide_I: Mask | None) -> tuple[Floats, Mask | None]:
        if query_D.shape != self._shape:
            raise ValueError(f"the query is {query_D.shape}, the vectors are {self._shape}: another version's tower")
        if hide_I is None:
            return np.require(query_D, np.float32, _PLAIN), None
        if hide_I.ndim != 1 or len(hide_I) < self.graph.items:
            raise ValueError(f"the mask is for {hide_I.shape} items, the index holds {self.graph.items}")
        return np.require(query_D, np.float32, _PLAIN), np.require(hide_I, np.uint8, _PLAIN)


_NOBODY = np.zeros(1, np.uint8)
_PLAIN: tuple[Literal["C", "W"], ...] = ("C", "W")  # one kind of array is one compiled kernel


def _told(count: int, rows: Ints, scores: Floats) -> Found:
    if count < 0:
        raise ValueError("the query holds numbers that are not finite; the user's vector was made from broken weights")
    return (rows, scores) if count == len(rows) else (rows[:count], scores[:count])
