"""How dense weights move, one flat vector with its layers, as functions from old values to new, in torch.

Nothing is written here; the kernels of `learners/kernels/dense_updates.py` give the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from learners.optimizers.row_steps import clippy_factor
from learners.optimizers.rules import Adagrad, Adam, DenseRules, Sgd

LEAST_NORM = 1e-3
"""What counts as the norm of a layer that is smaller, where its gradient is bounded by it."""


@dataclass(frozen=True, slots=True)
class DenseMoved:
    """New values and state, and Clippy's factor of each layer."""

    value_P: Tensor
    state_SP: Tensor
    factor_L: Tensor


def moved_dense(
    rules: DenseRules,
    value_P: Tensor,
    grad_P: Tensor,
    state_SP: Tensor,
    shapes: Sequence[Sequence[int]],
    *,
    step: int,
    pace: float = 1.0,
) -> DenseMoved:
    """New values after `step` updates (counted from 1). `shapes` are those of the layers, one after the other; the
    last dimension of a matrix counts its units."""
    sizes = [int(torch.Size(shape).numel()) for shape in shapes]
    if rules.adaptive < inf:
        pairs = zip(torch.split(value_P, sizes), torch.split(grad_P, sizes), strict=True)
        grad_P = torch.cat([g * _room(rules.adaptive, w, g) for w, g in pairs])
    step_P, state = _step(rules.rule, grad_P, state_SP, step, pace)
    keep = 1 - pace * rules.rule.rate * rules.weight_decay
    parts, factors = [], []
    for w, move, shape in zip(torch.split(value_P, sizes), torch.split(step_P, sizes), shapes, strict=True):
        factor = w.new_ones(1) if rules.clippy is None else clippy_factor(rules.clippy, w[None], move[None])[0]
        parts.append(_capped(w * keep - factor * move, shape, rules.largest_norm))
        factors.append(factor)
    return DenseMoved(torch.cat(parts), state, torch.cat(factors))


def _step(rule: Adam | Adagrad | Sgd, g: Tensor, state_SP: Tensor, step: int, pace: float) -> tuple[Tensor, Tensor]:
    rate = pace * rule.rate
    if isinstance(rule, Sgd):
        return rate * g, state_SP
    if isinstance(rule, Adagrad):
        G = (rule.decay * state_SP[0] + g.square()).clamp(min=rule.floor)
        return rate * g / G.sqrt(), G[None]
    m = rule.first * state_SP[0] + (1 - rule.first) * g
    v = rule.second * state_SP[1] + (1 - rule.second) * g.square()
    scale = rate * (1 - rule.second**step) ** 0.5 / (1 - rule.first**step)
    return scale * m / (v.sqrt() + rule.epsilon), torch.stack([m, v])


def _room(adaptive: float, w: Tensor, g: Tensor) -> Tensor:
    return torch.clamp(adaptive * w.norm().clamp(min=LEAST_NORM) / g.norm(), max=1.0)


def _capped(w: Tensor, shape: Sequence[int], largest: float) -> Tensor:
    """Each unit's weights, scaled down to the largest norm; biases are left alone."""
    if largest == inf or len(shape) < 2:
        return w
    w_IO = w.view(-1, shape[-1])
    return torch.flatten(w_IO * torch.clamp(largest / w_IO.norm(dim=0), max=1.0))
