"""Update rules of dense weights, one flat vector, as functions from old values to new."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Adam:
    """Adam on one flat vector; the moments stand as two lines of one tensor."""

    rate: float = 5e-3
    first: float = 0.9
    second: float = 0.99
    epsilon: float = 1e-8

    def __call__(self, value: Tensor, grad: Tensor, moments_2P: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """New values and moments after `step` updates (counted from 1)."""
        m = self.first * moments_2P[0] + (1 - self.first) * grad
        v = self.second * moments_2P[1] + (1 - self.second) * grad.square()
        scale = self.rate * (1 - self.second**step) ** 0.5 / (1 - self.first**step)
        return value - scale * m / (v.sqrt() + self.epsilon), torch.stack([m, v])
