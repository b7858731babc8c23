"""The same steps on the host, in place: rules put into the numbers that kernels take. No torch, no decisions.

`HostRows` and `HostDense` hold their rules and, for dense weights, the state; rows have their state in their lines.
Whoever calls them has asked `scale_of` first, over all gradients of the batch together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from math import inf, prod

import numpy as np
from numpy.typing import NDArray

from learners.kernels import dense_updates as dense
from learners.kernels.row_groups import KINDS
from learners.kernels.row_updates import adagrad_rows, move_rows
from learners.optimizers.factors import Factors
from learners.optimizers.rules import Adagrad, Adam, DenseRules, Ftrl, RowRules

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]


class HostRows:
    """Rows whose columns are groups of these widths.

    >>> rows = HostRows(RowRules(), (8, 1))
    >>> rows.width, rows.starts
    (9, (1.0, 1.0))
    """

    def __init__(self, rules: RowRules, groups: tuple[int, ...]) -> None:
        self._rules = rules
        self._fast = rules.plain and all(width == 1 for width in groups[1:])
        self.width, self.starts = sum(groups), rules.starts(groups)
        self._ends_K: Longs = np.cumsum(groups).astype(np.int64)
        told = [(rules.of(width), width) for width in groups]
        self._kinds_K2: Longs = np.array([(KINDS[rule.name], len(rule.starts(width))) for rule, width in told])
        self._rates_K = np.array([0.0 if isinstance(rule, Ftrl) else 1.0 for rule, _ in told])
        self._told_K4 = np.array([(*astuple(rule), 0.0, 0.0, 0.0)[:4] for rule, _ in told])
        self._factors_3 = np.zeros(3)

    def freshen(self, state_RK: Floats) -> None:
        """Let the accumulators of all rows start again, where they only say how far a step goes (Adagrad's); what a
        weight is made of (FTRL's) and moments stay."""
        at = 0
        for kind, columns in self._kinds_K2.tolist():
            if kind == KINDS[Adagrad.name]:
                state_RK[:, at : at + columns] = self.starts[at : at + columns]
            at += columns

    def move(
        self, lines_RX: Floats, row_U: Longs, grad_UX: Floats, count: int, *, scale: float, value: float = inf,
        pace: float = 1.0,
    ) -> Factors:  # fmt: skip
        """Update the first `count` rows by `scale * grad`, each number cut to +-value, at `pace` times the rate. The
        gradients are used up."""
        rules, rule = self._rules, self._rules.vectors
        if self._fast and value == inf and isinstance(rule, Adagrad):
            adagrad_rows(
                lines_RX, row_U, grad_UX, count, self._ends_K, scale,
                rate=rule.rate * pace, decay=rule.decay, floor=rule.floor,
            )  # fmt: skip
            return Factors()
        clippy = (0.0, inf) if rules.clippy is None else astuple(rules.clippy)
        shared = np.array([scale, value, *clippy, rules.weight_decay, rules.largest_norm], np.float32)
        told_K4 = self._told_K4.copy()
        told_K4[:, 0] *= np.where(self._rates_K > 0, pace, 1.0)
        packed = (self._kinds_K2, told_K4, shared)
        move_rows(lines_RX, row_U, grad_UX, count, self._ends_K, packed, self._factors_3)
        least, total, moved = self._factors_3.tolist()
        return Factors(least, total / moved if moved else 1.0)


class HostDense:
    """Dense weights as one flat vector, of layers of these shapes; `state_SP` may be dumped, and loaded in place."""

    def __init__(self, rules: DenseRules, shapes: Sequence[tuple[int, ...]]) -> None:
        self._rules = rules
        ends = np.cumsum([prod(shape) for shape in shapes], dtype=np.int64)
        self._bounds_L2: Longs = np.stack([np.concatenate([[0], ends[:-1]]), ends], axis=1).astype(np.int64)
        self._units_L = np.array([shape[-1] if len(shape) > 1 else 0 for shape in shapes], np.int64)
        self.state_SP: Floats = np.full((rules.lines, int(ends[-1])), rules.start, np.float32)
        self._factor_L: Floats = np.ones(len(shapes), np.float32)

    def move(self, P: Floats, G: Floats, *, scale: float, step: int, value: float = inf, pace: float = 1.0) -> Factors:
        """Update P by `scale * G`, each number cut to +-value; `step` counts updates from 1. G is used up."""
        rules, rule = self._rules, self._rules.rule
        if self._bare and value == inf and isinstance(rule, Adam):
            M, V = self.state_SP
            dense.adam(
                P, G, M, V, scale,
                rate=rule.rate * pace, first=rule.first, second=rule.second, epsilon=rule.epsilon, step=step,
            )  # fmt: skip
            return Factors()
        f = np.float32
        dense.scaled(G, f(scale), f(value))
        if rules.adaptive < inf:
            dense.bounded(P, G, self._bounds_L2, f(rules.adaptive))
        self._step(G, step, pace)
        if rules.clippy is not None:
            clippy = f(rules.clippy.relative), f(rules.clippy.absolute)
            dense.clippy_factors(P, G, self._bounds_L2, *clippy, self._factor_L)
        dense.apply(P, G, self._bounds_L2, self._factor_L, f(1 - pace * rule.rate * rules.weight_decay))
        if rules.largest_norm < inf:
            dense.cap(P, self._bounds_L2, self._units_L, f(rules.largest_norm))
        return Factors(float(self._factor_L.min()), float(self._factor_L.mean()))

    @property
    def _bare(self) -> bool:
        rules = self._rules
        return rules.clippy is None and rules.weight_decay == 0 and rules.largest_norm == rules.adaptive == inf

    def _step(self, G: Floats, step: int, pace: float) -> None:
        rule, f = self._rules.rule, np.float32
        rate = rule.rate * pace
        if isinstance(rule, Adam):
            M, V = self.state_SP
            dense.adam_step(G, M, V, rate=rate, first=rule.first, second=rule.second, epsilon=rule.epsilon, step=step)
        elif isinstance(rule, Adagrad):
            dense.adagrad_step(G, self.state_SP[0], f(rate), f(rule.decay), f(rule.floor))
        else:
            dense.scaled(G, f(rate), f(inf))
