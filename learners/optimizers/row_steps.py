"""How the rows of one batch move, as functions from old values to new, in torch. They never see a whole table.

Nothing is written here. The learner computes all new values first, asks `all_finite`, and only then assigns, so a
non-finite batch can change nothing. The kernels of `learners/kernels/row_updates.py` give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import torch
from torch import Tensor

from learners.optimizers.rules import Adagrad, Adam, Clippy, Ftrl, RowRules, Sgd


@dataclass(frozen=True, slots=True)
class RowsMoved:
    """New values and state of U rows, and Clippy's factor of each of their K groups (1 where it let a step be)."""

    value_UW: Tensor
    state_US: Tensor
    factor_UK: Tensor


def moved_rows(
    rules: RowRules, value_UW: Tensor, grad_UW: Tensor, state_US: Tensor, groups: tuple[int, ...], pace: float = 1.0
) -> RowsMoved:
    """New values and state. `groups` are the widths of the columns that share an accumulator, `pace` is the factor
    of the rate by the schedule. A group of a row without a gradient stays as it is.

    >>> one = torch.tensor([[1.0]])
    >>> moved = moved_rows(RowRules(), one, 2 * one, one, (1,))
    >>> [round(float(new), 4) for new in (moved.value_UW, moved.state_US)]
    [0.9552, 4.99]
    """
    values, states, factors, at = [], [], [], 0
    widths = list(groups)
    of_groups = zip(torch.split(value_UW, widths, 1), torch.split(grad_UW, widths, 1), strict=True)
    for value_Uw, grad_Uw in of_groups:
        width = value_Uw.shape[1]
        rule = rules.of(width)
        columns = len(rule.starts(width))
        state_Us = state_US[:, at : at + columns]
        at += columns
        new_Uw, new_Us, factor_U1 = _group(rules, rule, value_Uw, grad_Uw, state_Us, pace)
        moves_U1 = grad_Uw.square().sum(1, keepdim=True) > 0
        values.append(torch.where(moves_U1, new_Uw, value_Uw))
        states.append(torch.where(moves_U1, new_Us, state_Us))
        factors.append(torch.where(moves_U1, factor_U1, 1.0))
    return RowsMoved(torch.cat(values, 1), torch.cat(states, 1), torch.cat(factors, 1))


def _group(
    rules: RowRules, rule: Adagrad | Adam | Sgd | Ftrl, w: Tensor, g: Tensor, state: Tensor, pace: float
) -> tuple[Tensor, Tensor, Tensor]:
    if isinstance(rule, Ftrl):
        value, state = ftrl(rule, w, g, state)
        return value, state, torch.ones_like(w[:, :1])
    step, state = _step(rule, g, state, pace)
    factor = torch.ones_like(w[:, :1]) if rules.clippy is None else clippy_factor(rules.clippy, w, step)
    value = w * (1 - pace * rule.rate * rules.weight_decay) - factor * step
    if w.shape[1] > 1 and rules.largest_norm < inf:
        value = value * (rules.largest_norm / value.norm(dim=1, keepdim=True)).clamp(max=1.0)
    return value, state, factor


def _step(rule: Adagrad | Adam | Sgd, g: Tensor, state: Tensor, pace: float) -> tuple[Tensor, Tensor]:
    """What a step takes off, before any clip, and the new state."""
    rate = pace * rule.rate
    if isinstance(rule, Sgd):
        return rate * g, state
    if isinstance(rule, Adagrad):
        G = (rule.decay * state + g.square().mean(1, keepdim=True)).clamp(min=rule.floor)
        return rate * G.rsqrt() * g, G
    width = g.shape[1]
    m = rule.first * state[:, :width] + (1 - rule.first) * g
    v = rule.second * state[:, width : 2 * width] + (1 - rule.second) * g.square()
    t = state[:, 2 * width :] + 1
    t_U1 = t.double()  # 1 - .999 has three digits fewer in float32
    scale = (rate * (1 - rule.second**t_U1).sqrt() / (1 - rule.first**t_U1)).float()
    return scale * m / (v.sqrt() + rule.epsilon), torch.cat([m, v, t], 1)


def clippy_factor(clippy: Clippy, w: Tensor, step: Tensor) -> Tensor:
    """min(1, min_i (relative |w_i| + absolute) / |step_i|) by row.

    >>> clippy_factor(Clippy(0.5, 0.01), torch.tensor([[1.0, 0.0]]), torch.tensor([[0.1, 0.04]])).tolist()
    [[0.25]]
    """
    room = (clippy.relative * w.abs() + clippy.absolute) / step.abs()
    return room.amin(1, keepdim=True).clamp(max=1.0)


def ftrl(rule: Ftrl, w: Tensor, g: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """FTRL-proximal; the state is z, then n."""
    z, n = torch.split(state, w.shape[1], 1)
    more = n + g.square()
    z = z + g - (more.sqrt() - n.sqrt()) / rule.alpha * w
    value = (rule.l1 * z.sign() - z) / ((rule.beta + more.sqrt()) / rule.alpha + rule.l2)
    return torch.where(z.abs() <= rule.l1, 0.0, value), torch.cat([z, more], 1)
