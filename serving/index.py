"""A nearest-neighbour index over the items of one version: the contract, and its exact in-memory form.

An index never changes: what changes is which one is asked. Which items may be seen is the asker's mask, never the
index's.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
Mask = NDArray[np.uint8]


class Index(Protocol):
    """The nearest items to a vector, by inner product of unit vectors.

    Promised: row i is item i of the version's `item_ids`; nearest first; a hidden item is never an answer; as many
    answers as asked for where that many items are not hidden; any number of threads may search. Not promised: that no
    nearer item was missed (recall is measured, `Generation.recall`), the order among equal scores.
    """

    @property
    def version(self) -> int: ...

    def search(self, query_D: Floats, k: int, hide: Mask | None = None) -> tuple[Rows, Floats]: ...


class ExactIndex:
    """Every vector compared, in numpy: the test double and the oracle.

    >>> index = ExactIndex(np.eye(3, dtype=np.float32), version=7)
    >>> query = np.array([.8, .6, 0], np.float32)
    >>> index.search(query, 2)[0].tolist(), index.search(query, 2, np.array([1, 0, 0], np.uint8))[0].tolist()
    ([0, 1], [1, 2])
    """

    def __init__(self, vec_ID: Floats, *, version: int) -> None:
        self.vec_ID = vec_ID
        self.version = version

    def search(self, query_D: Floats, k: int, hide: Mask | None = None) -> tuple[Rows, Floats]:
        score_I = self.vec_ID @ query_D
        rows = np.arange(len(score_I)) if hide is None else np.flatnonzero(hide == 0)
        rows = rows[np.argsort(-score_I[rows], kind="stable")[:k]]
        return rows.astype(np.int32), score_I[rows].astype(np.float32)
