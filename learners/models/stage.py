"""One stage's weights in torch: its rows, its dense weights, and their optimizer state, updated together or not at all.

`proposed` computes every new value and says whether all of them are numbers; `assign` writes. Between the two the
other stages get to say no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.models.dense import Dense
from learners.models.two_stage_shape import LARGEST_NORM
from learners.optimizers.clipping import scale_of
from learners.optimizers.dense_steps import moved_dense
from learners.optimizers.factors import Factors, together
from learners.optimizers.finite import all_finite
from learners.optimizers.row_steps import moved_rows
from learners.optimizers.rules import UpdateRules
from learners.tables.table import Table


@dataclass(frozen=True, slots=True)
class Leaves:
    """What a gradient is asked for: the distinct rows of a batch, and the dense weights."""

    row_U: Tensor
    line_UW: Tensor
    flat: Tensor


@dataclass(frozen=True, slots=True)
class Update:
    """New values, not yet assigned, the norm of the gradient before the clip, and what Clippy did."""

    row_U: Tensor
    new: tuple[Tensor, Tensor, Tensor, Tensor]
    norm: float
    factors: Factors


class Stage:
    """Rows whose columns share accumulators by `groups`; the first group starts at random, within `scale`."""

    def __init__(
        self,
        weights: Mapping[str, Floats],
        rules: UpdateRules,
        *,
        groups: tuple[int, ...],
        scale: float,
        device: torch.device,
    ) -> None:
        self._rules, self._groups = rules, groups
        scales = [scale] * groups[0] + [0.0] * (sum(groups) - groups[0])
        self._starts = torch.tensor(rules.rows.starts(groups), device=device)
        self.table = Table(width=sum(groups), state=len(self._starts), scale=scales, device=device)
        self._dense = Dense({name: torch.from_numpy(weight.copy()) for name, weight in weights.items()})
        self._flat = self._dense.flat.to(device)
        self._moments = torch.full((rules.dense.lines, len(self._flat)), rules.dense.start, device=device)
        self._steps = 0

    @property
    def weights(self) -> dict[str, Tensor]:
        """The dense weights by name."""
        return self._dense.named(self._flat)

    def named(self, leaves: Leaves) -> dict[str, Tensor]:
        """The same, as leaves of a gradient."""
        return self._dense.named(leaves.flat)

    def leaves(self, row_U: Tensor) -> Leaves:
        """What a batch reads of this stage."""
        line_UW = self.table.weight[row_U].requires_grad_()
        return Leaves(row_U, line_UW, self._flat.detach().requires_grad_())

    def grow(self, rows: int) -> None:
        """Give every row its weights."""
        first = len(self.table)
        self.table.grow(rows, 0.0)
        self.table.state[first:] = self._starts

    def reset(self, row_N: Tensor) -> None:
        """Start rows again."""
        self.table.reset(row_N, 0.0)
        self.table.state[row_N] = self._starts

    def proposed(self, leaves: Leaves, loss: Tensor, weight: float) -> Update | None:
        """The update from a loss summed over `weight` rows, or None where anything in it is not finite."""
        line_g, flat_g = torch.autograd.grad(loss, (leaves.line_UW, leaves.flat))
        total = float(line_g.double().square().sum() + flat_g.double().square().sum())
        scale = scale_of(self._rules.clip, total, weight=weight)
        if scale is None or total > LARGEST_NORM**2 or not all_finite([loss.detach()]):
            return None
        step, most = self._steps + 1, self._rules.clip.value * weight
        line_g, flat_g = ((grad * scale).clamp(-most, most) for grad in (line_g, flat_g))
        rules, pace, state_UK = self._rules, self._rules.schedule(step), self.table.state[leaves.row_U]
        rows = moved_rows(rules.rows, leaves.line_UW.detach(), line_g, state_UK, self._groups, pace)
        shapes = self._dense.shapes
        dense = moved_dense(rules.dense, leaves.flat.detach(), flat_g, self._moments, shapes, step=step, pace=pace)
        new = rows.value_UW, rows.state_US, dense.value_P, dense.state_SP
        if not all_finite(new):
            return None
        clippy = rules.rows.clippy or rules.dense.clippy  # else nothing is asked of the device
        told = [rows.factor_UK, dense.factor_L] if clippy and len(rows.factor_UK) else []
        factors = together([Factors(float(part.min()), float(part.mean())) for part in told])
        return Update(leaves.row_U, new, total**0.5 / weight, factors)

    def assign(self, update: Update) -> None:
        """Take the new values."""
        self.table.weight[update.row_U], self.table.state[update.row_U] = update.new[:2]
        self._flat, self._moments = update.new[2:]
        self._steps += 1

    def dump(self, name: str, rows: int) -> Arrays:
        """Every array, for as many rows as there are."""
        return self._rows(name, self.table.weight[:rows], self.table.state[:rows]) | self.rest(name)

    def lines(self, name: str, row_M: Ints) -> Arrays:
        """Some rows with their state."""
        at_M = torch.as_tensor(row_M).to(self._flat.device)
        return self._rows(name, self.table.weight[at_M], self.table.state[at_M])

    def rest(self, name: str) -> Arrays:
        """What belongs to no row."""
        tensors = {"dense": self._flat, "moments": self._moments}
        arrays: Arrays = {f"{name}.{key}": tensor.cpu().numpy().copy() for key, tensor in tensors.items()}
        return arrays | {f"{name}.steps": np.array([self._steps], np.int64)}

    @staticmethod
    def _rows(name: str, weight: Tensor, state: Tensor) -> Arrays:
        return {f"{name}.rows": weight.cpu().numpy().copy(), f"{name}.state": state.cpu().numpy().copy()}

    def load(self, name: str, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        keys = ("rows", "state", "dense", "moments")
        told = [torch.from_numpy(arrays[f"{name}.{key}"].copy()).to(self._flat.device) for key in keys]
        self.table.load(told[0], told[1])
        self._flat, self._moments = told[2:]
        self._steps = int(arrays[f"{name}.steps"][0])
