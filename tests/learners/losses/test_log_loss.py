"""Log losses settle on what they say: a rate, a mean share, an expected time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from learners.losses.log_loss import masked_log_loss
from learners.losses.targets import Target
from learners.predictions import predicted
from tests.learners.losses.draws import CHANCES, counted, drawn, made, settled, target

ROWS = 200_000


def test_a_masked_label_has_no_loss_and_no_gradient() -> None:
    logit = torch.tensor([[0.3, -0.2], [1.0, 2.0]], requires_grad=True)
    value, weight = torch.tensor([[1.0, 1.0], [0.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.5, 1.0]])
    loss = masked_log_loss(logit, value, weight)
    p = 1 / (1 + np.exp(-logit.detach().numpy()))
    assert loss.item() == pytest.approx(
        -2 * math.log(p[0, 0]) - 0.5 * math.log(1 - p[1, 0]) - math.log(p[1, 1]), rel=1e-5
    )
    loss.backward()  # type: ignore[no-untyped-call]
    assert logit.grad is not None
    assert float(logit.grad[0, 1]) == 0.0


def test_the_log_loss_settles_on_the_rate() -> None:
    yes = drawn(CHANCES, ROWS, seed=1)
    group, told = counted(yes, ROWS - yes, ROWS)
    loss = made("log")
    p = predicted(loss.link, settled(lambda z: loss(z[group], told), 4).numpy())
    assert p == pytest.approx(yes / ROWS, abs=1e-6)


def test_a_window_that_sees_part_of_the_yeses_is_put_right_by_its_coverage() -> None:
    """Calibrated within 1 %."""
    seen = drawn(CHANCES * 0.917, ROWS, seed=2)
    group, told = counted(seen, ROWS - seen, ROWS)
    loss = made("log", coverage=0.917)
    p = predicted(loss.link, settled(lambda z: loss(z[group], told), 4).numpy())
    assert p.sum() == pytest.approx(CHANCES.sum(), rel=0.01)


def test_a_yes_may_begin_at_a_value() -> None:
    loss, logit = made("log", yes_from=18.0), torch.zeros(3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(logit, target([3.0, 18.0, 40.0])), [logit])
    assert slope.tolist() == [0.5, -0.5, -0.5]


def test_completion_settles_on_the_mean_share() -> None:
    share = np.random.default_rng(3).beta(0.4, 1.2, 5000)
    loss, told = made("completion", whole=30.0), target(torch.from_numpy(30.0 * share), [1 / 5000] * 5000)
    mean = predicted(loss.link, settled(lambda z: loss(z.expand(5000), told), 1).numpy())
    assert mean == pytest.approx(share.mean(), rel=1e-6)


def watched() -> np.ndarray:
    """Seconds of 20,000 showings, of which three in ten were watched."""
    random = np.random.default_rng(4)
    return np.where(random.random(20_000) < 0.3, random.lognormal(3.5, 0.8, 20_000), 0.0)


def test_watch_time_foresees_the_expected_seconds() -> None:
    time, loss = watched(), made("watch_time", unit=60.0)
    told = target(torch.from_numpy(time), [1 / len(time)] * len(time))
    foreseen = predicted(loss.link, settled(lambda z: loss(z.expand(len(time)), told), 1).numpy())
    assert foreseen == pytest.approx(time.mean(), rel=1e-6)


def test_watch_time_as_in_the_paper_is_too_long_by_one_over_the_unwatched_share() -> None:
    time, loss = watched(), made("watch_time", unit=60.0, no_of_all=False)
    told = target(torch.from_numpy(time), [1 / len(time)] * len(time))
    foreseen = predicted(loss.link, settled(lambda z: loss(z.expand(len(time)), told), 1).numpy())
    assert foreseen == pytest.approx(time.mean() / (time == 0).mean(), rel=1e-6)


def test_times_beyond_the_longest_count_as_the_longest() -> None:
    loss = made("watch_time", unit=1.0, longest=100.0)
    told = target([5000.0, 0.0], [0.5, 0.5])
    assert predicted(loss.link, settled(lambda z: loss(z.expand(2), told), 1).numpy()) == pytest.approx(50.0)


def test_what_is_masked_may_be_anything() -> None:
    nan = float("nan")
    for loss in (made("log"), made("completion"), made("watch_time")):
        logit = torch.tensor([0.2, 0.4], dtype=torch.float64, requires_grad=True)
        told = Target(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
        (slope,) = torch.autograd.grad(loss(logit, told), [logit])
        assert float(slope[0]) == 0.0
        assert slope.isfinite().all()
        assert nan not in slope.tolist()
