"""The kernel finds what hnswlib finds on the same links, and what numpy finds where it looks at everything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from serving.graph import Graph, check, without_links
from serving.graph_search import Searcher
from serving.hnsw_index import Shape, flat, raw_index
from serving.index import ExactIndex
from tests.serving.plain_export import crowd, drifted, unit

ITEMS, DIM, K = 4_000, 24, 50


@pytest.fixture(scope="module", name="vec_ID")
def items() -> np.ndarray:
    return crowd(ITEMS, DIM)


@pytest.fixture(scope="module", name="query_QD")
def queries(vec_ID: np.ndarray) -> np.ndarray:
    return drifted(vec_ID[::20], 0.4)


@pytest.fixture(scope="module")
def peer(vec_ID: np.ndarray):  # type: ignore[no-untyped-def]
    index = raw_index(vec_ID, Shape())
    index.set_ef(100)
    return index


@pytest.fixture(scope="module")
def graph(peer, tmp_path_factory: pytest.TempPathFactory) -> Graph:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("graph") / "saved.hnsw"
    peer.save_index(str(path))
    return flat(path)


def walk(_nodes: int, _links: int, ef: int, share: float) -> int:
    """Also where a scan would be no slower."""
    return ef if share > 0.02 else 0


def recall(found: list[np.ndarray], wanted: list[np.ndarray]) -> float:
    return float(np.mean([len(set(f) & set(w)) / len(w) for f, w in zip(found, wanted, strict=True)]))


def test_the_flat_arrays_of_a_saved_graph_pass_their_check(graph: Graph, vec_ID: np.ndarray) -> None:
    check(graph)
    assert graph.nodes == ITEMS
    np.testing.assert_array_equal(graph.vec_RD[np.argsort(graph.labels_R)], vec_ID)


def test_the_kernel_gives_hnswlibs_answers_on_the_same_links(graph: Graph, peer, query_QD: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    searcher = Searcher(graph, ef=100, plan=walk)
    ours = [set(searcher.search(query_D, K)[0].tolist()) for query_D in query_QD]
    theirs = [set(peer.knn_query(query_D, k=K, num_threads=1)[0][0].tolist()) for query_D in query_QD]
    assert np.mean([a == b for a, b in zip(ours, theirs, strict=True)]) >= 0.999


def test_recall_is_what_the_gate_asks_for(graph: Graph, vec_ID: np.ndarray, query_QD: np.ndarray) -> None:
    searcher, oracle = Searcher(graph, ef=200, plan=walk), ExactIndex(vec_ID, version=1)
    found = [searcher.search(query_D, K)[0] for query_D in query_QD]
    assert recall(found, [oracle.search(query_D, K)[0] for query_D in query_QD]) >= 0.95


def test_a_scan_gives_numpys_answers(graph: Graph, vec_ID: np.ndarray, query_QD: np.ndarray) -> None:
    oracle = ExactIndex(vec_ID, version=1)
    hide_I = (np.arange(ITEMS) % 3 == 0).astype(np.uint8)
    for searcher in (Searcher(graph), Searcher(without_links(vec_ID))):
        for query_D in query_QD[:40]:
            for hide in (None, hide_I):
                rows, scores = searcher.exact(query_D, K, hide)
                wanted, wanted_scores = oracle.search(query_D, K, hide)
                np.testing.assert_allclose(scores, wanted_scores, rtol=0, atol=2e-6)
                assert len(set(rows.tolist()) & set(wanted.tolist())) >= K - 1  # equal scores may change places


def test_scores_come_nearest_first_and_belong_to_their_rows(
    graph: Graph, vec_ID: np.ndarray, query_QD: np.ndarray
) -> None:
    rows, scores = Searcher(graph).search(query_QD[0], K)
    assert (np.diff(scores) <= 0).all()
    np.testing.assert_allclose(vec_ID[rows] @ query_QD[0], scores, atol=2e-6)


@pytest.mark.parametrize("shown", [0.9, 0.5, 0.1, 0.01, 0.001, 0.0])
def test_hidden_items_never_come_and_full_answers_still_do(
    graph: Graph, vec_ID: np.ndarray, query_QD: np.ndarray, shown: float
) -> None:
    hide_I = (np.random.default_rng(1).random(ITEMS) >= shown).astype(np.uint8)
    searcher, oracle = Searcher(graph, ef=200, plan=walk), ExactIndex(vec_ID, version=1)
    left = int((hide_I == 0).sum())
    found = [searcher.search(query_D, K, hide_I)[0] for query_D in query_QD]
    assert all(len(rows) == min(K, left) and not hide_I[rows].any() for rows in found)
    if left:
        assert recall(found, [oracle.search(query_D, K, hide_I)[0] for query_D in query_QD]) >= 0.95


def test_rows_in_the_tail_are_found_exactly(graph: Graph, vec_ID: np.ndarray, query_QD: np.ndarray) -> None:
    """The first 100 items moved far, and 100 are new; the old places of the former stay as ways."""
    moved = drifted(vec_ID[:100], 3.0)
    new = crowd(100, DIM, seed=9)
    labels = graph.labels_R.copy()
    labels[labels < 100] = -1
    tail = np.concatenate([np.arange(100), np.arange(ITEMS, ITEMS + 100)]).astype(np.int32)
    changed = replace(
        graph,
        labels_R=np.concatenate([labels, tail]),
        vec_RD=np.concatenate([graph.vec_RD, moved, new]),
        items=ITEMS + 100,
    )
    check(changed)
    now = np.concatenate([moved, vec_ID[100:], new])
    searcher, oracle = Searcher(changed, ef=200, plan=walk), ExactIndex(now, version=1)
    for row in tail:
        assert searcher.search(now[row], 1)[0].tolist() == [row]
    found = [searcher.search(query_D, K)[0] for query_D in query_QD]
    assert all(len(set(rows.tolist())) == K for rows in found)
    assert recall(found, [oracle.search(query_D, K)[0] for query_D in query_QD]) >= 0.95


def test_an_item_that_no_link_leads_to_comes_where_everything_is_asked_for(graph: Graph, query_QD: np.ndarray) -> None:
    links = graph.links_NL.copy()
    links[:] = np.where(links == 7, 8, links)
    lonely = replace(graph, links_NL=links)
    hide_I = np.ones(ITEMS, np.uint8)
    hide_I[:300] = 0
    assert 7 in Searcher(lonely, plan=walk).search(query_QD[0], 300, hide_I)[0]


def test_asking_for_more_than_there_is_gives_what_there_is(graph: Graph, query_QD: np.ndarray) -> None:
    assert len(Searcher(graph).search(query_QD[0], 10 * ITEMS)[0]) == ITEMS
    empty = Searcher(without_links(np.zeros((0, DIM), np.float32)))
    assert empty.search(query_QD[0], 5)[0].tolist() == []


def test_many_threads_search_one_graph(graph: Graph, query_QD: np.ndarray) -> None:
    searcher = Searcher(graph, plan=walk)
    alone = [searcher.search(query_D, K)[0].tolist() for query_D in query_QD]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assert list(pool.map(lambda q: searcher.search(q, K)[0].tolist(), query_QD)) == alone


def test_marks_of_seen_nodes_survive_their_wrap(graph: Graph, query_QD: np.ndarray) -> None:
    searcher = Searcher(graph, plan=walk)
    before = searcher.search(query_QD[0], K)[0].tolist()
    searcher._pool[0]._tag = (1 << 16) - 2
    assert all(searcher.search(query_QD[0], K)[0].tolist() == before for _ in range(4))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_query_without_numbers_is_refused(graph: Graph, query_QD: np.ndarray, bad: float) -> None:
    query_D = query_QD[0].copy()
    query_D[3] = bad
    for searcher in (Searcher(graph), Searcher(without_links(graph.vec_RD))):
        with pytest.raises(ValueError, match="not finite"):
            searcher.search(query_D, K)


def test_a_query_or_mask_of_another_shape_is_refused(graph: Graph, query_QD: np.ndarray) -> None:
    with pytest.raises(ValueError, match="another version"):
        Searcher(graph).search(query_QD[0][:-1], K)
    with pytest.raises(ValueError, match="mask is for"):
        Searcher(graph).search(query_QD[0], K, np.zeros(ITEMS - 1, np.uint8))


def test_every_dimension_from_16_to_256_is_served(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for dim in (1, 16, 30, 64, 129, 256):
        vec_ID = unit(np.random.default_rng(dim).normal(size=(600, dim)))
        index = raw_index(vec_ID, Shape())
        index.save_index(str(tmp_path / "g"))
        graph = flat(tmp_path / "g")
        check(graph)
        searcher, oracle = Searcher(graph, ef=300, plan=walk), ExactIndex(vec_ID, version=1)
        found = [searcher.search(q, 10)[0] for q in vec_ID[:50]]
        if dim > 1:  # in one dimension all scores are equal
            assert recall(found, [oracle.search(q, 10)[0] for q in vec_ID[:50]]) >= 0.95
