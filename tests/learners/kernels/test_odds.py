"""Odds of rows and pairs against the formula in numpy."""

from __future__ import annotations

import numpy as np

from learners.counters import Counters, log_odds
from learners.kernels.odds import pair_odds, row_odds

RATE = np.array([0.1, 0.3])


def counts(seed: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).integers(0, 30, (12, 6)).astype(np.float64)


def test_odds_of_rows_are_the_formula() -> None:
    count_RC, row_U = counts(1), np.array([3, 0, 11, 3, -1, 12, 99])
    odds_US = np.full((len(row_U), 5), np.nan)
    row_odds(count_RC, row_U, RATE, 10.0, odds_US)
    line = np.where(((row_U >= 0) & (row_U < 12))[:, None], count_RC[np.clip(row_U, 0, 11)], 0)
    with np.errstate(divide="ignore"):
        logs = np.clip(np.log(odds_US[:, :4]), -4, 4)
    np.testing.assert_allclose(logs[:, :2], log_odds(line[:, 1:3], line[:, :1], RATE, 10.0), atol=1e-12)
    np.testing.assert_allclose(logs[:, 2:], log_odds(line[:, 4:], line[:, 3:4], RATE, 10.0), atol=1e-12)
    assert np.array_equal(odds_US[:, 4], 1 + line[:, 0])


def test_odds_of_pairs_are_the_formula_over_the_users_own_rate() -> None:
    count_PC, count_RC = counts(2)[:, :3], counts(3)
    line_N, user_N = np.array([3, -1, 11, 5]), np.array([0, 4, 11, 20])
    odds_NL = np.full((4, 2), np.nan)
    pair_odds(count_PC, line_N, count_RC, user_N, RATE, 10.0, 4.0, odds_NL)
    pair = np.where(line_N[:, None] >= 0, count_PC[line_N], 0)
    user = np.where(user_N[:, None] < 12, count_RC[np.minimum(user_N, 11)], 0)
    own = (user[:, 1:3] + 10 * RATE) / (np.maximum(user[:, :1], user[:, 1:3]) + 10)
    np.testing.assert_allclose(
        np.clip(np.log(odds_NL), -4, 4), log_odds(pair[:, 1:], pair[:, :1], own, 4.0), atol=1e-12
    )


def test_rows_never_counted_say_nothing() -> None:
    counters = Counters(2)
    assert not counters.stats(np.array([-1, 5, 10**6])).any()
    counters.total_C[:] = 1000, 10, 400
    assert not counters.stats(np.array([-1, 5, 10**6])).any()
