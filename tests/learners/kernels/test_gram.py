"""Inputs in parts, and back, against the whole first layer in autograd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from learners.kernels.gram import add_shared, row_back, row_inputs, side_back, side_inputs, sum_shared
from learners.learner import Floats, Ints
from learners.models.deepfm import DeepFM
from learners.models.first_parts import FirstParts

SHOTS, ITEMS, ROWS = 6, 9, 40


@dataclass
class World:
    """Bags of a batch; the last items and one asker are no row's."""

    shape: DeepFM
    sum_GW: Floats
    shot_R: Ints
    item_R: Ints
    cross_RX: Floats

    @property
    def counts(self) -> Ints:
        askers = self.shape.askers - 1
        return np.array([askers, SHOTS, len(self.shape.fields) - askers - 1, ITEMS])

    def whole(self, weight_IJ: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        """The first product of each row, and its fields' own weights, over all inputs."""
        askers, _, shown, _ = self.counts.tolist()
        asked = np.arange(askers) * SHOTS + self.shot_R[:, None]
        items = askers * SHOTS + np.arange(shown) * ITEMS + self.item_R[:, None]
        places = askers * SHOTS + shown * ITEMS + np.arange(ROWS)[:, None]
        row_RFW = sums[torch.from_numpy(np.concatenate([asked, places, items], axis=1))]
        d, L = self.shape.dim, self.shape.labels
        vector = row_RFW[..., :d]
        gram = vector @ vector.transpose(1, 2)
        parts = [vector.flatten(1), gram.flatten(1), row_RFW[..., d + L :].flatten(1), torch.from_numpy(self.cross_RX)]
        own = row_RFW[:, torch.from_numpy(self.shape.speaks), d : d + L].sum(1)
        return torch.cat(parts, 1) @ weight_IJ, own


@pytest.fixture(params=[(3, 2, 8, 1), (7, 4, 16, 2), (1, 5, 4, 3)], ids=str)
def world(request: pytest.FixtureRequest) -> World:
    askers, shown, dim, labels = request.param
    fields = tuple(f"f{f}" for f in range(askers + 1 + shown))
    shape = DeepFM(fields, askers + 1, labels, dim=dim, hidden=(12, 4), readers=(0, len(fields) - 1))
    random, bags = np.random.default_rng(askers), askers * SHOTS + shown * ITEMS + ROWS
    sum_GW = random.normal(size=(bags, dim + labels + shape.stats)).astype(np.float32)
    cross_RX = random.normal(size=(ROWS, shape.crosses)).astype(np.float32)
    return World(shape, sum_GW, random.integers(SHOTS - 1, size=ROWS), random.integers(ITEMS - 2, size=ROWS), cross_RX)


def test_parts_together_are_the_whole_layer_and_its_gradients(world: World) -> None:
    shape, random = world.shape, np.random.default_rng(9)
    weight_IJ = random.normal(size=(shape.inputs, shape.labels + 12)).astype(np.float32)
    weight, sums = (torch.from_numpy(one.copy()).requires_grad_() for one in (weight_IJ, world.sum_GW))
    theirs_RJ, own = world.whole(weight, sums)
    d_RJ = random.normal(size=theirs_RJ.shape).astype(np.float32)
    slope_RL = d_RJ[:, : shape.labels].copy()
    ((theirs_RJ * torch.from_numpy(d_RJ)).sum() + (own * torch.from_numpy(slope_RL)).sum()).backward()  # type: ignore[no-untyped-call]

    parts, dim, speaks = FirstParts(shape), shape.dim, shape.speaks
    parts.take(weight_IJ)
    askers = shape.askers - 1
    x_RI = np.empty((ROWS, len(parts.row)), np.float32)
    own_RL = np.empty((ROWS, shape.labels), np.float32)
    row_inputs(world.sum_GW, world.counts, world.shot_R, world.item_R, dim, world.cross_RX, x_RI, own_RL)
    z_RJ = x_RI @ parts.row.weight_IJ
    grad_GW = np.full((len(world.sum_GW), dim + shape.labels), np.nan, np.float32)
    sides = (
        (parts.asker, 0, SHOTS, SHOTS, speaks[:askers], world.shot_R),
        (parts.item, askers * SHOTS, ITEMS, ITEMS - 2, speaks[askers + 1 :], world.item_R),
    )
    for part, first, owners, many, told, owner_R in sides:
        x_NI, own_NL = np.empty((many, len(part)), np.float32), np.empty((many, shape.labels), np.float32)
        side_inputs(world.sum_GW, first, owners, dim, told, x_NI, own_NL)
        add_shared(x_NI @ part.weight_IJ, owner_R, z_RJ)
        add_shared(own_NL, owner_R, own_RL)
        d_NJ = np.empty((many, d_RJ.shape[1]), np.float32)
        sum_shared(d_RJ, owner_R, d_NJ)
        part.slope_IJ[:] = x_NI.T @ d_NJ
        slope_NL = d_NJ[:, : shape.labels].copy()
        side_back(d_NJ @ part.weight_IJ.T, x_NI, slope_NL, first, owners, dim, told, grad_GW)
    parts.row.slope_IJ[:] = x_RI.T @ d_RJ
    dx_RI = d_RJ @ parts.row.weight_IJ.T
    row_back(dx_RI, slope_RL, world.sum_GW, world.counts, world.shot_R, world.item_R, dim, grad_GW)
    slope_IJ = np.full_like(weight_IJ, np.nan)
    parts.put(slope_IJ)

    assert weight.grad is not None
    assert sums.grad is not None
    np.testing.assert_allclose(z_RJ, theirs_RJ.detach().numpy(), atol=1e-3, rtol=1e-4)
    np.testing.assert_allclose(own_RL, own.detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(slope_IJ, weight.grad.numpy(), atol=1e-3, rtol=1e-4)
    np.testing.assert_allclose(grad_GW, sums.grad.numpy()[:, : grad_GW.shape[1]], atol=2e-3, rtol=1e-4)


def test_every_input_belongs_to_one_part(world: World) -> None:
    parts = FirstParts(world.shape)
    lines = np.zeros((world.shape.inputs, 13 + world.shape.labels - 1), np.float32)
    for part in (parts.asker, parts.item, parts.row):
        part.slope_IJ[:] = 1
        lines_of = np.zeros_like(lines)
        part.put(lines_of)
        lines += lines_of
    assert (lines == 1).all()
