"""Bags of rows against autograd and plain loops: distinct rows, weighted sums, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from learners.kernels.bags import Ints32, place_all, place_some, scatter, sum_bags, sum_lines
from learners.kernels.flat import Floats, aligned
from learners.learner import Ints

WIDTH, LINE = 5, 16


@dataclass
class World:
    """A table of lines, and bags of its rows; some are empty, some repeat a row."""

    lines_RX: Floats
    row_N: Ints
    weight_N: Floats
    count_G: Ints

    @property
    def starts(self) -> Ints:
        return np.cumsum(self.count_G) - self.count_G

    @property
    def owners(self) -> Ints:
        return np.repeat(np.arange(len(self.count_G)), self.count_G)

    def placed(self, stamp: int) -> tuple[Ints32, Ints]:
        slot_N, row_U = np.empty(len(self.row_N), np.int32), np.empty(len(self.row_N) + 1, np.int64)
        rows = place_all(self.lines_RX, self.lines_RX.view(np.int32), stamp, self.row_N, slot_N, row_U)
        return slot_N, row_U[:rows]


@pytest.fixture
def world() -> World:
    random = np.random.default_rng(4)
    count_G = random.integers(0, 6, 40)
    size = int(count_G.sum())
    lines_RX = aligned(30, LINE)
    lines_RX[:, :WIDTH] = random.normal(size=(30, WIDTH))
    return World(lines_RX, random.integers(0, 30, size), random.normal(size=size).astype(np.float32), count_G)


def test_distinct_rows_stand_in_order_of_first_appearance(world: World) -> None:
    slot_N, row_U = world.placed(1)
    assert row_U.tolist() == [*dict.fromkeys(world.row_N.tolist())]
    assert np.array_equal(row_U[slot_N], world.row_N)


def test_a_step_knows_nothing_of_the_one_before(world: World) -> None:
    world.placed(1)
    world.row_N = world.row_N[::-1].copy()
    _, row_U = world.placed(2)
    assert row_U.tolist() == [*dict.fromkeys(world.row_N.tolist())]


def test_placing_touches_no_weight(world: World) -> None:
    before = world.lines_RX[:, :-2].tobytes()
    world.placed(1)
    assert world.lines_RX[:, :-2].tobytes() == before


def test_some_bags_place_their_own_rows_only(world: World) -> None:
    bag_M = np.array([7, 3, 7, 20, 39])
    slot_N, row_U = np.full(len(world.row_N), -1, np.int32), np.empty(len(world.row_N) + 1, np.int64)
    ints_RX = world.lines_RX.view(np.int32)
    told = world.starts, world.count_G
    rows = place_some(world.lines_RX, ints_RX, 5, world.row_N, bag_M, *told, slot_N, row_U)
    mine_N = np.isin(world.owners, bag_M)
    assert row_U[:rows].tolist() == [
        *dict.fromkeys(row for bag in bag_M for row in world.row_N[world.owners == bag].tolist())
    ]
    assert np.array_equal(row_U[slot_N[mine_N]], world.row_N[mine_N])
    assert (slot_N[~mine_N] == -1).all()


def test_sums_and_gradients_are_those_of_autograd(world: World) -> None:
    slot_N, row_U = world.placed(1)
    random = np.random.default_rng(5)
    stat_US = random.normal(size=(len(row_U), 3)).astype(np.float32)
    line_UW = torch.from_numpy(world.lines_RX[row_U, :WIDTH].copy()).requires_grad_()
    place_NW = torch.cat([line_UW, torch.from_numpy(stat_US)], 1)[torch.from_numpy(slot_N).long()]
    theirs_GW = torch.zeros(len(world.count_G), WIDTH + 3).index_add(
        0, torch.from_numpy(world.owners), place_NW * torch.from_numpy(world.weight_N)[:, None]
    )
    sum_GW = np.full(theirs_GW.shape, np.nan, np.float32)
    told = world.weight_N, world.starts, world.count_G
    sum_lines(world.lines_RX, world.row_N, stat_US, slot_N, *told, WIDTH, sum_GW)
    np.testing.assert_allclose(sum_GW, theirs_GW.detach().numpy(), atol=1e-6)

    grad_GW = random.normal(size=(len(world.count_G), WIDTH)).astype(np.float32)
    (theirs_GW[:, :WIDTH] * torch.from_numpy(grad_GW)).sum().backward()  # type: ignore[no-untyped-call]
    grad_UX = np.full((len(row_U), LINE), np.nan, np.float32)
    bags = np.arange(len(world.count_G)), world.starts, world.count_G
    scatter(grad_GW, *bags, slot_N, world.weight_N, len(row_U), WIDTH, grad_UX)
    assert line_UW.grad is not None
    np.testing.assert_allclose(grad_UX[:, :WIDTH], line_UW.grad.numpy(), atol=1e-5)
    assert np.isnan(grad_UX[:, WIDTH:]).all()


def test_a_bag_that_is_asked_for_twice_is_summed_and_scattered_twice(world: World) -> None:
    slot_N, row_U = world.placed(1)
    bag = int(world.count_G.argmax())
    bag_M, sum_MW = np.array([bag, bag]), np.empty((2, WIDTH), np.float32)
    bags = bag_M, world.starts, world.count_G
    sum_bags(world.lines_RX, world.row_N, world.weight_N, *bags, sum_MW)
    assert np.array_equal(sum_MW[0], sum_MW[1])
    grad_UX = np.zeros((len(row_U), LINE), np.float32)
    scatter(np.ones((2, WIDTH), np.float32), *bags, slot_N, world.weight_N, len(row_U), WIDTH, grad_UX)
    mine_N = world.owners == bag
    expected_U = 2 * np.bincount(slot_N[mine_N], world.weight_N[mine_N], len(row_U))
    np.testing.assert_allclose(grad_UX[:, 0], expected_U, atol=1e-6)


def test_an_empty_batch_reads_nothing(world: World) -> None:
    world.row_N = world.row_N[:0]
    _, row_U = world.placed(1)
    assert len(row_U) == 0
