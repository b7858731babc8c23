"""The learner as a fold: equal batches give equal bytes, refused ones give nothing, forgotten users leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from learners.drawing import NEGATIVES, drawn_alive
from learners.learner import Learner
from learners.named_learners import make_learner
from streams.examples import Attributes, Past
from tests.learners.lessons import ITEMS, batch, fact, forget, lesson, random_batch

NAN, INF = float("nan"), float("inf")


def fresh(**told: Any) -> Learner:
    return make_learner(labels=("click", "long"), context=("hour",), seed=7, **told)


def taught(*numbers: int) -> Learner:
    learner = fresh()
    for number in numbers:
        made = random_batch(number)
        learner.score(made)
        assert learner.learn(made).finite
    return learner


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


def test_a_prediction_does_not_know_its_own_outcome() -> None:
    learner = taught(1, 2)
    chosen, missed = (batch(lesson(labels={"click": y})) for y in (1.0, 0.0))
    assert np.array_equal(learner.score(chosen).probability_BL, learner.score(missed).probability_BL)


def test_facts_and_organic_visits_decide_nothing() -> None:
    scores = fresh().score(
        batch(fact(ITEMS[0]), lesson(kind="organic"), lesson(labels={"click": 1.0}), lesson(labels={"other": 1.0}))
    )
    assert scores.decided_BL.tolist() == [[False, False], [False, False], [True, False], [False, False]]
    assert scores.probability_BL.dtype == np.float32


def test_an_organic_visit_teaches_retrieval_and_not_the_ranker() -> None:
    learner, other = taught(1, 2), taught(1, 2)
    seen = batch(lesson("user2", 3, kind="organic", labels={"click": 1.0}))
    asked = batch(*[lesson("user2", i, labels={"click": 0.0}) for i in range(10)])
    learner.learn(seen)
    assert learner.rows_learned == other.rows_learned + 1
    assert np.array_equal(learner.score(asked).probability_BL, other.score(asked).probability_BL)
    assert learner.digest() != other.digest()


def test_a_correction_is_a_positive_that_is_no_view() -> None:
    learner = taught(1, 2)
    views = learner._memory.counters.total_C.copy()  # type: ignore[attr-defined]
    learner.learn(batch(lesson("user2", 3, kind="correction", labels={"click": 1.0}, first=False)))
    assert (learner._memory.counters.total_C - views).tolist() == [0, 1, 0]  # type: ignore[attr-defined]


def test_any_value_above_0_is_a_yes_to_a_model_of_yes_and_no() -> None:
    one, other = taught(1, 2), taught(1, 2)
    for value, learner in ((1.0, one), (184.5, other)):
        learner.learn(batch(lesson("user2", 3, labels={"click": 0.0, "long": value}), lesson(labels={"long": 0.0})))
    assert one.digest() == other.digest()
    parts = [taught(1, 2) for _ in range(2)]
    for value, learner in zip((1.0, 0.2), parts, strict=True):
        learner.learn(batch(lesson("user2", 3, labels={"long": value})))
    assert parts[0].digest() == parts[1].digest()


def test_a_newer_value_of_a_yes_teaches_and_counts_nothing() -> None:
    learner, other = taught(1, 2), taught(1, 2)
    newer = lesson("user2", 3, kind="correction", labels={"long": 9.0}, first=False, weight=0.0)
    row = lesson("user4", 5)
    learner.learn(batch(newer, row))
    other.learn(batch(row))
    assert learner.digest() == other.digest()


def test_what_says_no_at_once_and_is_corrected_later_is_ranked_right_and_believed_too_low() -> None:
    """Each yes was learned as a no before, so a rate of p is believed to be p / (1 + p)."""
    learner, random = make_learner(labels=("click",), seed=7), np.random.default_rng(3)
    late: list[tuple[str, int]] = []
    rates = {0: 0.5, 1: 0.1}
    for _ in range(60):
        shown = [int(item) for item in random.integers(2, size=60)]
        users = [f"u{user}" for user in random.integers(30, size=60)]
        noes = [lesson(user, item, labels={"click": 0.0}) for user, item in zip(users, shown, strict=True)]
        yes = [pair for pair in zip(users, shown, strict=True) if random.random() < rates[pair[1]]]
        told = [lesson(u, i, labels={"click": 1.0}, kind="correction", first=False) for u, i in late]
        learner.learn(batch(*noes, *told))
        late = yes
    asked = [lesson(f"u{user}", item) for user in range(30) for item in rates]
    high, low = learner.score(batch(*asked)).probability_BL[:, 0].reshape(30, 2).mean(axis=0)
    assert high > 2 * low
    assert 0.25 < high < 0.42
    assert 0.04 < low < 0.16


def test_a_row_of_weight_0_is_counted_but_not_learned() -> None:
    learner = taught(1, 2)
    before = learner._model.dump()  # type: ignore[attr-defined]
    learner.learn(batch(lesson("user2", 3, weight=0.0)))
    after = learner._model.dump()  # type: ignore[attr-defined]
    assert all(np.array_equal(before[name], after[name]) for name in before if not name.startswith("ids"))
    assert learner.rows_learned == taught(1, 2).rows_learned + 1


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


def test_the_newest_attributes_of_an_item_hold_whatever_their_order() -> None:
    old, new = Attributes("item1", 5, tags=("old",)), Attributes("item1", 6, tags=("new",))
    one, other = fresh(), fresh()
    for learner, facts in ((one, (old, new)), (other, (new, old))):
        for told in facts:
            learner.learn(batch(fact(told)))
        assert learner._memory.catalogue.known[0].tags == ("new",)  # type: ignore[attr-defined]


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


def test_attributes_that_come_with_a_lesson_are_taken_where_they_are_newer() -> None:
    learner = taught(1)
    catalogue = learner._memory.catalogue  # type: ignore[attr-defined]
    entry = catalogue.entry("item1")
    for ts, tags, holds in ((50, ("new",), ("new",)), (40, ("late",), ("new",)), (60, ("newest",), ("newest",))):
        told = lesson("user2", 1)
        learner.learn(batch(structs.replace(told, attributes=Attributes("item1", ts, tags=tags))))
        assert catalogue.known[entry].tags == holds


def test_negatives_are_drawn_evenly_from_what_is_alive() -> None:
    alive = np.ones(40, np.bool_)
    alive[::2] = False
    drawn = [entry for seed in range(100) for entry in drawn_alive(np.random.default_rng(seed), alive)]
    count = np.bincount(drawn, minlength=40)
    assert len(drawn) == 100 * NEGATIVES
    assert not count[::2].any()
    assert count[1::2].min() > 0.8 * 100 * NEGATIVES / 20
    assert drawn_alive(np.random.default_rng(1), np.zeros(5, np.bool_)) == []
    assert drawn_alive(np.random.default_rng(1), alive[:0]) == []
