"""The learner as a fold: equal batches give equal bytes, refused ones give nothing, forgotten users leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learners.named_learners import make_learner
from streams.examples import Attributes, Past
from tests.learners.lessons import batch, fact, forget, lesson, random_batch
from tests.learners.taught import fresh, taught

NAN, INF = float("nan"), float("inf")


def test_two_runs_have_one_digest() -> None:
    assert taught(1, 2, 3).digest() == taught(1, 2, 3).digest()
    assert taught(1, 2, 3).digest() != taught(1, 3, 2).digest()


def test_a_restored_learner_learns_on_as_if_it_never_stopped(tmp_path: Path) -> None:
    whole, first, second = taught(*range(6)), taught(*range(3)), fresh()
    first.snapshot(tmp_path)
    second.restore(tmp_path)
    assert second.digest() == first.digest()
    for number in range(3, 6):
        made = random_batch(number)
        second.score(made)
        second.learn(made)
    assert second.digest() == whole.digest()
    assert second.rows_learned == whole.rows_learned


def test_a_learner_of_other_labels_is_refused(tmp_path: Path) -> None:
    taught(1).snapshot(tmp_path)
    with pytest.raises(ValueError, match="settings changed"):
        make_learner(labels=("click",), context=("hour",), seed=7).restore(tmp_path)


def test_scoring_changes_nothing() -> None:
    learner = taught(1, 2)
    before = learner.digest()
    made = batch(lesson("a stranger", 3, history=(Past("an unknown item", "click", 4),), context={"hour": 99.0}))
    learner.score(made)
    assert learner.digest() == before
    assert learner.learn(made).finite
    assert learner.digest() != before


def test_learning_scores_first_where_nobody_did() -> None:
    one, other = taught(1), taught(1)
    made = random_batch(2)
    one.score(made)
    assert one.learn(made) == other.learn(made)
    assert one.digest() == other.digest()


REFUSED = {
    "a label": lesson("new", labels={"click": NAN}),
    "an infinite label": lesson("new", labels={"click": INF, "long": 1.0}),
    "a weight": lesson("new", weight=NAN),
    "an infinite weight": lesson("new", weight=INF),
    "a context value": lesson("new", context={"hour": NAN}),
    "an infinite context value": lesson("new", context={"hour": -INF}),
    "a weight that overflows the loss": lesson("new", weight=3e38, labels={"click": 1.0, "long": 0.0}),
    "a value beyond float32": lesson("new", labels={"click": 1e300}),
}


@pytest.mark.parametrize("bad", REFUSED.values(), ids=REFUSED.keys())
def test_a_batch_that_is_not_finite_changes_nothing_bit_for_bit(bad: Any) -> None:
    learner = taught(1, 2)
    before = learner.digest()
    with np.errstate(over="ignore"):
        made = batch(*random_batch(3).examples, bad, lesson("another new one", 29))
        learner.score(made)
        learned = learner.learn(made)
    assert not learned.finite
    assert learned.rows == 0
    assert learner.digest() == before
    after, clean = random_batch(4), taught(1, 2)
    assert learner.learn(after) == clean.learn(after)
    assert learner.digest() == clean.digest()


def test_the_facts_of_a_refused_batch_hold() -> None:
    learner, told = taught(1), Attributes("brand new", 50, tags=("t1",))
    learner.learn(batch(fact(told), lesson(weight=NAN)))
    other = taught(1)
    other.learn(batch(fact(told)))
    assert learner.digest() == other.digest()


def test_a_forgotten_user_leaves_no_trace_of_the_name_and_reads_as_a_stranger() -> None:
    learner = fresh()
    for number in range(4):
        learner.learn(batch(*[lesson("ana maria", i, labels={"click": 1.0}) for i in range(8)], lesson("bob", number)))
    learner.learn(batch(forget("ana maria")))
    state = str(learner._state())  # type: ignore[attr-defined]
    assert "ana maria" not in state
    assert "bob" in state
    ana, stranger = (batch(lesson(user, 2, labels={"click": 0.0})) for user in ("ana maria", "never seen"))
    assert np.array_equal(learner.score(ana).probability_BL, learner.score(stranger).probability_BL)
    assert learner.learn(batch(forget("nobody"))).finite


def test_forgetting_survives_a_restart(tmp_path: Path) -> None:
    learner, other = taught(1, 2), fresh()
    learner.learn(batch(forget("user4"), forget("3")))
    learner.snapshot(tmp_path)
    other.restore(tmp_path)
    made = random_batch(5)
    learner.learn(made)
    other.learn(made)
    assert learner.digest() == other.digest()


def test_an_empty_batch_is_learned_at_once() -> None:
    learner = taught(1)
    before = learner.digest()
    assert learner.score(batch()).probability_BL.shape == (0, 2)
    assert learner.learn(batch()).finite
    assert learner.digest() == before


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match="two_tower_deepfm"):
        make_learner("oracle", labels=("click",))


def test_a_score_does_not_depend_on_the_company_of_its_row() -> None:
    learner = taught(1, 2, 3)
    together = random_batch(9)
    scores = learner.score(together).probability_BL
    for at in range(0, len(together.examples), 7):
        alone = learner.score(batch(together.examples[at])).probability_BL
        np.testing.assert_allclose(alone[0], scores[at], atol=1e-6)
