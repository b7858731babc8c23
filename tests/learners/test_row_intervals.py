"""Intervals hold the figure of endless rows about as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from learners.metrics import auc, losses
from learners.row_intervals import intervals

ROWS, DRAWS = 600, 400


@pytest.mark.parametrize("rate", [0.5, 0.08])
def test_about_95_of_100_intervals_hold_the_truth(rate: float) -> None:
    random = np.random.default_rng(5)
    endless_N = random.random(2_000_000) < rate
    p_N = 1 / (1 + np.exp(-(np.log(rate / (1 - rate)) + random.normal(endless_N * 1.0, 1.0))))
    value, loss = auc(p_N, endless_N), float(losses(p_N, endless_N).mean())
    true_rate = endless_N.mean()
    entropy = -(true_rate * np.log(true_rate) + (1 - true_rate) * np.log(1 - true_rate))
    truth, held = {"auc": value, "log_loss": loss, "ne": loss / entropy}, dict.fromkeys(("auc", "log_loss", "ne"), 0)
    for draw in range(DRAWS):
        rows = slice(draw * ROWS, (draw + 1) * ROWS)
        told = intervals(p_N[rows].astype(np.float32), endless_N[rows])
        for name, true in truth.items():
            held[name] += float(told[f"{name}_low"] or 0) <= float(true or 0) <= float(told[f"{name}_high"] or 0)
    assert all(0.91 * DRAWS < count < 0.985 * DRAWS for count in held.values()), held


def test_one_outcome_alone_has_none() -> None:
    assert set(intervals(np.array([0.5], np.float32), np.array([True])).values()) == {None}
