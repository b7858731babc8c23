"""Losses of order find the preferences behind simulated choices."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from learners.losses.ranking import bpr, triplet
from learners.losses.registry import Loss
from learners.losses.targets import Target
from tests.learners.losses.draws import descended, made, target

TASTE = torch.tensor([1.0, 0.3, 0.0, -0.8, -1.5], dtype=torch.float64)


def duels(pairs: int) -> tuple[Tensor, Tensor]:
    """Winners and losers of as many comparisons, by the tastes."""
    random = np.random.default_rng(1)
    one, other = (torch.from_numpy(random.integers(0, 5, pairs)) for _ in range(2))
    first = torch.from_numpy(random.random(pairs)) < torch.sigmoid(TASTE[one] - TASTE[other])
    return torch.where(first, one, other), torch.where(first, other, one)


def test_bpr_finds_the_log_odds_of_preference() -> None:
    better, worse = duels(40_000)
    found = descended(lambda z: bpr(z[better], z[worse]) / 40_000, 5, steps=120, rate=8.0)
    assert found.tolist() == pytest.approx((TASTE - TASTE.mean()).tolist(), abs=0.08)


def test_a_pair_of_weight_0_teaches_nothing() -> None:
    score = torch.zeros(2, requires_grad=True)
    (slope,) = torch.autograd.grad(bpr(score, -score, torch.tensor([0.0, 2.0])), [score])
    assert slope.tolist() == [0.0, -2.0]


def test_a_triplet_is_at_rest_once_the_far_one_is_a_margin_farther() -> None:
    anchor, near = torch.zeros(3, 2), torch.tensor([[1.0, 0.0]]).expand(3, 2)
    far = torch.tensor([[0.0, 1.0], [0.0, 1.2], [0.0, 2.0]], requires_grad=True)
    loss = triplet(anchor, near, far, margin=0.5)
    assert loss.item() == pytest.approx(0.5 + (1 - 1.44 + 0.5))
    (slope,) = torch.autograd.grad(loss, [far])
    assert slope[2].tolist() == [0.0, 0.0]
    assert slope[0].tolist() == [0.0, -2.0]


def slates(count: int, *, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Choices of one item from slates by the tastes: the item, the slate and the value of each row, well mixed."""
    random = np.random.default_rng(2)
    item = np.stack([random.choice(5, size, replace=False) for _ in range(count)])
    odds = np.exp(TASTE.numpy()[item])
    place = (odds.cumsum(1) < random.random((count, 1)) * odds.sum(1, keepdims=True)).sum(1)
    value = np.zeros((count, size))
    value[np.arange(count), place] = 1.0
    order = random.permutation(count * size)
    slate = np.repeat(np.arange(count) * 7, size)
    return tuple(torch.from_numpy(x.reshape(-1)[order]) for x in (item, slate, value))  # type: ignore[return-value]


@pytest.mark.parametrize("size", [2, 4])
def test_listwise_recovers_the_log_odds_of_the_choice_but_for_a_constant(size: int) -> None:
    item, slate, value = slates(4000, size=size)
    loss, told = made("listwise"), target(value, slate_R=slate)
    found = descended(lambda z: loss(z[item], told) / 4000, 5, steps=80, rate=4.0)
    assert found.tolist() == pytest.approx((TASTE - TASTE.mean()).tolist(), abs=0.12)


def test_listwise_settles_on_the_shares_of_the_values() -> None:
    loss, told = made("listwise"), target([3.0, 1.0, 0.0, 4.0], slate_R=torch.tensor([5, 5, 5, 9]))
    share = torch.softmax(descended(lambda z: loss(z, told), 4, steps=400, rate=2.0)[:3], 0)
    assert share.tolist() == pytest.approx([0.75, 0.25, 0.0], abs=3e-3)


def test_pairwise_orders_by_the_tastes() -> None:
    item, slate, value = slates(1000, size=4)
    loss, told = made("pairwise"), target(value, slate_R=slate)
    found = descended(lambda z: loss(z[item], told) / 1000, 5, steps=20, rate=4.0)
    assert found.argsort(descending=True).tolist() == [0, 1, 2, 3, 4]


def test_pairwise_is_the_sum_over_pairs_of_a_slate() -> None:
    z, value = [0.3, -0.2, 1.0, 0.5, 2.0], [2.0, 0.0, 1.0, 0.0, 5.0]
    slate = torch.tensor([4, 4, 2, 4, -1])
    logit = torch.tensor(z, dtype=torch.float64)
    pairs = [(0, 1), (0, 3)]
    expected = sum(math.log1p(math.exp(z[b] - z[a])) for a, b in pairs)
    assert float(made("pairwise", per_slate=False)(logit, target(value, slate_R=slate))) == pytest.approx(expected)
    assert float(made("pairwise")(logit, target(value, slate_R=slate))) == pytest.approx(expected / 2)


@pytest.mark.parametrize(
    "loss", [made("pairwise"), made("pairwise", per_slate=False), made("listwise"), made("listwise", temperature=0.5)]
)
def test_gradients_within_slates_agree_with_differences(loss: Loss) -> None:
    random = np.random.default_rng(3)
    told = target(
        torch.from_numpy(random.integers(0, 3, 30).astype(float)),
        torch.from_numpy(random.choice([0.0, 1.0, 2.5], 30)),
        slate_R=torch.from_numpy(random.integers(-1, 6, 30)),
    )
    logit = torch.from_numpy(random.normal(size=30)).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: loss(z, told), (logit,))


@pytest.mark.parametrize("loss", [made("pairwise"), made("listwise")])
def test_rows_without_slate_weight_or_contrast_teach_nothing(loss: Loss) -> None:
    logit = torch.tensor([900.0, 3.0, 2.0, 1.0, -900.0], requires_grad=True)
    told = target([1.0, 0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0, 1.0], slate_R=torch.tensor([-1, -1, 3, 3, 8]))
    (slope,) = torch.autograd.grad(loss(logit, told), [logit])
    assert slope.tolist() == [0.0] * 5


@pytest.mark.parametrize("loss", [made("pairwise"), made("listwise")])
def test_an_empty_batch_has_no_loss(loss: Loss) -> None:
    nothing = torch.zeros(0, requires_grad=True)
    assert loss(nothing, Target(nothing, nothing, slate_R=torch.zeros(0, dtype=torch.int64))).item() == 0.0
