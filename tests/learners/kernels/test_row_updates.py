"""Rows updated in place by kernels, against the functions in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from learners.kernels.row_updates import squared_norm_of_rows
from learners.optimizers.host_steps import HostRows
from learners.optimizers.row_steps import moved_rows
from learners.optimizers.rules import Adagrad, Adam, Clippy, Ftrl, RowRules, Sgd

ROWS, TOUCHED = 300, 120
RULES = {
    "adagrad": RowRules(),
    "plain adagrad": RowRules(Adagrad(rate=0.1, decay=1.0, floor=0.1)),
    "adagrad of two kinds": RowRules(Adagrad(floor=2.0), linear=Adagrad(rate=0.2, decay=0.9)),
    "adam": RowRules(Adam(rate=0.01, second=0.999)),
    "sgd": RowRules(Sgd(rate=0.02)),
    "ftrl for the linear part": RowRules(linear=Ftrl(alpha=0.1, l1=0.3, l2=0.2)),
    "clippy": RowRules(Adagrad(rate=0.5), clippy=Clippy()),
    "clippy, adam": RowRules(Adam(rate=0.1), clippy=Clippy(0.1, 1e-3), linear=Ftrl()),
    "decay and a cap": RowRules(weight_decay=0.5, largest_norm=1.5),
    "everything": RowRules(linear=Ftrl(l1=0.1), clippy=Clippy(0.2), weight_decay=0.1, largest_norm=1.0),
}
GROUPS = {(8, 1): 16, (16, 1, 1): 64, (5,): 32, (7, 3): 32, (1,): 16}


def table(rules: RowRules, groups: tuple[int, ...], random: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    width, starts = sum(groups), rules.starts(groups)
    line_columns = 16 * -(-(width + len(starts) + 2) // 16)
    lines: Any = np.zeros((ROWS, line_columns), np.float32)
    lines[:, :width] = random.normal(size=(ROWS, width)) * (random.random((ROWS, 1)) < 0.8)
    lines[:, width : width + len(starts)] = starts
    return lines  # type: ignore[no-any-return]


def gradients(groups: tuple[int, ...], columns: int, random: Any) -> Any:
    """Of every size, and none at all for some groups of some rows."""
    grad = np.zeros((TOUCHED + 5, columns), np.float32)
    sizes = 10.0 ** random.integers(-3, 2, (TOUCHED + 5, 1))
    grad[:, : sum(groups)] = random.normal(size=(TOUCHED + 5, sum(groups))) * sizes
    grad[::7, : groups[0]] = 0
    grad[::11] = 0
    return grad


@pytest.mark.parametrize("groups", GROUPS, ids=str)
@pytest.mark.parametrize("name", RULES)
def test_rows_move_as_in_torch(name: str, groups: tuple[int, ...]) -> None:
    rules, random = RULES[name], np.random.default_rng(len(name) + len(groups))
    host, lines = HostRows(rules, groups), table(rules, groups, random)
    width, states = sum(groups), len(rules.starts(groups))
    value, state = (torch.from_numpy(part.copy()) for part in (lines[:, :width], lines[:, width : width + states]))
    least = []
    for step in range(6):
        row = random.permutation(ROWS)[: TOUCHED + 5]
        grad, at = gradients(groups, lines.shape[1], random), torch.from_numpy(row[:TOUCHED])
        moved = moved_rows(
            rules, value[at], torch.from_numpy(grad[:TOUCHED, :width]) * 0.5, state[at], groups, pace=1 / (1 + step)
        )
        factors = host.move(lines, row, grad, TOUCHED, scale=0.5, pace=1 / (1 + step))
        value[at], state[at] = moved.value_UW, moved.state_US
        if rules.clippy is not None:
            counted = grad_groups(grad, groups)
            assert factors.least == pytest.approx(float(moved.factor_UK.min()), rel=1e-5)
            assert factors.mean == pytest.approx(float(moved.factor_UK[counted].mean()), rel=1e-5)
            least.append(factors.least)
    unclipped = rules.clippy is None or (groups == (1,) and isinstance(rules.linear, Ftrl))
    assert (min(least, default=1.0) == 1.0) == unclipped
    np.testing.assert_allclose(lines[:, :width], value.numpy(), atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(lines[:, width : width + states], state.numpy(), atol=1e-6, rtol=2e-5)


def grad_groups(grad: Any, groups: tuple[int, ...]) -> Any:
    """Which groups of which rows have a gradient left (kernels write the step over it, which is 0 where it was)."""
    parts = np.split(grad[:TOUCHED, : sum(groups)], np.cumsum(groups)[:-1], axis=1)
    return torch.from_numpy(np.stack([(part != 0).any(1) for part in parts], 1))


@pytest.mark.parametrize("groups", GROUPS, ids=str)
def test_each_number_of_a_gradient_is_cut_after_it_is_scaled(groups: tuple[int, ...]) -> None:
    rules, random = RowRules(), np.random.default_rng(1)
    lines, width = table(rules, groups, random), sum(groups)
    row, grad = np.arange(TOUCHED), gradients(groups, lines.shape[1], random)
    cut = (torch.from_numpy(grad[:TOUCHED, :width]) * 0.5).clamp(-0.1, 0.1)
    before = torch.from_numpy(lines[:TOUCHED].copy())
    moved = moved_rows(rules, before[:, :width], cut, before[:, width : width + len(groups)], groups)
    HostRows(rules, groups).move(lines, row, grad, TOUCHED, scale=0.5, value=0.1)
    np.testing.assert_allclose(lines[:TOUCHED, :width], moved.value_UW.numpy(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", RULES)
def test_a_row_without_a_gradient_stays_as_it_is_bit_for_bit(name: str) -> None:
    rules, groups = RULES[name], (8, 1)
    lines = table(rules, groups, np.random.default_rng(5))
    before = lines.copy()
    grad = np.zeros((ROWS, lines.shape[1]), np.float32)
    grad[3, 8] = 1.0
    HostRows(rules, groups).move(lines, np.arange(ROWS), grad, ROWS, scale=1.0)
    assert np.array_equal(np.delete(lines, 3, axis=0), np.delete(before, 3, axis=0))
    assert np.array_equal(lines[3, :8], before[3, :8])
    assert lines[3, 8] != before[3, 8]


@pytest.mark.parametrize("name", RULES)
def test_the_largest_gradient_that_is_let_through_gives_finite_numbers(name: str) -> None:
    rules, groups = RULES[name], (8, 1)
    lines = table(rules, groups, np.random.default_rng(5))
    host = HostRows(rules, groups)
    for _ in range(50):
        grad = np.full((ROWS, lines.shape[1]), 1e15 / (9 * ROWS) ** 0.5, np.float32)
        host.move(lines, np.arange(ROWS), grad, ROWS, scale=1.0)
        assert np.isfinite(lines).all()


def test_the_norm_is_infinite_only_where_a_number_is() -> None:
    grad = np.full((10, 16), 3e38, np.float32)
    assert squared_norm_of_rows(grad, 10, 9) == pytest.approx(90 * float(np.float32(3e38)) ** 2)
    grad[:, 9:] = np.nan
    grad[8:] = np.inf
    assert np.isfinite(squared_norm_of_rows(grad, 8, 9))
    for bad in (np.nan, np.inf, -np.inf):
        grad[:8] = 1.0
        grad[5, 8] = bad
        assert not np.isfinite(squared_norm_of_rows(grad, 8, 9))
