"""Activations that torch has not: SmeLU, a ReLU with a bend in place of the corner."""

from __future__ import annotations

import torch
from torch import Tensor


def smelu(x: Tensor, half: float) -> Tensor:
    """0 up to -half, (x + half)^2 / (4 half) between, x from half on (Shamir et al., arXiv 2010.09931). A wider bend
    makes two runs agree more, until the model is as good as linear; 0 is ReLU.

    >>> smelu(torch.tensor([-1.0, 0.0, 0.5, 2.0]), 0.5).tolist()
    [0.0, 0.125, 0.5, 2.0]
    """
    if half == 0:
        return x.relu()
    return torch.where(x < half, (x + half).relu().square() / (4 * half), x)
