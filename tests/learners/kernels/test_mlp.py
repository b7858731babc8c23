"""Layers by hand against the same in torch autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from learners.kernels.flat import Flat, Floats
from learners.kernels.mlp import ORDINALS, Mlp, Shape, log_loss, sigmoid
from learners.losses.log_loss import masked_log_loss

SHAPES = [
    Shape(20, (16, 8), 1),
    Shape(33, (24, 16, 8), 3, direct=True, bias=False),
    Shape(20, (16, 8), 2, smelu=0.4),
    Shape(12, (10,), 2, direct=True, smelu=1.0),
    Shape(9, (), 2),
    Shape(20, (16, 8), 10),
]


def made(shape: Shape, rows: int = 50) -> tuple[Flat, Mlp, Floats]:
    random = np.random.default_rng(len(shape.hidden))
    flat = Flat(shape.weights())
    flat.values[:] = random.normal(size=flat.values.size) * 0.4
    return flat, Mlp(shape, flat, rows=8), random.normal(size=(rows, shape.inputs)).astype(np.float32)


def smelu(x: Tensor, beta: float) -> Tensor:
    return torch.where(x.abs() < beta, (x + beta).square() / (4 * beta), x.clamp(min=0))


def in_torch(shape: Shape, weights: dict[str, Tensor], x_BI: Tensor, base_BL: Tensor) -> Tensor:
    logit_BL, h = base_BL, x_BI
    for layer in range(len(shape.hidden)):
        z = h @ weights[f"{ORDINALS[layer]}.weight"] + weights[f"{ORDINALS[layer]}.bias"]
        if layer == 0:
            logit_BL = logit_BL + (z[:, : shape.skip] if shape.skip else 0)
            z = z[:, shape.skip :]
        h = smelu(z, shape.smelu) if shape.smelu else z.relu()
    return logit_BL + h @ weights["head.weight"] + weights.get("head.bias", torch.zeros(()))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_scores_and_gradients_are_those_of_autograd(shape: Shape) -> None:
    flat, mlp, x_BI = made(shape)
    random = np.random.default_rng(3)
    base_BL = random.normal(size=(len(x_BI), shape.outputs)).astype(np.float32)
    value_BL = (random.random(base_BL.shape) < 0.3).astype(np.float32)
    weight_BL = (random.random(base_BL.shape) * (random.random(base_BL.shape) < 0.8)).astype(np.float32)
    weights = {name: torch.from_numpy(w.copy()).requires_grad_() for name, w in flat.named.items()}
    x = torch.from_numpy(x_BI.copy()).requires_grad_()
    theirs = in_torch(shape, weights, x, torch.from_numpy(base_BL.copy()))
    expected = masked_log_loss(theirs, torch.from_numpy(value_BL), torch.from_numpy(weight_BL))
    expected.backward()  # type: ignore[no-untyped-call]

    mlp.inputs(len(x_BI))[:] = x_BI
    logit_BL, slope_BL = base_BL.copy(), np.empty_like(base_BL)
    mlp.forward(logit_BL)
    loss = log_loss(logit_BL, value_BL, weight_BL, slope_BL)
    dx_BI = mlp.backward(slope_BL)
    np.testing.assert_allclose(logit_BL, theirs.detach().numpy(), rtol=1e-5, atol=1e-5)
    assert loss == pytest.approx(float(expected.detach()), rel=1e-5)
    assert x.grad is not None
    np.testing.assert_allclose(dx_BI, x.grad.numpy(), rtol=1e-4, atol=1e-5)
    for name, weight in weights.items():
        assert weight.grad is not None
        np.testing.assert_allclose(flat.slopes[name], weight.grad.numpy(), rtol=1e-4, atol=2e-5, err_msg=name)


def test_a_longer_batch_gets_longer_buffers_and_a_shorter_one_reads_none_of_them() -> None:
    _, mlp, x_BI = made(SHAPES[1], rows=40)
    scores = []
    for rows in (40, 3, 40):
        logit_BL = np.zeros((rows, 3), np.float32)
        mlp.inputs(rows)[:] = x_BI[:rows]
        mlp.forward(logit_BL)
        scores.append(logit_BL)
    np.testing.assert_allclose(scores[1], scores[0][:3], atol=1e-6)
    assert np.array_equal(scores[0], scores[2])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("where", ["input", "logit", "value", "weight"])
def test_a_number_that_is_not_finite_shows_in_the_loss(bad: float, where: str) -> None:
    shape = Shape(20, (16, 8), 2, direct=True)
    _, mlp, x_BI = made(shape)
    logit_BL, value_BL, weight_BL = (np.full((len(x_BI), 2), y, np.float32) for y in (0, 1, 1))
    told = {"input": x_BI, "logit": logit_BL, "value": value_BL, "weight": weight_BL}
    told[where][7, 1] = bad
    weight_BL[7, 0] = 0
    mlp.inputs(len(x_BI))[:] = x_BI
    mlp.forward(logit_BL)
    assert not np.isfinite(log_loss(logit_BL, value_BL, weight_BL, np.empty_like(logit_BL)))


def test_a_masked_value_that_is_not_finite_shows_too() -> None:
    logit, weight = np.zeros((1, 2), np.float32), np.array([[1, 0]], np.float32)
    assert np.isnan(log_loss(logit, np.array([[1, np.inf]], np.float32), weight, logit.copy()))


def test_probabilities_hold_at_both_ends() -> None:
    logit = np.array([[-200.0, -1.0, 0.0, 1.0, 200.0]], np.float32)
    probability = np.empty_like(logit)
    sigmoid(logit, probability)
    expected = torch.sigmoid(torch.from_numpy(logit)).numpy()
    np.testing.assert_allclose(probability, expected, rtol=1e-6)


def test_too_many_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="7 hidden layers"):
        Shape(3, (2,) * 7, 1).weights()
