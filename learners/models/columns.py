"""A factorization machine with layers beside it, for rows of columns: the step on the host.

Logit of a label = its base + the sum of its weights + products of field vectors, plain or with a weight for each pair
of fields + layers over all vectors. Kernels and hand-written gradients, no torch: scores and gradients are those of
the same model in torch (a test holds them together). Which id has which row, and whether a batch is learned at all,
is decided around it; `step` says no by itself only where a number is not finite, before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from learners.keeping import Arrays
from learners.kernels.column_bags import gather_bags, scatter_bags
from learners.kernels.columns import gather, scatter
from learners.kernels.dense_updates import squared_norm
from learners.kernels.flat import Flat, aligned
from learners.kernels.mlp import Mlp, Shape, log_loss
from learners.kernels.row_updates import squared_norm_of_rows
from learners.learner import Floats, Ints
from learners.models.pair_weights import PairWeights
from learners.optimizers.clipping import scale_of
from learners.optimizers.factors import Factors, together
from learners.optimizers.host_steps import HostDense, HostRows
from learners.optimizers.rules import Adagrad, Adam, Clip, DenseRules, RowRules
from learners.optimizers.schedules import Schedule
from learners.tables.host_lines import HostLines

Slots = NDArray[np.int32]
Bags = tuple[Ints, Ints]


class Move(TypedDict):
    """How far gradients go: what `HostRows` and `HostDense` are told."""

    scale: float
    value: float
    pace: float


START = 0.02
"""Half width of the uniform start of vectors."""


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """What a model looks like: `fields` of one id, `bags` of several, whose mean they are; `dim` is a multiple of 8.
    `product`: "plain" takes all pairs of fields alike, "weighted" learns how much each pair counts, by label."""

    fields: int
    labels: int = 1
    bags: int = 0
    dim: int = 8
    hidden: tuple[int, ...] = (64, 64)
    product: Literal["plain", "weighted"] = "weighted"
    smelu: float = 0.0

    def __post_init__(self) -> None:
        if self.dim % 8 or not 8 <= self.dim <= 256:
            raise ValueError(f"dim is {self.dim}, but vectors are 8 to 256 wide, in eights: take a multiple of 8")
        if self.fields < 1 or self.labels < 1:
            raise ValueError(f"told are {self.fields} fields and {self.labels} labels, a model has both: give some")

    @property
    def layers(self) -> Shape:
        return Shape((self.fields + self.bags) * self.dim, self.hidden, self.labels, smelu=self.smelu)


@dataclass(frozen=True, slots=True)
class ColumnRules:
    """How it is updated; gradients are summed over a batch, `clip` is of their mean. `surprise` is the limit at which
    rows start to learn anew, as `surprise.py` says it (0: never)."""

    rows: RowRules = field(default_factory=lambda: RowRules(Adagrad(0.05, 0.9998, 1.0)))
    dense: DenseRules = field(default_factory=lambda: DenseRules(Adam(1e-3, 0.9, 0.999)))
    pairs: DenseRules = field(default_factory=lambda: DenseRules(Adam(5e-3, 0.9, 0.999)))
    clip: Clip = field(default_factory=Clip)
    schedule: Schedule = field(default_factory=Schedule)
    surprise: float = 12.0


@dataclass(frozen=True, slots=True)
class ColumnStep:
    """The summed loss, the norm of the gradient of the mean loss before the clip, and what Clippy did."""

    loss: float
    norm: float
    factors: Factors


class ColumnModel:
    """Rows, layers, weights of pairs, and their state. `lines` are grown and reset by whoever gives out rows."""

    def __init__(self, shape: ColumnShape, rules: ColumnRules, *, seed: int = 0, rows: int = 1024) -> None:
        self._shape, self._rules = shape, rules
        groups = (shape.dim, *[1] * shape.labels)
        self._rows = HostRows(rules.rows, groups)
        scale = [START] * shape.dim + [0.0] * shape.labels
        self.lines = HostLines(np.array(scale, np.float32), self._rows.starts)
        layers = shape.layers.weights()
        self._layers = Flat(layers)
        self._layers.fill(_start(shape.layers, np.random.default_rng(seed)))
        weighs = shape.product == "weighted"
        self._product = np.float32(not weighs)
        self._pairs = PairWeights(shape.fields + shape.bags, shape.dim, shape.labels, rules.pairs) if weighs else None
        self._mlp = Mlp(shape.layers, self._layers, rows=rows)
        self._dense = HostDense(rules.dense, list(layers.values()))
        self._steps = 0
        self._reserve(rows, rows * shape.fields)
        self._bags: Bags | None = None

    @property
    def steps(self) -> int:
        """How many updates there were."""
        return self._steps

    def forward(self, row_BF: Ints, base_L: Floats, bags: Bags | None = None) -> Floats:
        """Logits [B, L] of rows of the table; good until the next call. `bags` are rows [N] and how many of them each
        bag has, [B, G]."""
        rows, d = len(row_BF), self._shape.dim
        ids = row_BF.size + (0 if bags is None else len(bags[0]))
        if rows > len(self._logit) or ids > len(self._slot):
            self._reserve(max(rows, len(self._logit)), max(ids, 2 * len(self._slot)))
        x_BI, logit_BL = self._mlp.inputs(rows), self._logit[:rows]
        stamp = self.lines.stamped()
        self._distinct = gather(
            self.lines.lines, self.lines.ints, row_BF, stamp, d, self._product, x_BI, self._sum, logit_BL,
            self._slot, self._row, self._grad,
        )  # fmt: skip
        self._bags = bags
        if bags is not None:
            self._distinct = gather_bags(
                self.lines.lines, self.lines.ints, *bags, stamp, d, self._product, x_BI, self._sum, logit_BL,
                self._slot[row_BF.size :], self._row, self._distinct, self._grad,
            )  # fmt: skip
        if self._pairs is not None:
            self._pairs.forward(x_BI, logit_BL)
        logit_BL += base_L
        self._mlp.forward(logit_BL)
        return logit_BL

    def step(self, value_BL: Floats, weight_BL: Floats) -> ColumnStep | None:
        """Learn the rows that went forward last by log loss. None where a number is not finite: nothing changed."""
        slope_BL = self._slope[: len(value_BL)]
        loss = log_loss(self._logit[: len(value_BL)], value_BL, weight_BL, slope_BL)
        return self.step_by(slope_BL, loss)

    def step_by(self, slope_BL: Floats, loss: float) -> ColumnStep | None:
        """The same by any loss, given with its slope by logit.

        1. all gradients; 2. their norm in float64, which is finite only if each of them is, else None; 3. rows, layers
        and weights of pairs move; `clipping.py` says why nothing can fail from there on.
        """
        self._backward(slope_BL)
        square = squared_norm_of_rows(self._grad, self._distinct, self._rows.width)
        square += squared_norm(self._layers.grads)
        square += 0.0 if self._pairs is None else squared_norm(self._pairs.grads)
        rows, rules = len(slope_BL), self._rules
        scale = scale_of(rules.clip, square, weight=rows)
        if scale is None or not isfinite(loss):
            return None
        self._steps += 1
        told: Move = {"scale": scale, "value": rules.clip.value * rows, "pace": rules.schedule(self._steps)}
        factors = [
            self._rows.move(self.lines.lines, self._row, self._grad, self._distinct, **told),
            self._dense.move(self._layers.values, self._layers.grads, step=self._steps, **told),
            *([] if self._pairs is None else [self._pairs.move(step=self._steps, **told)]),
        ]
        return ColumnStep(loss, square**0.5 / rows, together(factors))

    def freshen(self) -> None:
        """Let all rows learn as fast as new ones; what they have learned stays."""
        self._rows.freshen(self.lines.state)

    def slots(self, rows: int) -> tuple[Ints, Slots]:
        """The distinct rows of the batch that went forward last, and for each of its single ids which of them it is."""
        return self._row[: self._distinct], self._slot[: rows * self._shape.fields]

    def dump(self, rows: int) -> Arrays:
        """Every array, for as many rows as there are."""
        return {
            "rows": self.lines.weight[:rows].copy(),
            "state": self.lines.state[:rows].copy(),
            "dense": self._layers.values,
            "moments": self._dense.state_SP,
            "steps": np.array([self._steps]),
        } | ({} if self._pairs is None else self._pairs.dump())

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self.lines.load(arrays["rows"], arrays["state"])
        self._layers.values[:], self._dense.state_SP[:] = arrays["dense"], arrays["moments"]
        if self._pairs is not None:
            self._pairs.load(arrays)
        self._steps = int(arrays["steps"][0])

    def _backward(self, slope_BL: Floats) -> None:
        rows, shape = len(slope_BL), self._shape
        x_BI, dx_BI = self._mlp.inputs(rows), self._mlp.backward(slope_BL)
        if self._pairs is not None:
            self._pairs.backward(slope_BL, dx_BI)
        scatter(self._slot, slope_BL, shape.fields, shape.dim, self._product, x_BI, self._sum, dx_BI, self._grad)
        if self._bags is not None:
            slot_N, count_BG = self._slot[rows * shape.fields :], self._bags[1]
            scatter_bags(
                slot_N, count_BG, slope_BL, shape.dim, self._product, x_BI, self._sum, dx_BI, self._grad
            )  # fmt: skip

    def _reserve(self, rows: int, ids: int) -> None:
        shape = self._shape
        self._logit, self._slope = aligned(rows, shape.labels), aligned(rows, shape.labels)
        self._sum = aligned(rows, shape.dim)
        self._slot, self._row = np.zeros(ids, np.int32), np.zeros(ids + 1, np.int64)
        self._grad = aligned(ids, -(-(self._rows.width + len(self._rows.starts) + 2) // 16) * 16)
        self._distinct = 0


def _start(shape: Shape, random: np.random.Generator) -> dict[str, Floats]:
    """Layers start uniform within 1 / sqrt(inputs), biases at 0."""
    return {
        name: (random.uniform(-1, 1, size) / size[0] ** 0.5 * (len(size) > 1)).astype(np.float32)
        for name, size in shape.weights().items()
    }
