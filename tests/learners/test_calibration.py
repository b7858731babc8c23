"""Calibration brings scores to what happens, at every height, and leaves good ones alone."""

from __future__ import annotations

import numpy as np

from learners.calibration import Calibration
from learners.metrics import ece


def run(slope: float, rows: int = 200_000, *, batch: int = 500) -> tuple[float, float]:
    """Calibration errors of the last half, before and after; the truth is `slope` times as sure."""
    random = np.random.default_rng(3)
    z_N = random.normal(-1.5, 1.5, rows).astype(np.float32)[:, None]
    y_N = (random.random((rows, 1)) < 1 / (1 + np.exp(-slope * z_N))).astype(np.float32)
    calibration, told = Calibration(1), np.empty_like(z_N)
    for start in range(0, rows, batch):
        part = slice(start, start + batch)
        told[part] = calibration.probabilities(z_N[part])
        calibration.learn(z_N[part], told[part], y_N[part], np.ones_like(y_N[part]))
    half, yes = rows // 2, y_N[:, 0] > 0
    before = ece(1 / (1 + np.exp(-z_N[half:, 0])), yes[half:])
    after = ece(told[half:, 0], yes[half:])
    assert before is not None
    assert after is not None
    return before, after


def test_scores_that_are_too_sure_are_brought_back() -> None:
    before, after = run(0.6)
    assert before > 0.02
    assert after < 0.005


def test_good_scores_stay_good() -> None:
    before, after = run(1.0)
    assert before < 0.005
    assert after < 0.005


def test_rows_without_weight_move_nothing() -> None:
    calibration = Calibration(2)
    z_BL, none = np.ones((9, 2), np.float32), np.zeros((9, 2), np.float32)
    calibration.learn(z_BL, calibration.probabilities(z_BL), none, none)
    assert not calibration.shift_LK.any()


def test_it_is_kept_whole() -> None:
    one, other = Calibration(1), Calibration(1)
    z_BL = np.linspace(-6, 6, 40, dtype=np.float32)[:, None]
    one.learn(z_BL, one.probabilities(z_BL), (z_BL > 0).astype(np.float32), np.ones_like(z_BL))
    other.load(one.dump())
    assert (other.probabilities(z_BL) == one.probabilities(z_BL)).all()
    assert one.shift_LK.any()
