"""The sums of the guard are those of the plain formulas."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.kernels.guarding import line, measure, plainly, ranked

STEPS = np.array([-1.5, -0.4, 0.4])


def plain(x, y, o, b):  # type: ignore[no-untyped-def]
    """Nats and sums of one group, by the book."""
    eta = o + b * x
    q = 1 / (1 + np.exp(-eta))
    gains = [(y * d - np.log1p(q * np.expm1(d))).sum() for d in STEPS]
    if not 0 < y.sum() < len(y):
        return [*gains, 0.0], [(y - q).sum(), (q * (1 - q)).sum(), 0.0, 0.0, 0.0]
    fitted = []
    for z in (eta, eta - b * (x - x.mean()) / 2):
        p, n, s = 1 / (1 + np.exp(-z)), len(y), y.sum()
        a = np.log(s / (n - s)) - np.log(p.sum() / (n - p.sum()))
        for _ in range(2):
            p = 1 / (1 + np.exp(-z - a))
            a += np.clip((s - p.sum()) / ((p * (1 - p)).sum() + 1e-9), -1, 1)
        fitted.append((z + a, (y * (z + a) - np.logaddexp(0, z + a)).sum()))
    p = 1 / (1 + np.exp(-fitted[0][0]))
    v = p * (1 - p)
    middle = (v * x).sum() / (v.sum() + 1e-12)
    xc = x - middle
    return [*gains, fitted[1][1] - fitted[0][1]], [
        (y - q).sum(), (q * (1 - q)).sum(), ((y - p) * xc).sum(), (v * xc * xc).sum(), middle
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 1500), st.floats(-4, 2), st.floats(0.2, 3))
def test_the_kernel_equals_the_formulas(seed: int, rows: int, level: float, slope: float) -> None:
    random = np.random.default_rng(seed)
    x_B, y_B = random.normal(0, 2, rows), (random.random(rows) < 0.2).astype(np.float64)
    group_BA = np.stack([np.zeros(rows, np.int64), random.integers(1, 4, rows)], axis=1)
    live_B = random.random(rows) < 0.9
    usual_PG = np.stack([level + 0.1 * np.arange(4), slope * np.ones(4)])
    gain_KG, stat_SG = np.empty((4, 4)), np.empty((5, 4))
    measure(x_B, y_B, group_BA, live_B, usual_PG, STEPS, gain_KG, stat_SG)
    for group in range(4):
        mine_B = live_B & (group_BA == group).any(axis=1)
        gains, stats = plain(x_B[mine_B], y_B[mine_B], *usual_PG[:, group])
        np.testing.assert_allclose(gain_KG[:, group], gains, rtol=1e-7, atol=1e-6)
        np.testing.assert_allclose(stat_SG[:, group], stats, rtol=1e-7, atol=1e-6)
    plain_DG = np.empty((3, 4))
    plainly(x_B, y_B, group_BA, live_B, STEPS, plain_DG)
    same_PG = np.stack([np.zeros(4), np.ones(4)])
    measure(x_B, y_B, group_BA, live_B, same_PG, STEPS, gain_KG, stat_SG)
    np.testing.assert_allclose(plain_DG, gain_KG[:3], rtol=1e-7, atol=1e-6)


def test_ties_count_half_and_a_line_is_found_again() -> None:
    assert ranked(np.array([1.0, 1.0, 2.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])) == (0.5 + 1 + 1 + 1) / 4
    random = np.random.default_rng(0)
    x_N = random.normal(0, 1, 20_000)
    y_N = (random.random(20_000) < 1 / (1 + np.exp(1 - 0.7 * x_N))).astype(np.float64)
    found = line(x_N, y_N, np.array([0.0, 1.0]), np.array([0.0, 1.0]), 4.0)
    np.testing.assert_allclose(found, [-1, 0.7], atol=0.06)


def test_a_line_of_rare_clicks_does_not_turn_about_odds_of_one() -> None:
    """A batch without a click says little, however far from 0 its logits are."""
    x_N, usual_P = np.full(100, -7.0) + np.linspace(-1, 1, 100), np.array([0.0, 1.0])
    level, slope = line(x_N, np.zeros(100), usual_P, usual_P, 4.0)
    assert -0.3 < level + slope * -7.0 + 7.0 < 0
    assert abs(slope - 1) < 0.1
