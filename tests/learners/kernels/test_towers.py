"""Unit vectors and the sampled softmax against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from learners.kernels.towers import from_unit, softmax_loss, to_unit
from learners.losses.softmax import sampled_softmax


def test_unit_length_and_back_are_those_of_autograd() -> None:
    random = np.random.default_rng(1)
    vector_ND = random.normal(size=(20, 32)).astype(np.float32)
    vector_ND[3], vector_ND[4] = 0, 1e-9
    grad_ND = random.normal(size=(20, 32)).astype(np.float32)
    theirs = torch.from_numpy(vector_ND.copy()).requires_grad_()
    unit = normalize(theirs, dim=1, eps=1e-6)
    (unit * torch.from_numpy(grad_ND)).sum().backward()  # type: ignore[no-untyped-call]

    length_N = np.empty(20, np.float32)
    to_unit(vector_ND, length_N)
    np.testing.assert_allclose(vector_ND, unit.detach().numpy(), atol=1e-6)
    from_unit(grad_ND, vector_ND, length_N)
    assert theirs.grad is not None
    np.testing.assert_allclose(grad_ND, theirs.grad.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_the_sampled_softmax_and_its_slopes_are_those_of_autograd(temperature: float) -> None:
    random = np.random.default_rng(2)
    score_PC = random.uniform(-1, 1, (30, 50)).astype(np.float32)
    target_P, log_q_C = random.integers(0, 50, 30), random.normal(size=50).astype(np.float32)
    theirs = torch.from_numpy(score_PC.copy()).requires_grad_()
    told = torch.from_numpy(target_P), torch.from_numpy(log_q_C), temperature
    expected = sampled_softmax(theirs, torch.eye(50), *told)
    expected.backward()  # type: ignore[no-untyped-call]
    loss = softmax_loss(score_PC, target_P, log_q_C, temperature)
    assert loss == pytest.approx(float(expected.detach()), rel=1e-6)
    assert theirs.grad is not None
    np.testing.assert_allclose(score_PC, theirs.grad.numpy(), atol=1e-5)


def test_large_scores_do_not_overflow() -> None:
    score_PC = np.array([[1e4, -1e4, 0.0]], np.float32)
    loss = softmax_loss(score_PC, np.array([2]), np.zeros(3, np.float32), 1.0)
    assert loss == pytest.approx(1e4)
    assert np.isfinite(score_PC).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_shows_in_the_loss(bad: float) -> None:
    score_PC = np.zeros((3, 4), np.float32)
    score_PC[1, 2] = bad
    with np.errstate(all="ignore"):
        assert not np.isfinite(softmax_loss(score_PC, np.array([0, 0, 0]), np.zeros(4, np.float32), 0.1))
