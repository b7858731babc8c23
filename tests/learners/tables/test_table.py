"""Rows start as their number says, wherever they live and however wide they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.tables.table import Table, _Lines, _Tensors, start_values

WIDTHS = [8, 9, 16, 30, 31, 64, 127, 256]


def test_a_row_starts_the_same_whenever_it_was_made() -> None:
    at_once, in_steps = (Table(width=6, state=1, scale=[0.1] * 6) for _ in range(2))
    at_once.grow(500, 1.0)
    for size in (1, 2, 70, 500):
        in_steps.grow(size, 1.0)
    assert torch.equal(at_once.weight[:500], in_steps.weight[:500])
    assert at_once.weight[:500].abs().max() <= 0.1
    assert abs(float(start_values(torch.arange(4000), 8).mean())) < 0.01


def test_a_reset_row_starts_again() -> None:
    table = Table(width=4, state=2, scale=[1.0] * 4)
    table.grow(10, 1.0)
    before = table.weight.clone()
    table.weight[3], table.state[3] = 7.0, 9.0
    table.reset(torch.tensor([3]), 1.0)
    assert torch.equal(table.weight, before)
    assert table.state[3].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_line_holds_weights_then_accumulators_then_two_integers_of_scratch(width: int) -> None:
    table = Table(width=width, state=2, scale=[0.5] * width)
    table.grow(100, 1.5)
    columns = table.lines.shape[1]
    assert columns % 16 == 0
    assert width + 4 <= columns < width + 4 + 16
    assert table.lines.ctypes.data % 64 == 0
    assert np.array_equal(table.lines[:, :width], table.weight.numpy())
    assert np.array_equal(table.lines[:, width : width + 2], table.state.numpy())
    table.weight[torch.tensor([3, 5])] = 4.0
    table.ints[7, -2:] = 11, 12
    assert table.lines[5, width - 1] == 4.0
    assert not np.array_equal(table.lines[7, -2:], [0.0, 0.0])


@pytest.mark.parametrize("width", WIDTHS)
def test_rows_on_the_host_start_as_rows_on_a_device_do(width: int) -> None:
    scale = np.array([0.1] * (width - 1) + [0.0], np.float32)
    host, device = _Lines(scale, 2, 1000), _Tensors(scale, 2, torch.device("cpu"))
    for store in (host, device):
        store.grow(0, 700, 1.0)
        store.reset(torch.tensor([5, 600]), 2.0)
    assert np.array_equal(
        host.weight[:700].numpy().view(np.int32), device.weight[:700].contiguous().numpy().view(np.int32)
    )
    assert torch.equal(host.state[:700], device.state[:700])


def test_a_table_that_outgrows_its_reserve_keeps_its_rows() -> None:
    small, large = (Table(width=8, state=1, scale=[0.1] * 8, reserve=reserve) for reserve in (100, 10_000))
    for size in (90, 150, 2000):
        small.grow(size, 1.0)
        large.grow(size, 1.0)
    assert np.array_equal(small.lines, large.lines)
    assert small.lines.ctypes.data % 64 == 0


def test_growing_within_the_reserve_moves_nothing() -> None:
    table = Table(width=8, state=1, scale=[0.1] * 8)
    table.grow(10, 1.0)
    before = table.lines.ctypes.data
    table.grow(100_000, 1.0)
    assert table.lines.ctypes.data == before


def test_a_loaded_table_has_no_scratch_and_grows_on() -> None:
    table, other = (Table(width=8, state=1, scale=[0.1] * 8) for _ in range(2))
    table.grow(50, 1.0)
    table.ints[:, -2:] = 9
    table.weight[4] = 3.0
    other.grow(60, 1.0)
    other.ints[:, -2:] = 9
    other.load(table.weight.clone(), table.state.clone())
    table.grow(80, 1.0)
    other.grow(80, 1.0)
    assert torch.equal(other.weight, table.weight)
    assert not other.ints[:, -2:].any()


def test_a_reset_row_has_no_scratch() -> None:
    table = Table(width=8, state=1, scale=[0.1] * 8)
    table.grow(5, 1.0)
    table.ints[:, -2:] = 9
    table.reset(np.array([2]), 1.0)
    assert table.ints[:, -1].tolist() == [9, 9, 0, 9, 9]


def test_a_scale_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="8 columns, `scale` names 3"):
        Table(width=8, state=1, scale=[0.1] * 3)
