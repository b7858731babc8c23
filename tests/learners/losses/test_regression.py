"""Losses of values settle on the value that they foresee."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.predictions import predicted
from tests.learners.losses.draws import made, settled, target


def test_ratings_settle_on_their_mean_within_the_range() -> None:
    rating = np.random.default_rng(1).integers(1, 6, 3000).astype(np.float64)
    loss = made("squared", centre=3.0, spread=1.5, low=1.0, high=5.0)
    told = target(torch.from_numpy(rating), [1 / 3000] * 3000)
    mean = predicted(loss.link, settled(lambda z: loss(z.expand(3000), told), 1).numpy())
    assert mean == pytest.approx(rating.mean())


def test_a_prediction_never_leaves_the_range() -> None:
    assert predicted(made("squared", centre=3.0, low=1.0, high=5.0).link, np.array([-9.0, 9.0])).tolist() == [1.0, 5.0]


def test_a_value_out_of_range_teaches_the_end_of_the_range() -> None:
    loss, logit = made("squared", low=1.0, high=5.0), torch.zeros(2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(logit, target([400.0, -2.0])), [logit])
    assert slope.tolist() == [-5.0, -1.0]


def test_a_wild_value_pulls_no_harder_than_delta() -> None:
    loss, logit = made("huber", delta=2.0, spread=10.0), torch.zeros(3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(logit, target([5.0, 1e6, -1e6])), [logit])
    assert slope.tolist() == [-0.5, -2.0, 2.0]


def test_huber_settles_between_median_and_mean() -> None:
    value = np.random.default_rng(2).lognormal(0, 1.5, 4001)
    told = target(torch.from_numpy(value), [1 / 4001] * 4001)
    narrow, wide = (made("huber", delta=delta) for delta in (0.02, 1e4))
    near_median = predicted(narrow.link, settled(lambda z: narrow(z.expand(4001), told), 1).numpy())
    mean = predicted(wide.link, settled(lambda z: wide(z.expand(4001), told), 1).numpy())
    assert near_median == pytest.approx(np.median(value), rel=0.02)
    assert mean == pytest.approx(value.mean(), rel=1e-6)


def test_dwell_in_logs_foresees_the_usual_stay() -> None:
    seconds = np.random.default_rng(3).lognormal(3.0, 1.0, 4000)
    loss = made("log_dwell", centre=3.0)
    told = target(torch.from_numpy(seconds), [1 / 4000] * 4000)
    usual = predicted(loss.link, settled(lambda z: loss(z.expand(4000), told), 1).numpy())
    assert usual == pytest.approx(np.expm1(np.log1p(seconds).mean()))
    assert usual[0] < seconds.mean() / 1.3


@pytest.mark.parametrize(("options", "told"), [({"spread": 0.0}, "spread 0.0"), ({"low": 5.0, "high": 1.0}, "low 5.0")])
def test_numbers_that_make_no_sense_are_refused(options: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        made("squared", **options)
