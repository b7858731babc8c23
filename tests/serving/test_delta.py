"""What changed is found exactly where it is now, and nowhere else; searches see a put whole or not at all."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.delta import Delta, FullDelta
from serving.graph import Graph, without_links
from serving.graph_search import Searcher
from serving.hnsw_index import Shape, build
from serving.index import ExactIndex
from tests.serving.plain_export import crowd, drifted

ITEMS, DIM, ROOM = 800, 16, 60


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return build(crowd(ITEMS), Shape(m=8), folder=tmp_path_factory.mktemp("graph"))


def searcher_over(graph: Graph, room: int = ROOM) -> Searcher:
    """One that walks, however few there are."""
    searcher = Searcher(graph, ef=120, plan=lambda _nodes, _links, ef, share: ef if share > 0.3 else 0)
    searcher.delta = Delta(graph, room=room)
    return searcher


PUTS = st.lists(st.lists(st.integers(0, ITEMS + 20), min_size=1, max_size=12), min_size=1, max_size=25)


@settings(max_examples=20, deadline=None)
@given(puts=PUTS, seed=st.integers(0, 1_000), hidden=st.sampled_from([0.0, 0.3, 0.95]))
def test_any_puts_leave_each_item_where_it_was_put_last(
    graph: Graph, puts: list[list[int]], seed: int, hidden: float
) -> None:
    searcher, random = searcher_over(graph, room=400), np.random.default_rng(seed)
    now = {row: graph.vec_RD[np.flatnonzero(graph.labels_R == row)[0]] for row in range(ITEMS)}
    for labels in puts:
        vec = drifted(crowd(len(labels), seed=seed), 0.5, seed=seed)
        searcher.delta.put(np.array(labels), vec)
        now |= dict(zip(labels, vec, strict=True))
    hide = (random.random(ITEMS + 21) < hidden).astype(np.uint8)
    shown = [label for label in now if not hide[label]]
    query = now[puts[-1][-1]]
    for found in (searcher.search, searcher.exact):
        rows, scores = found(query, 20, hide)
        assert len(rows) == min(20, len(shown)) == len(set(rows.tolist()))
        np.testing.assert_allclose(scores, [now[row] @ query for row in rows.tolist()], atol=2e-6)
        assert not hide[rows].any()
    best = sorted((float(now[label] @ query) for label in shown), reverse=True)[:20]
    np.testing.assert_allclose(searcher.exact(query, 20, hide)[1], best, atol=2e-6)
    for label in {label for labels in puts for label in labels if not hide[label]}:
        assert searcher.search(now[label], 1, hide)[1][0] >= 1 - 1e-5


def test_a_mask_that_does_not_reach_a_new_item_hides_it_unless_the_asker_looks_beyond(graph: Graph) -> None:
    searcher, nobody = searcher_over(graph), np.zeros(ITEMS, np.uint8)
    new = drifted(crowd(1, seed=8), 0.1)
    searcher.delta.put(np.array([ITEMS]), new)
    assert searcher.search(new[0], 1)[0].tolist() == [ITEMS]
    assert ITEMS not in searcher.search(new[0], 5, nobody)[0]
    assert searcher.search(new[0], 1, nobody, beyond=True)[0].tolist() == [ITEMS]
    assert searcher.search(new[0], ITEMS + 9, nobody, beyond=True)[0].size == ITEMS + 1
    assert ITEMS not in searcher.search(new[0], 5, np.append(nobody, np.uint8(1)), beyond=True)[0]


def test_a_full_delta_refuses_and_stays_as_it_was(graph: Graph) -> None:
    searcher = searcher_over(graph)
    searcher.delta.put(np.arange(ROOM), crowd(ROOM, seed=9))
    before = searcher.delta.now
    with pytest.raises(FullDelta, match=f"room for {ROOM}"):
        searcher.delta.put(np.array([ROOM]), crowd(1))
    assert searcher.delta.now is before
    searcher.delta.put(np.arange(10), crowd(10, seed=4))  # items that stand in it already need no more room
    assert (searcher.delta.now.rows, searcher.delta.now.moved) == (ROOM, ROOM)


@pytest.mark.parametrize(
    ("labels", "vec"),
    [([ITEMS + ROOM], crowd(1)), ([-1], crowd(1)), ([1, 2], crowd(1)), ([1], crowd(1, 8)), ([1], 2 * crowd(1))],
)
def test_rows_that_can_not_be_searched_are_refused(graph: Graph, labels: list[int], vec: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"labels|wide|length 1"):
        searcher_over(graph).delta.put(np.array(labels), vec)


def test_a_vector_that_is_no_number_is_refused(graph: Graph) -> None:
    vec = crowd(1)
    vec[0, 3] = np.nan
    with pytest.raises(ValueError, match="length 1"):
        searcher_over(graph).delta.put(np.array([1]), vec)


def test_a_search_sees_a_put_whole_or_not_at_all(graph: Graph) -> None:
    """Two items always move together, between two places; no answer has one of them here and the other there, none
    twice, and none is missed."""
    searcher, pair = searcher_over(graph), np.array([3, ITEMS])
    one = np.repeat(drifted(crowd(1, seed=31), 0.2), 2, axis=0)
    two = np.repeat(drifted(-one[:1], 0.2), 2, axis=0)
    searcher.delta.put(pair, one)
    over, wrong = threading.Event(), []

    def read() -> None:
        while not over.is_set():
            for place in (one[0], two[0]):
                rows, scores = searcher.search(place, 30)
                at = {row: score for row, score in zip(rows.tolist(), scores.tolist(), strict=True) if row in pair}
                if len(set(rows.tolist())) != 30 or len(at) == 1 or (at and abs(at[3] - at[ITEMS]) > 1e-5):
                    wrong.append(at)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(3_000):
        searcher.delta.put(pair, (one, two)[number % 2])
    over.set()
    for thread in threads:
        thread.join()
    assert wrong == []


@settings(max_examples=12, deadline=None)
@given(dim=st.integers(16, 256), seed=st.integers(0, 99))
def test_every_dimension_is_searched_as_numpy_does(
    tmp_path_factory: pytest.TempPathFactory, dim: int, seed: int
) -> None:
    vec_ID = crowd(500, dim, seed=seed)
    linked = build(vec_ID, Shape(m=12), folder=tmp_path_factory.mktemp("graph"))
    moved = np.array([7, 400, 500])
    now = np.concatenate([vec_ID, crowd(1, dim, seed=seed + 1)])
    now[moved] = crowd(3, dim, seed=seed + 2)
    oracle = ExactIndex(now, version=1)
    for graph in (linked, without_links(vec_ID)):
        searcher = Searcher(graph, ef=250, plan=lambda nodes, _links, ef, _share: ef if nodes else 0)
        searcher.delta.put(moved, now[moved])
        for query in drifted(now[::60], 0.3):
            wanted, scores = oracle.search(query, 20)
            np.testing.assert_allclose(searcher.exact(query, 20)[1], scores, atol=3e-6)
            assert len(np.intersect1d(searcher.search(query, 20)[0], wanted)) >= 18
