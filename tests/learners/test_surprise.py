"""A world that moved is noticed, one that did not is not, and rows that were deaf learn again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.keeping import kept
from learners.learner import Floats
from learners.models.columns import ColumnRules, ColumnShape
from learners.surprise import REST, Surprise

BATCH = 250


def batches(count: int, *, wrong: float = 0.0, seed: int = 1) -> list[tuple[Floats, Floats]]:
    """Predictions, and what happened by them; a share of it turned round."""
    random, told = np.random.default_rng(seed), []
    for _ in range(count):
        p_B1 = random.beta(1, 8, (BATCH, 1)).astype(np.float32)
        y_B1 = random.random((BATCH, 1)) < p_B1
        told.append((p_B1, (y_B1 ^ (random.random((BATCH, 1)) < wrong)).astype(np.float32)))
    return told


def surprises(surprise: Surprise, told: list[tuple[Floats, Floats]]) -> list[int]:
    return [n for n, (p, y) in enumerate(told) if surprise.at(p, y, np.ones_like(y))]


def test_true_predictions_never_surprise() -> None:
    assert surprises(Surprise(1), batches(4_000)) == []


def test_a_moved_world_surprises_within_a_few_batches_and_then_not_for_a_while() -> None:
    surprise = Surprise(1)
    surprises(surprise, batches(200))
    moved = surprises(surprise, batches(2 * REST // BATCH, wrong=0.2, seed=2))
    assert moved[0] < 5
    assert len(moved) == 2
    assert moved[1] >= REST // BATCH


def test_a_limit_of_nothing_is_none() -> None:
    assert surprises(Surprise(1, limit=0.0), batches(200, wrong=0.5)) == []


def deafness(limit: float, folder: Path) -> tuple[float, float]:
    """The largest accumulator of a learner before and after the batch in which two ids have changed places."""
    learner = ColumnLearner(ColumnShape(fields=1, hidden=(4,)), ColumnRules(surprise=limit))
    random, found = np.random.default_rng(3), []
    for n in range(201):
        if n >= 199:
            learner.snapshot(folder)
            found.append(float(kept(folder)[0]["state"].max()))
        key_B1 = random.integers(0, 2, (BATCH, 1))
        chance_B1 = np.where(key_B1 == (n >= 200), 0.9, 0.1)
        learner.learn(Columns(key_B1, (random.random((BATCH, 1)) < chance_B1).astype(np.float32)))
    learner.snapshot(folder)
    return found[-1], float(kept(folder)[0]["state"].max())


def test_a_learner_that_is_surprised_lets_its_rows_learn_as_new_ones(tmp_path: Path) -> None:
    before, after = deafness(12.0, tmp_path)
    assert before > 100
    assert after == 1.0
    before, after = deafness(0.0, tmp_path)
    assert after > before
