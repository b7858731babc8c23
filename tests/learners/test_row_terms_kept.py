"""Terms of rows over restarts, refused batches, other features and other terms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from learners.fields import Declared
from tests.learners.lessons import forget, lesson, random_batch
from tests.learners.row_lives import NAMES, TERMS, USER, at, at_random, fresh, row_of


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_learner_goes_on_with_what_waits_and_what_is_to_go(name: str, tmp_path: Path) -> None:
    whole, first, second = (fresh(TERMS, name) for _ in range(3))
    for number in range(12):
        whole.learn(at_random(number))
        if number < 6:
            first.learn(at_random(number))
        if number == 4:
            first.export(tmp_path / "version", version=1)  # nothing that was learned changes by it
    first.snapshot(tmp_path / "kept")
    second.restore(tmp_path / "kept")
    assert second.digest() == first.digest()
    for number in range(6, 12):
        second.learn(at_random(number))
    assert second.digest() == whole.digest()
    assert len(whole._rows) > whole._rows.alive + 7


def test_scoring_and_a_refused_batch_change_nothing() -> None:
    learner = fresh(TERMS)
    for number in range(6):
        learner.learn(at_random(number))
    before = learner.digest()
    learner.score(at_random(6))
    assert learner.digest() == before
    assert not learner.learn(at(900, *random_batch(7).examples, lesson("new", weight=float("nan")))).finite
    assert learner.digest() == before


def test_both_models_keep_the_same_rows(tmp_path: Path) -> None:
    one, other = (fresh(TERMS, name) for name in NAMES)
    for number in range(10):
        one.learn(at_random(number))
        other.learn(at_random(number))
    for name, array in one._rows.dump().items():
        assert np.array_equal(array, other._rows.dump()[name]), name


def test_a_forgotten_user_is_not_counted_on_and_told_as_gone_nowhere() -> None:
    learner = fresh({"spaces": {"user": {"admit": 3, "ttl": 100}}})
    learner.learn(at(10, lesson("4711"), lesson("4711", 1), *(lesson("4712", item) for item in range(3))))
    learner.learn(at(200, lesson("5")))
    assert row_of(learner, USER, "4712") == -1
    learner.learn(at(210, forget("4711"), forget("4712")))
    numbers = [number for array in learner._rows.dump().values() for number in array.ravel().tolist()]
    assert 4711 not in numbers
    assert 4712 not in numbers
    learner.learn(at(220, lesson("4711")))
    assert row_of(learner, USER, "4711") == -1


def test_what_waits_and_what_goes_is_carried_over_to_other_features() -> None:
    brand = {"brand": Declared("category", "item.attributes.brand")}
    before, after = fresh(TERMS), fresh(TERMS, features=brand)
    for number in range(6):
        before.learn(at_random(number))
    after.carry(before)
    assert after._rows.alive == before._rows.alive
    assert after._rows.admission.waiting == before._rows.admission.waiting
    for number in range(6, 9):
        before.learn(at_random(number))
        after.learn(at_random(number))
    assert after._rows.admission.waiting == before._rows.admission.waiting


def test_other_terms_are_another_learner(tmp_path: Path) -> None:
    learner = fresh({"ttl": 100})
    learner.learn(random_batch(1))
    learner.snapshot(tmp_path)
    with pytest.raises(ValueError, match="settings changed"):
        fresh().restore(tmp_path)
    with pytest.raises(ValueError, match="terms of rows"):
        fresh().carry(learner)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"spaces": {"usr": {}}}, "rows.spaces.usr: there is no such space"),
        ({"spaces": {"user": {"cap": 3}}}, "rows.spaces.user.cap is no term"),
        ({"life": 3}, "rows.life is no term"),
        ({"admit": 0}, "count is at least 1"),
    ],
)
def test_terms_that_can_not_be_meant_are_refused(terms: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fresh(terms)
