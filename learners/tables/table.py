"""Rows of weights with their optimizer state.

Start values are a function of the row number alone, so it does not matter when or beside whom a row was made. On the
host a row is one line of whole cache lines, `weights | accumulators | .. | slot | stamp`, in reserved memory: reading
a row brings its state along, and growing copies nothing. The last two are scratch of the step under way, never kept.
On a device, weights and state are tensors of their own that double. Which id has which row is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.tables.host_lines import RESERVE, HostLines
from learners.tables.mixing import mixed

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]
Longs = NDArray[np.int64]


class Table:
    """Rows of float weights, each with its accumulators beside it; grows to as many rows as the map has.

    >>> table = Table(width=8, state=2, scale=[0.1] * 8)
    >>> table.grow(3, 1.0); table.lines.shape, table.weight.shape, table.state.tolist()[0]
    ((3, 16), torch.Size([3, 8]), [1.0, 1.0])
    """

    def __init__(
        self,
        *,
        width: int,
        state: int,
        scale: Sequence[float],
        device: torch.device | str = "cpu",
        reserve: int = RESERVE,
    ) -> None:
        if len(scale) != width:
            raise ValueError(f"a row has {width} columns, `scale` names {len(scale)}: give one number for each column")
        self._width, self._state_width, self._reserve = width, state, reserve
        self._device, self._size = torch.device(device), 0
        self._scale_W: Floats = np.array(scale, np.float32)
        self._store: _Lines | _Tensors = self._empty()

    def __len__(self) -> int:
        return self._size

    @property
    def lines(self) -> Floats:
        """Whole lines, [R, X], X a multiple of 16; on the host only. Take it anew after `grow`."""
        return self._host.rows.lines

    @property
    def ints(self) -> Integers:
        """The same as int32: `[X - 2]` is the slot of a row in its batch, `[X - 1]` the step that set it (from 1)."""
        return self.lines.view(np.int32)

    @property
    def weight(self) -> Tensor:
        """[R, W], writable by index."""
        return self._store.weight[: self._size]

    @property
    def state(self) -> Tensor:
        """[R, K], writable by index."""
        return self._store.state[: self._size]

    def grow(self, size: int, floor: float) -> None:
        """Give rows up to `size` their start: weights by their number, accumulators at the floor."""
        if size > self._size:
            self._store.grow(self._size, size, floor)
            self._size = size

    def reset(self, rows: Tensor | Longs, floor: float) -> None:
        """Give rows their start again."""
        if len(rows):
            self._store.reset(rows, floor)

    def load(self, weight: Tensor | Floats, state: Tensor | Floats) -> None:
        """Become these rows."""
        self._store, self._size = self._empty(), len(weight)
        self._store.load(torch.as_tensor(weight), torch.as_tensor(state))

    @property
    def _host(self) -> _Lines:
        if isinstance(self._store, _Lines):
            return self._store
        raise ValueError(f"lines are for kernels on the host, this table is on {self._device}: use `weight`, `state`")

    def _empty(self) -> _Lines | _Tensors:
        if self._device.type == "cpu":
            return _Lines(self._scale_W, self._state_width, self._reserve)
        return _Tensors(self._scale_W, self._state_width, self._device)


class _Lines:
    """Rows on the host."""

    def __init__(self, scale_W: Floats, state: int, reserve: int) -> None:
        self.rows = HostLines(scale_W, (0.0,) * state, reserve=reserve)
        self._view()

    def grow(self, before: int, size: int, floor: float) -> None:
        self.rows.grow(size)
        self.rows.state[before:] = floor
        self._view()

    def reset(self, rows: Tensor | Longs, floor: float) -> None:
        row_N = np.asarray(rows, np.int64)
        self.rows.reset(row_N)
        self.rows.state[row_N] = floor

    def load(self, weight: Tensor, state: Tensor) -> None:
        self.rows.load(weight.numpy(), state.numpy())
        self._view()

    def _view(self) -> None:
        self.weight, self.state = torch.from_numpy(self.rows.weight), torch.from_numpy(self.rows.state)


class _Tensors:
    """Rows on a device."""

    def __init__(self, scale_W: Floats, state: int, device: torch.device) -> None:
        self._scale_W = torch.from_numpy(scale_W).to(device)
        self.weight = torch.zeros((64, len(scale_W)), device=device)
        self.state = torch.zeros((64, state), device=device)

    def grow(self, before: int, size: int, floor: float) -> None:
        self._reach(size)
        self.reset(torch.arange(before, size), floor)

    def reset(self, rows: Tensor | Longs, floor: float) -> None:
        row_N = torch.as_tensor(rows).to(self.weight.device)
        start_NW = start_values(row_N, self.weight.shape[1])
        self.weight[row_N] = start_NW * self._scale_W + 0.0  # no zero below zero
        self.state[row_N] = floor

    def load(self, weight: Tensor, state: Tensor) -> None:
        self._reach(len(weight))
        self.weight[: len(weight)], self.state[: len(state)] = weight, state

    def _reach(self, size: int) -> None:
        if size > len(self.weight):
            more = max(size, 2 * len(self.weight)) - len(self.weight)
            self.weight = torch.cat([self.weight, self.weight.new_zeros(more, self.weight.shape[1])])
            self.state = torch.cat([self.state, self.state.new_zeros(more, self.state.shape[1])])


def start_values(rows: Tensor, width: int) -> Tensor:
    """Uniform on [-1, 1), a function of row and column alone.

    >>> bool((start_values(torch.tensor([5, 9]), 4)[1] == start_values(torch.tensor([9]), 4)[0]).all())
    True
    """
    columns = torch.arange(width, dtype=torch.int64, device=rows.device)
    bits = mixed(rows[:, None] + 1, columns[None, :] + 1)
    return ((bits & 0xFFFFFF).to(torch.float32) - float(1 << 23)) / float(1 << 23)
