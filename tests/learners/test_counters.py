"""Counters against plain counting."""

from __future__ import annotations

import numpy as np
import pytest

from learners.counters import KEEP, PRIOR, Counters, log_odds


def test_counts_of_rows_that_repeat_are_added() -> None:
    counters = Counters(1)
    counters.add(np.array([3, 9, 3]), np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]))
    counters.add(np.array([3]), np.array([[1.0, 0.0]]))
    assert counters.read(np.array([3, 9, 0, -1, 999]))[:, :2].tolist() == [[3, 1], [1, 1], [0, 0], [0, 0], [0, 0]]


def test_faded_counts_forget_by_the_rows_own_views() -> None:
    counters = Counters(1)
    counters.add(np.array([0, 1]), np.array([[1.0, 1.0], [1.0, 1.0]]))
    counters.add(np.array([0, 0]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    assert counters.read(np.array([0]))[0].tolist() == pytest.approx([3, 1, KEEP**2 + 2, KEEP**2])
    assert counters.read(np.array([1]))[0].tolist() == [1, 1, 1, 1]


def test_a_row_that_was_never_counted_says_nothing() -> None:
    counters = Counters(2)
    counters.total_C += [1000, 300, 10]
    assert counters.stats(np.array([5]))[0] == pytest.approx([0.0] * 5, abs=1e-12)


def test_log_odds_are_smoothed_toward_the_rate() -> None:
    rate = 0.2
    got = log_odds(np.array([5.0]), np.array([10.0]), np.array(rate), PRIOR)
    p = (5 + PRIOR * rate) / (10 + PRIOR)
    assert got[0] == pytest.approx(np.log(p / (1 - p)) - np.log(rate / (1 - rate)))


def test_more_choices_than_views_are_no_error() -> None:
    assert np.isfinite(log_odds(np.array([9.0]), np.array([0.0]), np.array(0.5), PRIOR)).all()
