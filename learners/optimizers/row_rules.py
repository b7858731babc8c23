"""Update rules of rows, as functions from old values to new: they see the rows of one batch, never a whole table.

Nothing is written here. The learner computes all new values first, asks `all_finite`, and only then assigns, so a
non-finite batch can change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class RowRule:
    """G := max(decay G + g^2, floor), w -= rate g / sqrt(G), where g is summed over the rows of the batch and G
    starts at the floor. The floor is the ceiling on the step; the decay keeps an old row able to learn. A row without
    a gradient keeps its G."""

    rate: float = 0.05
    decay: float = 0.99
    floor: float = 1.0

    def __call__(self, value_UW: Tensor, grad_UW: Tensor, G_UK: Tensor, groups: Sequence[int]) -> tuple[Tensor, Tensor]:
        """New values and accumulators. `groups` are the widths of the columns that share an accumulator.

        >>> w, g, G = torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([[1.0]])
        >>> [round(float(new), 4) for new in RowRule()(w, g, G, (1,))]
        [0.9552, 4.99]
        """
        square_UK = torch.stack([part.square().mean(1) for part in torch.split(grad_UW, list(groups), 1)], 1)
        faded_UK = torch.where(square_UK > 0, self.decay * G_UK, G_UK)
        new_UK = (faded_UK + square_UK).clamp_(min=self.floor)
        step_UK = self.rate * new_UK.rsqrt()
        wide = torch.repeat_interleave(torch.arange(len(groups)), torch.tensor(groups)).to(grad_UW.device)
        return value_UW - step_UK[:, wide] * grad_UW, new_UK
