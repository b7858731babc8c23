"""SmeLU is its formula, and has a slope everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from learners.kernels.flat import Flat
from learners.kernels.mlp import Mlp
from learners.models.activations import smelu
from learners.models.deepfm import DeepFM
from learners.models.layers import logits


@pytest.mark.parametrize("half", [0.1, 0.7, 2.0])
def test_it_is_its_formula(half: float) -> None:
    x = torch.cat([torch.linspace(-3, 3, 601), torch.tensor([half, -half])]).double().requires_grad_()
    told = [0.0 if at <= -half else at if at >= half else (at + half) ** 2 / (4 * half) for at in x.tolist()]
    value = smelu(x, half)
    torch.testing.assert_close(value, torch.tensor(told, dtype=torch.float64))
    slope = torch.autograd.grad(value.sum(), x)[0]
    torch.testing.assert_close(slope, ((x + half) / (2 * half)).clamp(0, 1).detach())


def test_without_a_bend_it_is_relu() -> None:
    x = torch.linspace(-1, 1, 11)
    assert torch.equal(smelu(x, 0.0), x.relu())


def test_layers_on_kernels_bend_as_in_torch() -> None:
    shape = DeepFM(("a", "b", "c"), askers=1, labels=2, dim=8, hidden=(16, 4), smelu=0.3)
    weights, random = shape.start(3), torch.Generator().manual_seed(1)
    for weight in weights.values():
        weight += torch.rand(weight.shape, generator=random).numpy() - 0.5
    row_BFW = torch.randn(9, 3, shape.dim + shape.labels + shape.stats, generator=random)
    cross_BX, base_L = torch.randn(9, shape.crosses, generator=random), torch.tensor([0.5, -1.0])
    told = {name: torch.from_numpy(weight) for name, weight in weights.items()}
    theirs = logits(shape, told, row_BFW, cross_BX, base_L)

    flat = Flat(shape.layers.weights())
    flat.fill(weights)
    mlp, vector_BFd = Mlp(shape.layers, flat), row_BFW[..., :8]
    gram_BFF, stat_BK = torch.bmm(vector_BFd, vector_BFd.mT), row_BFW[..., 10:].flatten(1)
    x_BI = torch.cat([vector_BFd.flatten(1), gram_BFF.flatten(1), stat_BK, cross_BX], 1)
    mlp.inputs(9)[:] = x_BI.numpy()
    ours = (row_BFW[..., 8:10].sum(1) + base_L).numpy()
    mlp.forward(ours)
    torch.testing.assert_close(torch.from_numpy(ours), theirs, atol=1e-4, rtol=1e-4)
    bare = logits(replace(shape, smelu=0.0), told, row_BFW, cross_BX, base_L)
    assert not torch.allclose(bare, theirs, atol=1e-2)
