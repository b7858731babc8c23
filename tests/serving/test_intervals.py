"""How sure one may be: simulated experiments whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.experiments import REAL, World, looked
from serving.intervals import always, chi_squared, difference, once, ratio, uneven


def groups(random: np.random.Generator, rate: float, users: int = 400) -> tuple[np.ndarray, np.ndarray]:
    pages_G = random.poisson(20, users).astype(float)
    return random.binomial(pages_G.astype(int), rate).astype(float), pages_G


def test_looking_each_day_for_two_weeks_seldom_cries_wolf() -> None:
    found = np.array([looked(World(users=2_000), seed) for seed in range(150)])
    page_ctr, watch_time, *_ = found.mean(0)
    assert page_ctr <= 0.05
    assert watch_time <= 0.05
    assert found[:, -2].mean() <= 0.01


def test_the_usual_interval_looked_at_as_often_does() -> None:
    assert np.mean([looked(World(users=2_000), seed)[2] for seed in range(150)]) > 0.07


def test_a_real_difference_is_found_by_most() -> None:
    assert np.mean([looked(REAL, seed)[0] for seed in range(12)]) > 0.5


def test_the_variance_of_a_ratio_is_that_of_repeating_it() -> None:
    random = np.random.default_rng(3)
    drawn = [ratio(*groups(random, 0.2)) for _ in range(400)]
    told = [one for one in drawn if one is not None]
    spread = np.var([one.value for one in told])
    assert np.mean([one.variance for one in told]) == pytest.approx(spread, rel=0.2)


def test_an_arm_without_a_single_click_is_surely_worse() -> None:
    random = np.random.default_rng(5)
    on, off = groups(random, 0.0), groups(random, 0.2, users=4_000)
    found = difference(on, off)
    assert found is not None
    assert found.change == -1
    assert (found.within(always) or (0, 0))[1] < -0.5


def test_few_users_or_few_clicks_say_nothing() -> None:
    random = np.random.default_rng(6)
    few = difference(groups(random, 0.5, users=20), groups(random, 0.5, users=4_000))
    rare = difference(groups(random, 0.0005), groups(random, 0.0005))
    assert few is not None
    assert few.variance is None
    assert rare is None or rare.variance is None


def test_an_interval_for_all_looks_is_wider_than_one_for_one_look_and_shrinks_with_it() -> None:
    widths = [(always(v), once(v)) for v in (1e-2, 1e-3, 1e-4, 1e-6)]
    assert all(wide > narrow for wide, narrow in widths)
    assert [wide for wide, _ in widths] == sorted((wide for wide, _ in widths), reverse=True)
    assert always(0.0) == math.inf


@pytest.mark.parametrize(
    ("on", "off", "share", "p"), [(480, 520, 0.5, 0.205903), (70, 930, 0.05, 0.003710), (5_200, 4_800, 0.5, 6.334e-5)]
)
def test_a_split_is_tested_as_chi_squared_tests_it(on: int, off: int, share: float, p: float) -> None:
    assert chi_squared(on, off, share) == pytest.approx(p, rel=1e-3)


def test_a_loss_of_a_tenth_of_one_arm_is_called_uneven_soon() -> None:
    assert uneven(4_500, 5_000, 0.5) < 0.001
    assert uneven(450, 9_500, 0.05) > 0.001
    assert uneven(4_500, 95_000, 0.05) < 0.001
