"""What changed since a generation was built, beside its graph: a few rows that every search looks at exactly.

One thread puts, any number of threads search. Each search reads one frozen `Changes`, so it sees a put whole or not at
all. A full delta refuses: the way on is a new generation, which is not made here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.graph import Floats, Graph, Ints
from serving.graph_kernels import Epochs, rows_of

ROOM = 2_000
"""Rows that a search can look at for about a fifth of its time, at 100,000 items of 64 numbers."""


class FullDelta(ValueError):
    """More changed rows than a search should look at."""


@dataclass(frozen=True, slots=True)
class Changes:
    """As of one put. `label_T` names the item of each row, -1 where a later row replaced it; a row of the graph is
    passed over from the epoch on that stands in `moved_R`. `items` counts those of the graph and the new ones; `moved`
    how many of the graph's have moved here."""

    vec_TD: Floats
    label_T: Ints
    moved_R: Epochs
    epoch: int
    items: int
    rows: int = 0
    moved: int = 0


class Delta:
    """The changed rows beside one graph; labels from its `items` on are new items.

    >>> from serving.graph import without_links
    >>> delta = Delta(without_links(np.eye(3, 2, dtype=np.float32)))
    >>> delta.put(np.array([1, 3]), np.eye(2, dtype=np.float32))
    >>> delta.put(np.array([1]), np.array([[0.6, 0.8]], np.float32))
    >>> now = delta.now
    >>> now.label_T.tolist(), now.items, now.rows, now.moved
    ([-1, 3, 1], 4, 2, 1)
    """

    def __init__(self, graph: Graph, *, room: int = ROOM) -> None:
        self._labels_R = graph.labels_R
        self._items = graph.items
        self._room = room
        nothing = np.zeros((0, graph.vec_RD.shape[1]), np.float32)
        self.now = Changes(nothing, np.zeros(0, np.int32), np.zeros(0, np.uint32), 0, graph.items)
        self._vec_CD: Floats = nothing
        self._used = 0
        self._slot_L: Ints = np.zeros(0, np.int32)
        self._row_I: Ints = np.zeros(0, np.int32)

    def put(self, label_N: NDArray[np.integer], vec_ND: Floats) -> None:
        """Let these items stand at these vectors, of length 1; the last of equal labels holds. Seen by the next search.

        1. make room; 2. write the rows, which nobody looks at yet; 3. note which items moved, as of the next epoch;
        4. put the new changes in place. Raises FullDelta where they were too many, ValueError for a label beyond the
        room or a vector that is not of length 1; then nothing changed.
        """
        self._put(np.asarray(label_N).astype(np.int32), np.asarray(vec_ND, np.float32))

    def _put(self, label_N: Ints, vec_ND: Floats) -> None:
        self._check(label_N, vec_ND)
        self._make_room(len(label_N))
        start, now, count = self._used, self.now, len(label_N)
        label_T = np.concatenate([now.label_T[:start], label_N])
        before_N = self._slot_L[label_N]
        label_T[before_N[before_N >= 0]] = -1
        self._vec_CD[start : start + count] = vec_ND
        self._slot_L[label_N] = np.arange(start, start + count, dtype=np.int32)
        label_T[start:][self._slot_L[label_N] != np.arange(start, start + count)] = -1
        self._used = start + count
        epoch, old = now.epoch, label_N[label_N < self._items]
        row_M = self._row_I[old]
        first = row_M[now.moved_R[row_M] == 0]
        if len(first):
            first, epoch = np.unique(first), epoch + 1
            now.moved_R[first] = epoch
        self.now = Changes(
            vec_TD=self._vec_CD[: self._used],
            label_T=label_T,
            moved_R=now.moved_R,
            epoch=epoch,
            items=max(now.items, int(label_N.max(initial=-1)) + 1),
            rows=int((label_T >= 0).sum()),
            moved=now.moved + len(first),
        )

    def _check(self, label_N: Ints, vec_ND: Floats) -> None:
        now, dim = self.now, self.now.vec_TD.shape[1]
        if vec_ND.shape != (len(label_N), dim):
            raise ValueError(f"{len(label_N)} labels came with vectors of shape {vec_ND.shape}; rows are {dim} wide")
        if len(label_N) and not 0 <= label_N.min() <= label_N.max() < self._items + self._room:
            raise ValueError(f"labels reach from {label_N.min()} to {label_N.max()}; there are {now.items} items")
        if not (np.abs(np.einsum("nd,nd->n", vec_ND, vec_ND) - 1.0) < 1e-3).all():
            raise ValueError("a changed vector is not finite or not of length 1: it was made from broken weights")
        new_N = label_N[self._slot_L[label_N] < 0] if len(self._slot_L) else label_N
        if now.rows + len(new_N) > self._room and now.rows + len(np.unique(new_N)) > self._room:
            raise FullDelta(
                f"{now.rows} rows have changed and {len(label_N)} more came; there is room for {self._room}"
            )

    def _make_room(self, more: int) -> None:
        """Arrays at the first put; later without the rows that were replaced. Searches keep what they hold."""
        now = self.now
        if not len(self._slot_L):
            self._slot_L = np.full(self._items + self._room, -1, np.int32)
            self._row_I = np.empty(self._items, np.int32)
            rows_of(np.array(self._labels_R), self._row_I)
            now = Changes(now.vec_TD, now.label_T, np.zeros(len(self._labels_R), np.uint32), 0, now.items)
        if self._used + more > len(self._vec_CD):
            kept = np.flatnonzero(now.label_T >= 0)
            fresh: Floats = np.empty((2 * self._room + more, now.vec_TD.shape[1]), np.float32)
            fresh[: len(kept)] = now.vec_TD[kept]
            label_T = now.label_T[kept]
            self._slot_L[label_T] = np.arange(len(kept), dtype=np.int32)
            self._vec_CD, self._used = fresh, len(kept)
            now = Changes(fresh[: len(kept)], label_T, now.moved_R, now.epoch, now.items, now.rows, now.moved)
        self.now = now
