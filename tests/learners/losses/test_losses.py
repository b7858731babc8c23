"""Losses against their formulas, and the frequencies that correct them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from learners.frequency import Frequency, log_chance_in_pool
from learners.losses.log_loss import masked_log_loss
from learners.losses.softmax import sampled_softmax


def test_a_masked_label_has_no_loss_and_no_gradient() -> None:
    logit = torch.tensor([[0.3, -0.2], [1.0, 2.0]], requires_grad=True)
    value, weight = torch.tensor([[1.0, 1.0], [0.0, 1.0]]), torch.tensor([[2.0, 0.0], [0.5, 1.0]])
    loss = masked_log_loss(logit, value, weight)
    p = 1 / (1 + np.exp(-logit.detach().numpy()))
    assert loss.item() == pytest.approx(
        -2 * math.log(p[0, 0]) - 0.5 * math.log(1 - p[1, 0]) - math.log(p[1, 1]), rel=1e-5
    )
    loss.backward()
    assert logit.grad is not None
    assert float(logit.grad[0, 1]) == 0.0


def test_the_sampled_softmax_subtracts_the_log_of_the_chance() -> None:
    torch.manual_seed(1)
    user, item = torch.randn(3, 4), torch.randn(5, 4)
    log_q, target = torch.randn(5), torch.tensor([0, 4, 4])
    expected = 0.0
    for p in range(3):
        s = [float(user[p] @ item[c]) / 0.1 - float(log_q[c]) for c in range(5)]
        expected += math.log(sum(math.exp(x) for x in s)) - s[int(target[p])]
    assert float(sampled_softmax(user, item, target, log_q, 0.1)) == pytest.approx(expected, rel=1e-4)


def test_a_popular_item_is_no_worse_for_being_drawn_often() -> None:
    """Without preferences the corrected softmax has its fixed point at the chances themselves: scores stay equal."""
    torch.manual_seed(2)
    chance = np.array([0.5, 0.3, 0.1, 0.1])
    log_q = torch.from_numpy(np.log(chance).astype(np.float32))
    logit = torch.zeros(4, requires_grad=True)
    one = torch.ones(1, 1)
    loss = torch.zeros(())
    for c in range(4):
        loss = loss + chance[c] * sampled_softmax(one, logit[:, None], torch.tensor([c]), -log_q, 1.0)
    (gradient,) = torch.autograd.grad(loss, [logit])
    assert float(gradient.abs().max()) < 1e-6


def test_frequencies_are_estimated_from_gaps() -> None:
    random = np.random.default_rng(0)
    truth = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    often = Frequency(rate=0.01)
    for _ in range(600):
        often.see(random.choice(5, 64, p=truth))
    assert often.chance(np.arange(5)) == pytest.approx(truth, rel=0.2)
    assert often.chance(np.array([77]))[0] == pytest.approx(1 / (600 * 64 + 1))


def test_one_draw_a_time_is_the_formula_of_gaps() -> None:
    often, gap, last = Frequency(rate=0.2), 0.0, 0
    for t, item in enumerate([1, 0, 1, 1, 0, 0, 1], 1):
        often.see(np.array([item]))
        if item == 1:
            gap = float(t) if not gap else 0.8 * gap + 0.2 * (t - last)
            last = t
    assert often.chance(np.array([1]))[0] == pytest.approx(1 / gap)


def test_the_pool_holds_batch_draws_and_uniform_ones() -> None:
    log_q = log_chance_in_pool(np.array([0.5, 0.0]), positives=10, uniform=20, items=100)
    assert np.exp(log_q) == pytest.approx([5.2, 0.2])
