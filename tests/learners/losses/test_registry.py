"""Losses by name: every one can be made, called and read back, and says what is wrong with its options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from learners.label_losses import label_loss
from learners.loss_kinds import LOSSES
from learners.losses.multi_task import Tasks
from learners.losses.registry import SUMS, loss_of
from learners.losses.targets import Targets
from learners.predictions import predicted
from tests.learners.losses.draws import target


def rows(count: int = 12) -> Targets:
    random = np.random.default_rng(1)
    value = torch.from_numpy(random.choice([0.0, 0.0, 1.0, 4.0], (count, 2)))
    return Targets(
        value,
        torch.ones(count, 2, dtype=torch.float64),
        torch.from_numpy(random.random((count, 2)) < 0.7),
        propensity_R=torch.from_numpy(random.random(count)),
        teacher_RL=torch.from_numpy(random.random((count, 2))),
        slate_R=torch.arange(count) // 4,
    )


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_sums_over_rows_and_reads_its_logit_back(name: str) -> None:
    loss, told = loss_of(name, {"importance": True}), rows().of(0)
    logit = torch.linspace(-3, 3, 12, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(loss(logit, told), [logit])
    assert slope.isfinite().all()
    assert bool((slope[told.weight_R == 0] == 0).all())
    assert bool((slope != 0).any())
    assert np.isfinite(predicted(loss.link, np.linspace(-500, 500, 11))).all()
    assert (np.diff(predicted(loss.link, np.linspace(-9, 9, 11))) >= 0).all()


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_larger_weight_is_larger_in_proportion(name: str) -> None:
    logit, told = torch.linspace(-1, 1, 12, dtype=torch.float64), rows().of(1)
    assert float(loss_of(name, {"weight": 2.5})(logit, told)) == pytest.approx(2.5 * float(loss_of(name)(logit, told)))


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("logloss", {}, "there is no loss 'logloss'; choose one of log, completion"),
        ("log", {"delta": 1}, "'log' has no option 'delta'; it has coverage, yes_from, and like all losses weight"),
        ("huber", {"delta": "big"}, "delta = 'big' of the loss 'huber' must be a number"),
        ("huber", {"delta": True}, "delta = True of the loss 'huber' must be a number"),
        ("watch_time", {"no_of_all": 1}, "no_of_all = 1 of the loss 'watch_time' must be true or false"),
        ("distill", {"alpha": 2}, "alpha = 2.0: it is the teacher's share"),
        ("squared", {"low": 5, "high": 1}, "low 5.0"),
        ("log", {"kept": 0}, "kept = 0.0: it is the share of negatives"),
        ("log", {"weight": 0}, "weight = 0.0: a task weighs more than 0"),
    ],
)
def test_a_mistake_is_told_with_what_there_is(name: str, options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        loss_of(name, options)


def test_labels_have_losses_of_their_own_and_one_sum() -> None:
    tasks, told = Tasks((loss_of("log"), loss_of("squared", {"weight": 0.25}))), rows()
    logit = torch.randn(12, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = sum(float(loss(logit[:, at], told.of(at))) for at, loss in enumerate(tasks.losses))
    total, slope = tasks.gradient(logit, told)
    assert total == pytest.approx(expected)
    assert float(tasks(logit, told)) == pytest.approx(expected)
    assert bool((slope[~told.decided_RL] == 0).all())
    nudged = logit.clone()
    at = tuple(told.decided_RL.nonzero()[3].tolist())
    nudged[at] += 1e-6
    assert (float(tasks(nudged, told)) - expected) / 1e-6 == pytest.approx(float(slope[at]), rel=1e-4)


def test_predictions_are_chances_and_values() -> None:
    tasks = Tasks((loss_of("log"), loss_of("squared", {"centre": 3, "low": 1, "high": 5})))
    assert tasks.read(np.array([[0.0, 0.5], [0.0, 9.0]])).tolist() == [[0.5, 3.5], [0.5, 5.0]]
    assert [loss.link.is_probability for loss in tasks.losses] == [True, False]


def test_a_column_is_missing() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 1\) for 2 labels"):
        Tasks((loss_of("log"), loss_of("log"))).read(np.zeros((3, 1)))


def test_a_ranking_loss_needs_slates() -> None:
    with pytest.raises(ValueError, match="'listwise' reads slate_R"):
        loss_of("listwise")(torch.zeros(2), target([1.0, 0.0]))


def test_every_kind_has_its_sum() -> None:
    assert set(SUMS) == set(LOSSES.values())


def test_models_may_learn_the_usual_loss_by_their_own_hand() -> None:
    assert label_loss().is_usual
    assert label_loss("log", {"coverage": 0.9}).is_usual, "that is for the reading alone"
    others = [("log", {"weight": 2}), ("log", {"yes_from": 18}), ("log", {"kept": 0.1}), ("fnw", {}), ("squared", {})]
    assert not any(label_loss(name, options).is_usual for name, options in others)
