"""No array that would lead a search astray passes the check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from serving.graph import BrokenGraph, Graph, check
from serving.graph_search import Searcher
from serving.hnsw_index import Shape, build
from tests.serving.plain_export import crowd

ITEMS = 600


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return build(crowd(ITEMS), Shape(m=8), folder=tmp_path_factory.mktemp("graph"))


def changed(array: np.ndarray, place: object, value: object) -> np.ndarray:
    copy = array.copy()
    copy[place] = value
    return copy


HARMS: dict[str, Callable[[Graph], Graph]] = {
    "a link beyond the nodes": lambda g: replace(g, links_NL=changed(g.links_NL, (5, 1), ITEMS)),
    "a link below zero": lambda g: replace(g, links_NL=changed(g.links_NL, (5, 1), -1)),
    "more links than places": lambda g: replace(g, links_NL=changed(g.links_NL, (5, 0), g.links_NL.shape[1])),
    "fewer links than none": lambda g: replace(g, links_NL=changed(g.links_NL, (5, 0), -2)),
    "links of an even width": lambda g: replace(g, links_NL=np.ascontiguousarray(g.links_NL[:, :-1])),
    "links of another kind": lambda g: replace(g, links_NL=g.links_NL.astype(np.int64)),  # type: ignore[arg-type]
    "links that are not side by side": lambda g: replace(g, links_NL=np.asfortranarray(g.links_NL)),
    "too few upper levels": lambda g: replace(g, upper=g.upper[:-1]),
    "an upper link beyond the nodes": lambda g: replace(g, upper=changed(g.upper, 1, ITEMS)),
    "too many upper links": lambda g: replace(g, upper=changed(g.upper, 0, g.m + 1)),
    "an upper link to a node on the ground": lambda g: replace(
        g, upper=changed(g.upper, 1, int(np.flatnonzero(np.diff(g.uoff) == 0)[0]))
    ),
    "offsets that step back": lambda g: replace(g, uoff=changed(g.uoff, 3, -9)),
    "offsets that end early": lambda g: replace(g, uoff=changed(g.uoff, -1, 0)),
    "offsets that overflow": lambda g: replace(g, uoff=changed(g.uoff, 3, np.iinfo(np.int64).max)),
    "an entry beyond the nodes": lambda g: replace(g, entry=ITEMS),
    "an entry below zero": lambda g: replace(g, entry=-1),
    "a label twice": lambda g: replace(g, labels_R=changed(g.labels_R, 3, g.labels_R[4])),
    "a label beyond the items": lambda g: replace(g, labels_R=changed(g.labels_R, 3, ITEMS)),
    "an item without a row": lambda g: replace(g, labels_R=changed(g.labels_R, 3, -1)),
    "more items than rows": lambda g: replace(g, items=ITEMS + 1),
    "items below zero": lambda g: replace(g, items=-1),
    "a vector that is no number": lambda g: replace(g, vec_RD=changed(g.vec_RD, (3, 2), np.nan)),
    "an endless vector": lambda g: replace(g, vec_RD=changed(g.vec_RD, (3, 2), np.inf)),
    "a vector of another length": lambda g: replace(g, vec_RD=changed(g.vec_RD, 3, 0)),
    "fewer vectors than nodes": lambda g: replace(g, vec_RD=g.vec_RD[:-1], labels_R=g.labels_R[:-1]),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_graph_that_would_lead_astray_is_refused(graph: Graph, harm: str) -> None:
    with pytest.raises(BrokenGraph):
        check(HARMS[harm](graph))


def test_a_graph_that_passes_can_be_searched_whatever_was_changed_in_it(graph: Graph) -> None:
    """Random numbers anywhere: refused, or searched without leaving an array."""
    random = np.random.default_rng(4)
    query_D, refused = graph.vec_RD[0].copy(), 0
    for _ in range(400):
        name = random.choice(["links_NL", "upper", "uoff", "labels_R"])
        array = getattr(graph, name).copy()
        flat = array.reshape(-1)
        flat[random.integers(0, flat.size)] = random.choice(
            [-1, 0, 1, 5, ITEMS - 1, ITEMS, 2**31 - 1, random.integers(0, ITEMS)]
        )
        mutant = replace(graph, **{name: array})
        try:
            check(mutant)
        except BrokenGraph:
            refused += 1
            continue
        rows, _ = Searcher(mutant, plan=lambda _nodes, _links, ef, _share: ef).search(query_D, 20)
        assert len(set(rows.tolist())) == 20
    assert refused > 50


def test_the_same_vectors_and_seed_build_the_same_links(graph: Graph, tmp_path: Path) -> None:
    again = build(crowd(ITEMS), Shape(m=8), folder=tmp_path)
    for name in ("links_NL", "upper", "uoff", "labels_R", "vec_RD"):
        np.testing.assert_array_equal(getattr(again, name), getattr(graph, name))
