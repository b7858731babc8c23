"""Rows of weights with their optimizer state.

Start values are a function of the row number alone, so it does not matter when or beside whom a row was made.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from learners.tables.mixing import mixed


class Table:
    """Rows of float weights, each with its accumulators beside it; grows to as many rows as the map has."""

    def __init__(self, *, width: int, state: int, scale: Sequence[float], device: torch.device | str = "cpu") -> None:
        self._device = torch.device(device)
        self._scale = torch.tensor(scale, dtype=torch.float32, device=self._device)
        self._state_width = state
        self._width = width
        self.weight = torch.empty((0, width), dtype=torch.float32, device=self._device)
        self.state = torch.empty((0, state), dtype=torch.float32, device=self._device)
        self._size = 0

    def grow(self, size: int, floor: float) -> None:
        """Give rows up to `size` their start: weights by their number, accumulators at the floor."""
        if size > len(self.weight):
            capacity = max(64, size, 2 * len(self.weight))
            self.weight = torch.cat([self.weight, self.weight.new_zeros(capacity - len(self.weight), self._width)])
            self.state = torch.cat([self.state, self.state.new_zeros(capacity - len(self.state), self._state_width)])
        if size > self._size:
            self.reset(torch.arange(self._size, size, device=self._device), floor)
            self._size = size

    def reset(self, rows: Tensor, floor: float) -> None:
        """Give rows their start again."""
        self.weight[rows] = start_values(rows, self._width) * self._scale
        self.state[rows] = floor

    def load(self, weight: Tensor, state: Tensor) -> None:
        """Become these rows."""
        self._size = len(weight)
        self.weight, self.state = weight.to(self._device), state.to(self._device)


def start_values(rows: Tensor, width: int) -> Tensor:
    """Uniform on [-1, 1), a function of row and column alone.

    >>> bool((start_values(torch.tensor([5, 9]), 4)[1] == start_values(torch.tensor([9]), 4)[0]).all())
    True
    """
    columns = torch.arange(width, dtype=torch.int64, device=rows.device)
    bits = mixed(rows[:, None] + 1, columns[None, :] + 1)
    return ((bits & 0xFFFFFF).to(torch.float32) - float(1 << 23)) / float(1 << 23)
