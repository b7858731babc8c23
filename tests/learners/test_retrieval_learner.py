"""Session towers in worlds where what comes next is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from learners.learner import Ints
from learners.retrieval_learner import Clicks, SessionTowers, TowerRules
from learners.retrieval_pool import PoolRules

RULES = TowerRules(dim=16, pool=PoolRules(recent=64, uniform=16))
ITEMS, MINUTE = 40, 60_000


def ring(step: int, *, size: int = 64, items: int = ITEMS) -> Clicks:
    """A batch in which the next item is the one after the last, on a ring."""
    random = np.random.default_rng(step)
    last_B = random.integers(items, size=size)
    before_BL = np.stack([last_B, (last_B - 1) % items, np.where(random.random(size) < 0.5, -1, last_B)], axis=1)
    return Clicks(before_BL, random.integers(4, size=(size, 1)), (last_B + 1) % items, step * MINUTE)


def taught(rules: TowerRules, steps: range, towers: SessionTowers | None = None) -> SessionTowers:
    towers = towers or SessionTowers(rules, seed=1)
    for step in steps:
        towers.learn(ring(step))
        towers.see(ring(step).item_B, at=step * MINUTE)
    return towers


def nearest(towers: SessionTowers, clicks: Clicks) -> Ints:
    best_B: Ints = (towers.embed_users(clicks) @ towers.embed_items().T).argmax(axis=1)
    return best_B


def test_what_follows_on_an_item_is_found() -> None:
    towers, clicks = taught(RULES, range(150)), ring(1000)
    assert (nearest(towers, clicks) == clicks.item_B).mean() > 0.95


def test_rows_of_their_own_learn_an_order_in_fewer_steps() -> None:
    clicks = ring(1000)
    own, shared = (taught(replace(RULES, own_rows=own), range(50)) for own in (True, False))
    assert (nearest(own, clicks) == clicks.item_B).mean() > (nearest(shared, clicks) == clicks.item_B).mean() + 0.2


def test_a_new_item_is_found_after_a_few_clicks() -> None:
    towers, after = taught(RULES, range(150)), ring(1000)
    to_new = replace(after, item_B=np.where(after.before_BL[:, 0] < 4, ITEMS, after.item_B))
    wanted_B = to_new.item_B == ITEMS
    for step in range(150, 160):
        towers.learn(replace(to_new, at=step * MINUTE))
        towers.see(to_new.item_B, at=step * MINUTE)
    assert 0 < wanted_B.sum() < 10
    assert (nearest(towers, to_new)[wanted_B] == ITEMS).all()


@pytest.mark.parametrize("corrected", [True, False])
def test_only_corrected_scores_know_what_is_popular(corrected: bool) -> None:
    random, share_E = np.random.default_rng(2), 0.5 ** np.arange(1, 9)
    rules = replace(RULES, pool=PoolRules(recent=0, uniform=0, corrected=corrected))
    towers = SessionTowers(rules, seed=1)
    for step in range(400):
        item_B = random.choice(8, size=8, p=share_E / share_E.sum())
        towers.learn(Clicks(np.full((8, 3), -1), np.zeros((8, 1), np.int64), item_B, step * MINUTE))
        towers.see(item_B, at=step * MINUTE)
    nobody = Clicks(np.full((1, 3), -1), np.zeros((1, 1), np.int64), np.zeros(1, np.int64), 0)
    score_E = rules.temperature**-1 * (towers.embed_users(nobody) @ towers.embed_items().T)[0]
    slope = np.polyfit(np.log(share_E), score_E, 1)[0]
    assert (0.8 < slope < 1.25) if corrected else (slope < 0.4)


def test_an_interrupted_learner_is_the_same_to_the_bit(tmp_path: Path) -> None:
    for rules in (RULES, replace(RULES, own_rows=False)):
        whole = taught(rules, range(20))
        taught(rules, range(11)).snapshot(tmp_path)
        resumed = SessionTowers(rules, seed=1)
        resumed.restore(tmp_path)
        assert taught(rules, range(11, 20), resumed).digest() == whole.digest()


def test_reading_changes_nothing() -> None:
    towers = taught(RULES, range(5))
    before, unknown = towers.digest(), ring(7, items=90)
    user_BD = towers.embed_users(replace(unknown, about_BA=unknown.about_BA + 50))
    towers.embed_items()
    assert towers.digest() == before
    assert np.isfinite(user_BD).all()


def test_all_vectors_are_of_length_one_after_learning() -> None:
    towers = taught(RULES, range(60))
    for unit in (towers.embed_items(), towers.embed_users(ring(99))):
        np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-5)
    assert np.linalg.norm(towers.wanted.read(np.arange(ITEMS)), axis=1).max() < 1 + 1e-5


def test_a_batch_of_nothing_is_learned_as_nothing() -> None:
    towers = taught(RULES, range(3))
    before, empty = towers.digest(), np.zeros(0, np.int64)
    learned = towers.learn(Clicks(np.zeros((0, 3), np.int64), np.zeros((0, 1), np.int64), empty, 5))
    assert (learned.rows, learned.finite) == (0, True)
    assert towers.digest() == before


def test_what_is_not_finite_is_refused_and_changes_no_weight() -> None:
    towers = taught(RULES, range(5))
    towers.about.table.weight[0] = float("nan")
    before = towers.wanted.both, towers.before.both
    assert not towers.learn(ring(6)).finite
    np.testing.assert_array_equal(towers.wanted.both, before[0])
    np.testing.assert_array_equal(towers.before.both, before[1])
    assert towers.steps == 5
