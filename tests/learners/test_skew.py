"""What a slate says of its features is compared with what learning reads: nothing differs where nothing went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from learners.ordering import Batch, Example
from learners.skew import FLAG, Skew
from serving.scorer import Asker, Scorer
from streams.examples import Past
from tests.learners.declared import rich_batch, rich_learner
from tests.learners.lessons import batch


@pytest.fixture
def learner() -> Any:
    made = rich_learner()
    for number in range(6):
        made.learn(rich_batch(number))
    return made


def scorer_of(learner: Any, folder: Path) -> Scorer:
    learner.export(folder, version=1)
    return Scorer.open(folder)


def marked(made: Batch, scorer: Scorer) -> Batch:
    """The same batch after its slates said what they were made from, as the joiner hands it on."""
    first = {id(example.shot): example.row.item_id for example in made.examples if example.row.position == 0}
    shots = {id(example.shot): example.shot for example in made.examples}
    told = {}
    for name, shot in shots.items():
        assert shot is not None
        asker = Asker(
            shot.user_id, shot.history, shot.surface, dict(shot.context), shot.ts, shot.query_item_id, shot.query_text
        )
        context = shot.context | scorer.marks(asker, first.get(name, ""))
        told[name] = msgspec.structs.replace(shot, context=context)
    return batch(*[Example(e.row, told[id(e.shot)], e.attributes, 0) for e in made.examples])


def test_what_is_joined_as_it_was_served_differs_nowhere(learner: Any, tmp_path: Path) -> None:
    made = marked(rich_batch(50), scorer_of(learner, tmp_path))
    learner.learn(made)
    report = learner.skew.report()
    assert report.keys() >= {"user", "history", "basket", "asked_for", "interests", "counters.item", "counters.user"}
    assert {name for name, gap in report.items() if gap["differing"]} == set()
    assert report["basket"]["compared"] > 10


def test_marks_change_no_score_and_no_weight(learner: Any, tmp_path: Path) -> None:
    other = rich_learner()
    learner.snapshot(tmp_path / "kept")
    other.restore(tmp_path / "kept")
    plain, scorer = rich_batch(50), scorer_of(learner, tmp_path)
    told = marked(plain, scorer)
    assert np.array_equal(learner.score(told).probability_BL, other.score(plain).probability_BL)
    learner.learn(told)
    other.learn(plain)
    assert learner.digest() == other.digest()


def test_a_history_that_serving_did_not_know_shows_and_nothing_else_does(learner: Any, tmp_path: Path) -> None:
    made = marked(rich_batch(50), scorer_of(learner, tmp_path))
    late = Past("item1", "dwell", 8)
    examples = [
        Example(e.row, msgspec.structs.replace(e.shot, history=(*e.shot.history, late)), e.attributes, 0)
        for e in made.examples
        if e.shot is not None
    ]
    learner.learn(batch(*examples))
    differing = {name: gap["differing"] for name, gap in learner.skew.report().items() if gap["differing"]}
    assert differing == {"history": 1.0, "history_tags": 1.0}


def test_counters_that_moved_since_the_version_show_by_how_much(learner: Any, tmp_path: Path) -> None:
    made = marked(rich_batch(50), scorer_of(learner, tmp_path))
    for number in range(20, 26):
        learner.learn(rich_batch(number))
    learner.learn(made)
    gap = learner.skew.report()["counters.item"]
    assert gap["differing"] > 0.5
    assert 0.01 < gap["mean_gap"] < 4


def test_each_slate_is_compared_once_and_only_where_it_has_marks(learner: Any, tmp_path: Path) -> None:
    made, scorer = rich_batch(50), scorer_of(learner, tmp_path)
    learner.learn(made)
    assert learner.skew.report() == {}
    told = marked(made, scorer)
    slates = {id(e.shot) for e in told.examples if e.row.position == 0}
    learner.learn(told)
    assert learner.skew.report()["history"]["compared"] == len(slates)


def test_a_mark_that_is_a_text_differs_and_spoils_no_mean() -> None:
    skew = Skew()
    skew.see("price", "much", 2.0, number=True)
    assert skew.report() == {"price": {"compared": 1, "differing": 1.0, "mean_gap": 0.0}}
    skew.mark()
    assert skew.report() == {}


def test_marks_are_numbers_and_name_nobody(learner: Any, tmp_path: Path) -> None:
    marks = scorer_of(learner, tmp_path).marks(Asker("ana maria", (), "home", {}, 9), "item1")
    assert FLAG in marks
    assert all(isinstance(value, float) for value in marks.values())
