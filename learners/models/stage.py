"""One stage's weights: its rows, its dense weights, and their optimizer state, updated together or not at all.

`proposed` computes every new value and says whether all of them are numbers; `assign` writes. Between the two the
other stages get to say no.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from learners.keeping import Arrays
from learners.models.dense import Dense
from learners.optimizers.dense_rules import Adam
from learners.optimizers.finite import all_finite, norm_of
from learners.optimizers.row_rules import RowRule
from learners.tables.table import Table


@dataclass(frozen=True, slots=True)
class StageRules:
    """How a stage is updated. `clip` bounds the norm of the gradient of the mean loss."""

    rows: RowRule = field(default_factory=RowRule)
    dense: Adam = field(default_factory=Adam)
    clip: float = 10.0


@dataclass(frozen=True, slots=True)
class Leaves:
    """What a gradient is asked for: the distinct rows of a batch, and the dense weights."""

    row_U: Tensor
    line_UW: Tensor
    flat: Tensor


@dataclass(frozen=True, slots=True)
class Update:
    """New values, not yet assigned, and the norm of the gradient before the clip."""

    row_U: Tensor
    new: tuple[Tensor, Tensor, Tensor, Tensor]
    norm: float


class Stage:
    """Rows whose columns share accumulators by `groups`; the first group starts at random, within `scale`."""

    def __init__(
        self,
        weights: dict[str, Tensor],
        rules: StageRules,
        *,
        groups: tuple[int, ...],
        scale: float,
        device: torch.device,
    ) -> None:
        self._rules, self._groups = rules, groups
        scales = [scale] * groups[0] + [0.0] * (sum(groups) - groups[0])
        self.table = Table(width=sum(groups), state=len(groups), scale=scales, device=device)
        self._dense = Dense(weights)
        self._flat = self._dense.flat.to(device)
        self._moments = torch.zeros((2, len(self._flat)), device=device)
        self._steps = torch.zeros(1, dtype=torch.int64)

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
        self.table.grow(rows, self._rules.rows.floor)

    def reset(self, rows: Tensor) -> None:
        """Start rows again."""
        self.table.reset(rows, self._rules.rows.floor)

    def proposed(self, leaves: Leaves, loss: Tensor, weight: float) -> Update | None:
        """The update from a loss summed over `weight` rows, or None where anything in it is not finite."""
        grads = torch.autograd.grad(loss, (leaves.line_UW, leaves.flat))
        norm = norm_of(grads) / weight
        if not all_finite([loss.detach(), norm]):
            return None
        line_g, flat_g = (grad * (self._rules.clip / norm).clamp(max=1.0) for grad in grads)
        state_UK = self.table.state[leaves.row_U]
        new = (
            *self._rules.rows(leaves.line_UW.detach(), line_g, state_UK, self._groups),
            *self._rules.dense(leaves.flat.detach(), flat_g, self._moments, int(self._steps) + 1),
        )
        return Update(leaves.row_U, new, float(norm)) if all_finite(new) else None

    def assign(self, update: Update) -> None:
        """Take the new values."""
        self.table.weight[update.row_U], self.table.state[update.row_U] = update.new[:2]
        self._flat, self._moments = update.new[2:]
        self._steps += 1

    def dump(self, name: str, rows: int) -> Arrays:
        """Every array, for as many rows as there are."""
        tensors = {
            "rows": self.table.weight[:rows],
            "state": self.table.state[:rows],
            "dense": self._flat,
            "moments": self._moments,
            "steps": self._steps,
        }
        return {f"{name}.{key}": tensor.cpu().numpy() for key, tensor in tensors.items()}

    def load(self, name: str, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        keys = ("rows", "state", "dense", "moments")
        told = [torch.from_numpy(arrays[f"{name}.{key}"]).to(self._flat.device) for key in keys]
        self.table.load(told[0], told[1])
        self._flat, self._moments = told[2:]
        self._steps = torch.from_numpy(arrays[f"{name}.steps"])
