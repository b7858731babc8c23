"""The sampled softmax against its formula, and the frequencies that correct it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from learners.frequency import Frequency, log_chance_in_pool
from learners.losses.softmax import sampled_softmax
from tests.learners.losses.draws import descended


def test_the_sampled_softmax_subtracts_the_log_of_the_chance() -> None:
    torch.manual_seed(1)
    user, item = torch.randn(3, 4), torch.randn(5, 4)
    log_q, target = torch.randn(5), torch.tensor([0, 4, 4])
    expected = 0.0
    for p in range(3):
        s = [float(user[p] @ item[c]) / 0.1 - float(log_q[c]) for c in range(5)]
        expected += math.log(sum(math.exp(x) for x in s)) - s[int(target[p])]
    assert float(sampled_softmax(user, item, target, log_q, 0.1)) == pytest.approx(expected, rel=1e-4)


def test_positives_have_weights() -> None:
    torch.manual_seed(2)
    user, item, target = torch.randn(2, 4), torch.randn(3, 4), torch.tensor([0, 2])
    each = [float(sampled_softmax(user[p : p + 1], item, target[p : p + 1], None, 1.0)) for p in range(2)]
    weighted = sampled_softmax(user, item, target, None, 1.0, weight_P=torch.tensor([0.5, 3.0]))
    assert float(weighted) == pytest.approx(0.5 * each[0] + 3.0 * each[1], rel=1e-5)


def test_what_a_user_chose_besides_is_no_negative() -> None:
    torch.manual_seed(3)
    user, item, target = torch.randn(1, 4), torch.randn(3, 4, requires_grad=True), torch.tensor([0])
    known = torch.tensor([[True, True, False]])
    (slope,) = torch.autograd.grad(sampled_softmax(user, item, target, None, 1.0, known_PC=known), [item])
    assert slope[1].tolist() == [0.0] * 4
    without = sampled_softmax(user, item[[0, 2]], target, None, 1.0)
    hidden = sampled_softmax(user, item, target, None, 1.0, known_PC=known)
    assert hidden.item() == pytest.approx(without.item())


def test_a_popular_item_is_no_worse_for_being_drawn_often() -> None:
    """Without preferences the corrected softmax has its fixed point at the chances themselves: scores stay equal."""
    chance = np.array([0.5, 0.3, 0.1, 0.1])
    log_q = torch.from_numpy(np.log(chance).astype(np.float32))
    logit = torch.zeros(4, requires_grad=True)
    one = torch.ones(1, 1)
    loss = torch.zeros(())
    for c in range(4):
        loss = loss + chance[c] * sampled_softmax(one, logit[:, None], torch.tensor([c]), -log_q, 1.0)
    (gradient,) = torch.autograd.grad(loss, [logit])
    assert float(gradient.abs().max()) < 1e-6


def test_with_mixed_negatives_scores_settle_on_the_log_odds_of_being_chosen() -> None:
    """Positives by a skewed law, candidates of the batch mixed with uniform ones: corrected by the chance of being a
    candidate the scores are log p; uncorrected they are much flatter."""
    random = np.random.default_rng(4)
    p = 1 / np.arange(1.0, 21.0)
    p /= p.sum()
    log_q = torch.from_numpy(np.log(1 - (1 - p) ** 20 * (1 - 1 / 20) ** 5))
    wanted = np.log(p) - np.log(p).mean()

    def loss(logit: torch.Tensor, corrected: bool) -> torch.Tensor:
        positive = random.choice(20, 20, p=p)
        entry = np.unique(np.concatenate([positive, random.integers(0, 20, 5)]))
        place, pool = torch.from_numpy(np.searchsorted(entry, positive)), torch.from_numpy(entry)
        user = torch.ones(20, 1, dtype=torch.float64)
        return sampled_softmax(user, logit[pool][:, None], place, log_q[pool] if corrected else None, 1.0) / 20

    slope = {}
    for corrected in (True, False):
        found = descended(lambda z, corrected=corrected: loss(z, corrected), 20, steps=300, rate=0.7).numpy()
        slope[corrected] = found @ wanted / (wanted @ wanted)
    assert slope[True] == pytest.approx(1.0, abs=0.15)
    assert slope[False] < 0.8


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


def test_a_chance_in_the_pool_is_that_of_standing_there_at_all() -> None:
    random, p = np.random.default_rng(5), np.array([0.6, 0.3, 0.09, 0.01])
    there = np.zeros(4)
    for _ in range(4000):
        there[np.union1d(random.choice(4, 5, p=p), random.integers(0, 4, 3))] += 1
    log_q = log_chance_in_pool(p, positives=5, uniform=3, items=4)
    assert np.exp(log_q) == pytest.approx(there / 4000, abs=0.03)


def test_an_item_that_is_always_drawn_needs_no_correction() -> None:
    assert log_chance_in_pool(np.array([1.0]), positives=1, uniform=0, items=3).tolist() == [0.0]
    assert log_chance_in_pool(np.array([0.5]), positives=1, uniform=1, items=1).tolist() == [0.0]


def test_a_rare_item_is_expected_as_often_as_it_is_there() -> None:
    log_q = log_chance_in_pool(np.array([1e-12]), positives=100, uniform=0, items=9)
    assert np.exp(float(log_q[0])) == pytest.approx(1e-10, rel=1e-3)
