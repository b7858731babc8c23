"""Neighbours of an item, remembered: for each asker the same as if the index had been asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from serving import neighbours
from serving.build import Rules, make
from serving.build_job import Job
from serving.generation import Generation
from serving.generation_files import folder_of
from serving.neighbours import KEPT, Neighbours
from tests.serving.plain_export import PlainScorer, crowd, names, write_export

ITEMS = 400
"""So few that every search is exact."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("neighbours")
    write_export(place / "export", 7, names(ITEMS), crowd(ITEMS))
    job = Job(7, str(place / "export"), str(folder_of(place, 7)), parent=6)
    make(job, open_export=PlainScorer.open, rules=Rules(links_from=ITEMS + 1))
    return folder_of(place, 7)


@pytest.fixture
def generation(folder: Path) -> Generation:
    return Generation.open(folder)


def of(generation: Generation) -> Neighbours:
    return Neighbours(generation, generation.searcher.graph.vec_RD)


@pytest.mark.parametrize("count", [0, 1, 30, KEPT, KEPT + 50])
def test_each_asker_gets_what_a_search_under_their_mask_gives(generation: Generation, count: int) -> None:
    near, random = of(generation), np.random.default_rng(1)
    for hidden in (0.0, 0.05, 0.9):
        hide_N = (random.random(ITEMS) < hidden).astype(np.uint8)
        for mask_N in (None, hide_N):
            for row in (3, 3, 17):
                wanted_K, _ = generation.search(generation.searcher.graph.vec_RD[row], count, mask_N)
                np.testing.assert_array_equal(near.of(row, count, mask_N), wanted_K)


def test_an_item_that_came_since_is_a_neighbour_at_once(generation: Generation) -> None:
    near, vector_D = of(generation), generation.searcher.graph.vec_RD[3]
    hide_N = np.zeros(ITEMS, np.uint8)
    near.of(3, 5, hide_N)
    generation.searcher.delta.put(np.array([ITEMS]), vector_D[None])
    assert ITEMS in near.of(3, 5, hide_N)
    assert ITEMS in near.of(3, 5, None)
    assert ITEMS not in near.of(3, 5, np.append(hide_N, np.uint8(1)))
    generation.searcher.delta.put(np.array([ITEMS]), -vector_D[None])
    assert ITEMS not in near.of(3, 5, None)


def test_only_so_many_items_are_remembered(generation: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "MOST", 2)
    near, searched = of(generation), len(generation.asked)
    for row in (1, 2, 2, 3, 1):
        near.of(row, 5, None)
    assert len(generation.asked) - searched == 4
