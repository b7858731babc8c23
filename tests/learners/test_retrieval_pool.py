"""Candidates of retrieval: who is in the pool, and how likely that was."""

from __future__ import annotations

import numpy as np

from learners.retrieval_pool import HOUR, Candidates, Pool, PoolRules

RULES = PoolRules(recent=3, uniform=2, window=HOUR, half_life=HOUR)
PLAIN = PoolRules(recent=0, uniform=0)


def seen(rules: PoolRules, *clicks: tuple[int, list[int]], seed: int = 1) -> Pool:
    """A pool after clicks at hours."""
    pool = Pool(rules, seed=seed)
    for hour, item_N in clicks:
        pool.see(np.array(item_N), at=hour * HOUR)
    return pool


def test_every_positive_is_a_candidate_once() -> None:
    pool = seen(RULES, (1, [0, 1, 2, 3, 4]))
    item_P = np.array([4, 9, 4])
    drawn = pool.draw(item_P, at=HOUR)
    assert drawn.entry_C[drawn.target_P].tolist() == item_P.tolist()
    assert len(set(drawn.entry_C.tolist())) == len(drawn.entry_C)


def test_the_chance_that_is_told_is_how_often_an_item_is_there() -> None:
    often, told, rounds = np.zeros(12), np.zeros(12), 4000
    random, share_E = np.random.default_rng(5), np.array([0.5, 0.3, *[0.02] * 10])
    pool = seen(RULES, (1, [7, 8, 9, 10, 11]), (5, np.repeat(np.arange(12), (1000 * share_E).astype(int)).tolist()))
    pool.see(np.array([7]), at=HOUR)  # a late one does not turn time back
    for number in range(rounds):
        drawn = again(pool, number, random.choice(12, size=4, p=share_E), at=5 * HOUR)
        often[drawn.entry_C] += 1 / rounds
        told[drawn.entry_C] = np.exp(drawn.log_q_C)
    np.testing.assert_allclose(often, told, atol=0.04)


def again(pool: Pool, seed: int, item_P: np.ndarray, at: int) -> Candidates:
    """A draw of a pool with another seed and the same clicks."""
    other = Pool(RULES, seed=seed)
    other.load(pool.dump())
    return other.draw(item_P, at=at)


def test_an_item_of_the_last_hour_is_likelier_than_one_of_the_day_before() -> None:
    pool = seen(RULES, (1, [0] * 50), (25, [1] * 50))
    drawn = pool.draw(np.array([0, 1]), at=25 * HOUR)
    assert drawn.log_q_C[1] > drawn.log_q_C[0]


def test_shares_fade_with_the_half_life() -> None:
    pool = seen(PoolRules(half_life=HOUR), (1, [0] * 64), (3, [1] * 48))
    assert pool.share(np.array([0, 1]), at=3 * HOUR).tolist() == [0.25, 0.75]


def test_an_unseen_item_has_the_share_of_half_a_click() -> None:
    assert seen(PLAIN, (1, [0, 1, 1, 1])).share(np.array([2]), at=HOUR).tolist() == [0.125]


def test_old_items_are_not_among_the_recent_ones() -> None:
    rules = PoolRules(recent=1000, uniform=0, window=HOUR)
    pool = seen(rules, (1, [0, 1, 2]), (9, [3, 4]))
    assert pool.draw(np.array([4]), at=9 * HOUR).entry_C.tolist() == [3, 4]


def test_a_draw_is_a_function_of_the_seed_and_of_what_was_seen() -> None:
    clicks = (1, list(range(100))), (2, list(range(50)))
    one, same, other = seen(RULES, *clicks), seen(RULES, *clicks), seen(RULES, *clicks, seed=2)
    draws = [pool.draw(np.array([3]), at=2 * HOUR).entry_C.tolist() for pool in (one, one, same, other)]
    assert draws[0] == draws[1] == draws[2] != draws[3]


def test_without_correction_all_chances_are_alike() -> None:
    pool = seen(PoolRules(corrected=False), (1, [0, 0, 0, 1]))
    assert not pool.draw(np.array([0, 1]), at=HOUR).log_q_C.any()


def test_an_empty_pool_has_only_the_positives() -> None:
    drawn = Pool(RULES, seed=1).draw(np.array([5, 2]), at=0)
    assert drawn.entry_C.tolist() == [2, 5]
    assert np.isfinite(drawn.log_q_C).all()
