"""One stage's weights on the host: rows as lines, dense weights as one flat vector, and their updates in place.

A step has two halves. Gradients are written and their norm is taken; then, if every stage and loss is finite and the
norm is bounded, all weights move. Nothing in the second half can fail, which is why it may write in place.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from learners.keeping import Arrays
from learners.kernels.bags import Ints32
from learners.kernels.dense_updates import squared_norm
from learners.kernels.flat import Flat, aligned
from learners.kernels.row_updates import squared_norm_of_rows
from learners.learner import Floats, Ints
from learners.models.two_stage_shape import LARGEST_NORM
from learners.optimizers.clipping import scale_of
from learners.optimizers.factors import Factors, together
from learners.optimizers.host_steps import HostDense, HostRows
from learners.optimizers.rules import UpdateRules
from learners.tables.host_lines import HostLines


class HostStage:
    """Rows whose columns are `groups`; the first group starts at random, within `scale`."""

    def __init__(
        self, weights: Mapping[str, Floats], rules: UpdateRules, *, groups: tuple[int, ...], scale: float
    ) -> None:
        self._rules = rules
        self._rows, shapes = HostRows(rules.rows, groups), {name: weight.shape for name, weight in weights.items()}
        self._dense = HostDense(rules.dense, list(shapes.values()))
        self.flat, self.width, self.steps = Flat(shapes), sum(groups), 0
        self.flat.fill(weights)
        scales = [scale] * groups[0] + [0.0] * (self.width - groups[0])
        self.rows = HostLines(np.array(scales, np.float32), self._rows.starts)
        self.row_U, self.slot_N = np.empty(1, np.int64), np.empty(0, np.int32)
        self.grad_UX: Floats = aligned(0, self.rows.lines.shape[1])
        self._count, self._scale, self._most, self.norm = 0, 0.0, 0.0, 0.0

    def room(self, ids: int) -> tuple[Ints32, Ints]:
        """Where the places of so many ids and their distinct rows go."""
        if ids > len(self.slot_N):
            self.slot_N, self.row_U = np.empty(2 * ids, np.int32), np.empty(2 * ids + 1, np.int64)
        return self.slot_N, self.row_U

    def gradients(self, rows: int) -> Floats:
        """Where the gradients of the first distinct rows go."""
        if rows > len(self.grad_UX):
            self.grad_UX = aligned(2 * rows, self.grad_UX.shape[1])
        self._count = rows
        return self.grad_UX

    def may_move(self, loss: float, weight: float) -> bool:
        """Whether gradients of a loss summed over `weight` rows can be learned from."""
        total = squared_norm_of_rows(self.grad_UX, self._count, self.width) + squared_norm(self.flat.grads)
        scale = scale_of(self._rules.clip, total, weight=weight)
        if scale is None or not np.isfinite(loss) or total > LARGEST_NORM**2:
            return False
        self._scale, self._most, self.norm = scale, self._rules.clip.value * weight, total**0.5 / weight
        return True

    def move(self) -> Factors:
        """The update, after `may_move` said yes; what Clippy did in it."""
        self.steps += 1
        flat, scale, most, pace = self.flat, self._scale, self._most, self._rules.schedule(self.steps)
        lines_RX = self.rows.lines
        rows = self._rows.move(lines_RX, self.row_U, self.grad_UX, self._count, scale=scale, value=most, pace=pace)
        dense = self._dense.move(flat.values, flat.grads, scale=scale, step=self.steps, value=most, pace=pace)
        return together([rows, dense])

    def dump(self, name: str, rows: int) -> Arrays:
        """Every array, for as many rows as there are."""
        weight_RW, state_RK = self.rows.weight[:rows], self.rows.state[:rows]
        return {f"{name}.rows": weight_RW.copy(), f"{name}.state": state_RK.copy()} | self.rest(name)

    def lines(self, name: str, row_M: Ints) -> Arrays:
        """Some rows with their state."""
        return {f"{name}.rows": self.rows.weight[row_M], f"{name}.state": self.rows.state[row_M]}

    def rest(self, name: str) -> Arrays:
        """What belongs to no row."""
        steps = np.array([self.steps], np.int64)
        arrays: Arrays = {"dense": self.flat.values, "moments": self._dense.state_SP, "steps": steps}
        return {f"{name}.{key}": array.copy() for key, array in arrays.items()}

    def load(self, name: str, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self.rows.load(arrays[f"{name}.rows"], arrays[f"{name}.state"])
        self.flat.values[:] = arrays[f"{name}.dense"]
        self._dense.state_SP[:] = arrays[f"{name}.moments"]
        self.steps = int(arrays[f"{name}.steps"][0])
