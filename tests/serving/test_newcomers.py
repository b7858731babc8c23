"""An item that came after the version is found by what was told of it, with the vector that training would give it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from learners.named_learners import make_learner
from serving.build import Rules, make
from serving.build_job import Job
from serving.fold_rules import FoldRules
from serving.generation import Generation
from serving.known import Known
from serving.live import Bundle, Live
from serving.newcomers import LEFT, put_beside, welcome
from serving.scorer import Scorer
from streams.events import Item
from streams.examples import Attributes
from tests.learners.lessons import batch, fact, random_batch

TOLD = Attributes("fresh", 9, categories=("c1",), tags=("t1", "unheard", "t2"), author="a1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generation of a learner that was told of `fresh`."""
    place = tmp_path_factory.mktemp("learner")
    learner = make_learner(labels=("click", "long"), context=("hour",), seed=7)
    for number in range(25):
        learner.learn(random_batch(number))
    learner.learn(batch(fact(TOLD)))
    learner.export(place / "export", version=3)
    job = Job(3, str(place / "export"), str(place / "00000003"))
    assert not make(job, open_export=Scorer.open, rules=Rules()).error
    return place / "00000003"


@pytest.fixture
def bundle(folder: Path) -> Bundle:
    generation = Generation.open(folder)
    return Bundle(3, Scorer.open(generation.export), generation)


def item(item_id: str, **more: object) -> Item:
    told = {"categories": TOLD.categories, "tags": TOLD.tags, "author": TOLD.author} | more
    return Item(f"e-{item_id}", 9, item_id, **told)  # type: ignore[arg-type]


def test_the_vector_of_told_attributes_is_that_of_the_export(bundle: Bundle) -> None:
    row = int(bundle.scorer.rows_of(["fresh"])[0])
    made = bundle.scorer.vectors_of([TOLD])
    assert made is not None
    np.testing.assert_allclose(made[0], bundle.scorer.item_vectors[row], atol=1e-5)


def test_a_new_item_is_found_beside_its_likes_and_never_behind_a_mask(bundle: Bundle) -> None:
    assert put_beside(bundle, ["fresh", "newer", "unsaid"], {"newer": item("newer")}.get) == 1
    assert put_beside(bundle, ["newer"], {"newer": item("newer")}.get) == 0
    assert bundle.new_ids == ["newer"]
    query = bundle.scorer.item_vectors[int(bundle.scorer.rows_of(["fresh"])[0])]
    nobody = np.zeros(bundle.generation.items, np.uint8)
    new = bundle.generation.items
    assert new not in bundle.generation.search(query, 3, nobody)[0]
    assert new in bundle.generation.search(query, 3, nobody, beyond=True)[0]


def test_deleted_items_and_those_beyond_the_room_stay_out(bundle: Bundle) -> None:
    told = {f"n{number}": item(f"n{number}") for number in range(LEFT + 50)}
    assert put_beside(bundle, ["gone"], {"gone": item("gone", deleted=True)}.get) == 0
    assert put_beside(bundle, list(told), told.get) == LEFT
    assert put_beside(bundle, list(told), told.get) == 0


@dataclass
class View:
    latest: tuple[str, ...]


def test_each_bundle_gets_what_it_does_not_know_within_one_view(bundle: Bundle, folder: Path) -> None:
    known, live = Known(partitions=1, rules=FoldRules()), Live()
    turns = welcome(live, known)
    assert next(turns).idle
    live.swap(bundle)
    known.stock.put(item("newer"))
    known.view = View(("newer", "fresh"))  # type: ignore[assignment]
    assert (next(turns).welcomed, next(turns).idle) == (1, True)
    other = Bundle(3, Scorer.open(folder / "serving"), Generation.open(folder))
    live.swap(other)
    assert (next(turns).welcomed, other.new_ids) == (1, ["newer"])
