"""Simulated rows, and the logits that a loss settles on for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from learners.losses.registry import Loss, loss_of
from learners.losses.targets import Target

CHANCES = np.array([0.02, 0.1, 0.3, 0.6])
"""Of a yes, in four groups of rows."""


def settled(loss: Callable[[Tensor], Tensor], size: int) -> Tensor:
    """The logits at which each slope is 0, by halving: for losses in which no logit has to do with another, and which
    are to rise beyond that point."""
    low_G, high_G = (torch.full((size,), end, dtype=torch.float64) for end in (-30.0, 30.0))
    for _ in range(50):
        logit_G = ((low_G + high_G) / 2).requires_grad_()
        (slope_G,) = torch.autograd.grad(loss(logit_G), [logit_G])
        below_G = slope_G < 0
        middle_G = logit_G.detach()
        low_G, high_G = torch.where(below_G, middle_G, low_G), torch.where(below_G, high_G, middle_G)
    return (low_G + high_G) / 2


def descended(loss: Callable[[Tensor], Tensor], size: int, *, steps: int, rate: float) -> Tensor:
    """The logits where descent on a loss has come, less their mean: for losses of differences."""
    logit_G = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        (slope_G,) = torch.autograd.grad(loss(logit_G), [logit_G])
        logit_G = (logit_G.detach() - rate * slope_G).requires_grad_()
    return (logit_G - logit_G.mean()).detach()


def made(name: str, **options: float | bool) -> Loss:
    """A loss by its name."""
    return loss_of(name, options)


def target(
    value_R: Sequence[float] | Tensor, weight_R: Sequence[float] | Tensor | None = None, **more: Tensor
) -> Target:
    """Rows of doubles, each of weight 1 unless said."""
    value = torch.as_tensor(value_R, dtype=torch.float64)
    weight = torch.ones_like(value) if weight_R is None else torch.as_tensor(weight_R, dtype=torch.float64)
    return Target(value, weight, **more)


def drawn(chance_G: np.ndarray, rows: int, *, seed: int) -> np.ndarray:
    """How many of so many rows in each group are a yes."""
    return np.random.default_rng(seed).binomial(rows, chance_G)


def counted(yes_G: np.ndarray, no_G: np.ndarray, rows: int) -> tuple[Tensor, Target]:
    """Rows of a yes, then rows of a no, one of each for each group, which stand for as many as the counts say: the
    group of each, and the target, whose weights are per one of `rows`."""
    group_R = torch.arange(len(yes_G)).repeat(2)
    value_R = torch.cat([torch.ones(len(yes_G)), torch.zeros(len(no_G))])
    return group_R, target(value_R, torch.from_numpy(np.concatenate([yes_G, no_G]) / rows))
