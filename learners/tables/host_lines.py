"""Rows on the host as lines, spoken to in numpy: `weights | state | .. | slot | stamp`, whole cache lines.

In reserved memory, so growing copies nothing. The last two are scratch of the step under way, never kept. `table.py` is
the same on any device, in torch.
"""

from __future__ import annotations

import numpy as np

from learners.kernels.bags import Ints32
from learners.kernels.row_starts import start_range, start_rows
from learners.learner import Floats, Ints
from learners.tables.reserved import Stretch

RESERVE = 1 << 27
"""Rows for which addresses are reserved; with more of them they are copied once it gets there."""
LAST_STAMP = 2**31 - 2


class HostLines:
    """Rows of `len(scale_W)` weights, which start at random within `scale_W`, and of state, which starts as told.

    >>> rows = HostLines(np.full(8, 0.1, np.float32), (1.0, 1.0)); rows.grow(3)
    >>> rows.lines.shape, rows.state.tolist()[0], rows.stamped(), rows.stamped()
    ((3, 16), [1.0, 1.0], 1, 2)
    """

    def __init__(self, scale_W: Floats, starts: tuple[float, ...], *, reserve: int = RESERVE) -> None:
        self._scale_W, self._starts, self._size, self._stamp = scale_W, np.array(starts, np.float32), 0, 0
        self._width, self._reserve = len(scale_W), reserve
        self._stretch = self._empty()

    def __len__(self) -> int:
        return self._size

    @property
    def lines(self) -> Floats:
        """Weights, state, and at the end two integers of scratch, [R, X]."""
        lines_RX: Floats = self._stretch.array[: self._size]
        return lines_RX

    @property
    def ints(self) -> Ints32:
        """The same as integers."""
        return self.lines.view(np.int32)

    @property
    def weight(self) -> Floats:
        return self.lines[:, : self._width]

    @property
    def state(self) -> Floats:
        return self.lines[:, self._width : self._width + len(self._starts)]

    def grow(self, size: int) -> None:
        """Give rows up to `size` their start, a function of their number."""
        if size > self._size:
            first, self._size = self._size, size
            start_range(self._stretch.reach(size), first, size, self._scale_W, len(self._starts), np.float32(0))
            self.state[first:] = self._starts

    def reset(self, row_N: Ints) -> None:
        """Give rows their start again."""
        start_rows(self.lines, row_N, self._scale_W, len(self._starts), np.float32(0))
        self.state[row_N] = self._starts

    def load(self, weight_RW: Floats, state_RK: Floats) -> None:
        """Become these rows."""
        self._stretch, self._size = self._empty(), len(weight_RW)
        self._stretch.reach(self._size)
        self.weight[:], self.state[:] = weight_RW, state_RK

    def stamped(self) -> int:
        """A number that no line bears yet, for the step that begins."""
        if self._stamp == LAST_STAMP:
            self.ints[:, -1] = 0
            self._stamp = 0
        self._stamp += 1
        return self._stamp

    def _empty(self) -> Stretch:
        self._stamp = 0
        width = self._width + len(self._starts) + 2
        return Stretch(np.float32, (-(-width // 16) * 16,), reserve=self._reserve)
