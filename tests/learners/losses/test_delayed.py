"""Losses for late yeses settle on the true chance, whatever share of the yeses was told as a no first."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.predictions import predicted
from tests.learners.losses.draws import CHANCES, counted, drawn, made, settled, target

ROWS = 400_000


def twice_told(coverage: float, *, resent: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Yeses, and the rows of a stream that told the late ones as a no first: yes and no. Resent, all come again."""
    yes = drawn(CHANCES, ROWS, seed=5)
    late = drawn(np.full(4, 1 - coverage), 1, seed=6) * 0 + np.random.default_rng(7).binomial(yes, 1 - coverage)
    no = ROWS - yes
    return (yes, 2 * yes - late, 2 * no + late) if resent else (yes, yes, no + late)


@pytest.mark.parametrize("coverage", [0.0, 0.5, 0.917, 1.0])
def test_fake_negatives_settle_on_the_chance_of_a_yes(coverage: float) -> None:
    yes, told_yes, told_no = twice_told(coverage)
    group, told = counted(told_yes, told_no, ROWS)
    loss = made("fnw", coverage=coverage)
    p = predicted(loss.link, settled(lambda z: loss(z[group], told), 4).numpy())
    assert p == pytest.approx(yes / ROWS, rel=0.005)


@pytest.mark.parametrize("coverage", [0.0, 0.5, 0.917, 1.0])
def test_fake_negatives_can_be_put_right_where_they_are_read(coverage: float) -> None:
    yes, told_yes, told_no = twice_told(coverage)
    group, told = counted(told_yes, told_no, ROWS)
    loss = made("fnc", coverage=coverage)
    p = predicted(loss.link, settled(lambda z: loss(z[group], told), 4).numpy())
    assert p == pytest.approx(yes / ROWS, rel=0.005)


@pytest.mark.parametrize("coverage", [0.0, 0.5, 0.917])
def test_resent_rows_settle_on_the_chance_of_a_yes(coverage: float) -> None:
    yes, told_yes, told_no = twice_told(coverage, resent=True)
    group, told = counted(told_yes, told_no, ROWS)
    loss = made("defer", coverage=coverage)
    p = predicted(loss.link, settled(lambda z: loss(z[group], told), 4).numpy())
    assert p == pytest.approx(yes / ROWS, rel=0.005)


def test_uncorrected_a_stream_that_says_no_to_all_at_once_teaches_p_over_1_plus_p() -> None:
    yes, told_yes, told_no = twice_told(0.0)
    group, told = counted(told_yes, told_no, ROWS)
    p = predicted(made("log").link, settled(lambda z: made("log")(z[group], told), 4).numpy())
    rate = yes / ROWS
    assert p == pytest.approx(rate / (1 + rate), rel=1e-4)


@pytest.mark.parametrize(("name", "coverage"), [("fnw", 0.0), ("fnw", 0.9), ("defer", 0.3)])
def test_no_gradient_flows_through_the_weights(name: str, coverage: float) -> None:
    logit = torch.tensor([-1.5, 0.7, 2.0, -3.0], dtype=torch.float64, requires_grad=True)
    told = target([1.0, 0.0, 1.0, 0.0])
    (slope,) = torch.autograd.grad(made(name, coverage=coverage)(logit, told), [logit])
    p = torch.sigmoid(logit.detach())
    q = (1 - coverage) * p
    yes, no = 1 + q, (1 + q) * (1 - p) / (1 - p + q)
    if name == "defer":
        yes, no = p / (p - q / 2), (1 - p) / (1 - p + q / 2)
    expected = torch.where(told.value_R > 0, yes, no) * (p - told.value_R)
    assert slope.tolist() == pytest.approx(expected.tolist())


def test_the_weights_are_finite_at_the_ends() -> None:
    logit = torch.tensor([-200.0, 200.0, -200.0, 200.0], requires_grad=True)
    for loss in (
        made("fnw"),
        made("fnw", coverage=1.0),
        made("defer"),
        made("defer", coverage=1.0),
        made("fnc", coverage=0.5),
    ):
        (slope,) = torch.autograd.grad(loss(logit, target([1.0, 1.0, 0.0, 0.0])), [logit])
        assert slope.isfinite().all()


@pytest.mark.parametrize("name", ["fnw", "fnc", "defer"])
def test_a_coverage_is_a_share(name: str) -> None:
    with pytest.raises(ValueError, match=r"coverage = 1.2: it is the share"):
        made(name, coverage=1.2)
