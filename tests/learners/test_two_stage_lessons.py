"""What a row teaches: visits, corrections, newer values, weights of 0, and what is drawn against it."""

from __future__ import annotations

import numpy as np
from msgspec import structs

from learners.drawing import NEGATIVES, drawn_alive
from learners.named_learners import make_learner
from streams.examples import Attributes
from tests.learners.lessons import ITEMS, batch, fact, lesson
from tests.learners.taught import fresh, taught


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


def test_the_newest_attributes_of_an_item_hold_whatever_their_order() -> None:
    old, new = Attributes("item1", 5, tags=("old",)), Attributes("item1", 6, tags=("new",))
    one, other = fresh(), fresh()
    for learner, facts in ((one, (old, new)), (other, (new, old))):
        for told in facts:
            learner.learn(batch(fact(told)))
        assert learner._memory.catalogue.known[0].tags == ("new",)  # type: ignore[attr-defined]


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
