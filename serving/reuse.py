"""Whether the links of one version still lead well among the vectors of the next, and the graph that follows.

Small moves keep the links. An item that is new or moved far goes to the tail, where every search looks at it; the
node it leaves stays as a way. Pure: the arrays come in, the arrays go out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from serving.graph import Floats, Graph, Ints


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these the links are built anew: `alike` is the least mean cosine to the vectors that they were built for,
    `near` the least of one item that keeps its node, `tail` how many rows may have no links, `gone` the share of
    nodes that may stand for nothing."""

    alike: float = 0.99
    near: float = 0.98
    tail: int = 2_000
    gone: float = 0.10


@dataclass(frozen=True, slots=True)
class Kept:
    """A graph with old links, and the mean cosine of its items to the vectors that these were built for."""

    graph: Graph
    cosine: float


def same_items(before: Sequence[str], after: Sequence[str]) -> Ints:
    """Per item before, its row after; -1 where it left.

    >>> same_items(["tea", "jam"], ["jam", "oil"]).tolist()
    [-1, 0]
    """
    if list(before) == list(after):
        return np.arange(len(after), dtype=np.int32)
    rows = {item: row for row, item in enumerate(after)}
    return np.fromiter((rows.get(item, -1) for item in before), np.int32, len(before))


def keep_links(old: Graph, base_ND: Floats, row_I: Ints, vec_ID: Floats, limits: Limits) -> Kept | None:
    """The links of `old` among new vectors; None where they were better built anew.

    `base_ND` is what the links were built for, `row_I` the new row of each of the old items.

    1. each node finds its item; 2. those that moved far let go of theirs; 3. what no node stands for is the tail.
    """
    if not old.nodes or base_ND.shape[1] != vec_ID.shape[1]:
        return None
    label_N = old.labels_R[: old.nodes]
    label_N = np.where(label_N >= 0, row_I[np.maximum(label_N, 0)], -1).astype(np.int32)
    node_A = np.flatnonzero(label_N >= 0)
    if not len(node_A):
        return None
    cosine_A = np.einsum("ad,ad->a", base_ND[node_A], vec_ID[label_N[node_A]])
    label_N[node_A[cosine_A < limits.near]] = -1
    tail = np.setdiff1d(np.arange(len(vec_ID), dtype=np.int32), label_N)
    gone = float((label_N < 0).mean())
    cosine = float(cosine_A.mean())
    if cosine < limits.alike or len(tail) > limits.tail or gone > limits.gone:
        return None
    vec_ND = np.where(label_N[:, None] >= 0, vec_ID[label_N], base_ND)
    graph = Graph(
        links_NL=old.links_NL,
        upper=old.upper,
        uoff=old.uoff,
        labels_R=np.concatenate([label_N, tail]),
        vec_RD=np.concatenate([vec_ND, vec_ID[tail]]),
        entry=old.entry,
        items=len(vec_ID),
    )
    return Kept(graph, cosine)
