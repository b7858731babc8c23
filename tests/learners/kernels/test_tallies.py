"""Sums by row against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from learners.kernels.tallies import add_tallies, tally


@pytest.mark.parametrize("faded", [False, True])
def test_counts_are_those_of_a_loop(faded: bool) -> None:
    random = np.random.default_rng(3)
    row_N, event_NC = random.integers(0, 20, 100), random.integers(0, 3, (100, 2)).astype(np.float64)
    keep_V, place_R = 0.98 ** np.arange(400.0), np.full(20, -1, np.int32)
    count_RC = random.integers(0, 9, (20, 4 if faded else 2)).astype(np.float64)
    expected = count_RC.copy()
    for row in range(20):
        mine = event_NC[row_N == row].sum(axis=0)
        expected[row, :2] += mine
        expected[row, 2:] = expected[row, 2:] * 0.98 ** mine[0] + (mine if faded else 0)
    row_U, sum_UC = np.empty(100, np.int64), np.empty((100, 2))
    for _ in range(2):  # the second time nothing is left of the first
        found = tally(row_N, event_NC, place_R, row_U, sum_UC)
        assert row_U[:found].tolist() == [*dict.fromkeys(row_N.tolist())]
        assert (place_R == -1).all()
    add_tallies(row_U[:found], sum_UC[:found], keep_V, count_RC)
    np.testing.assert_allclose(count_RC, expected, rtol=1e-12)
