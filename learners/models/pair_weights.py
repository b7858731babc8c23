"""Products of fields with a weight for each pair and label: learned, so that no pair has to be named by hand.

Three products of matrices a step and label, [fields, fields] by [fields, rows x dim]; formulas and sources stand with
the kernels. Numpy; knows no rows of tables.
"""

from __future__ import annotations

import numpy as np

from learners.keeping import Arrays
from learners.kernels import products
from learners.kernels.flat import Flat, aligned
from learners.learner import Floats
from learners.optimizers.factors import Factors
from learners.optimizers.host_steps import HostDense
from learners.optimizers.rules import DenseRules


class PairWeights:
    """Weights [P, L] of the pairs of fields f < g, in the order (0, 1), (0, 2), .. (1, 2), ..; they start at 1."""

    def __init__(self, fields: int, dim: int, labels: int, rules: DenseRules) -> None:
        self._fields, self._dim, self._labels = fields, dim, labels
        shapes = {"pairs": (fields * (fields - 1) // 2, labels)}
        self._flat = Flat(shapes)
        self._flat.values[:] = 1.0
        self._step = HostDense(rules, list(shapes.values()))
        self._upper = np.triu_indices(fields, 1)
        self._reserve(0)

    @property
    def grads(self) -> Floats:
        """The gradient of all weights, flat."""
        return self._flat.grads

    def forward(self, x_BI: Floats, logit_BL: Floats) -> None:
        """Add the weighted products of the rows to their logits."""
        rows = len(x_BI)
        if rows > self._rows:
            self._reserve(max(rows, 2 * self._rows))
        F, d = self._fields, self._dim
        size = F * rows * d
        self._x_FBd = self._x[:size].reshape(F, rows, d)
        self._pull_LFBd = self._pulls[: self._labels * size].reshape(self._labels, F, rows, d)
        products.by_field(x_BI, self._x_FBd)
        with np.errstate(all="ignore"):
            for label in range(self._labels):
                pull_FN = self._pull_LFBd[label].reshape(F, -1)
                np.matmul(self._symmetric(label), self._x_FBd.reshape(F, -1), out=pull_FN)
        products.weighted(self._x_FBd, self._pull_LFBd, logit_BL)

    def backward(self, slope_BL: Floats, dx_BI: Floats) -> None:
        """Write the gradient of the weights, and add the slope by each vector to `dx_BI`."""
        F = self._fields
        scaled_FBd = self._scaled[: self._x_FBd.size].reshape(self._x_FBd.shape)
        for label in range(self._labels):
            products.scaled(self._x_FBd, slope_BL, label, scaled_FBd)
            with np.errstate(all="ignore"):
                square_FF = scaled_FBd.reshape(F, -1) @ self._x_FBd.reshape(F, -1).T
            self._flat.slopes["pairs"][:, label] = square_FF[self._upper]
        products.weighted_back(self._pull_LFBd, slope_BL, dx_BI)

    def move(self, *, scale: float, step: int, value: float, pace: float) -> Factors:
        """Update the weights by their gradient."""
        return self._step.move(self._flat.values, self._flat.grads, scale=scale, step=step, value=value, pace=pace)

    def dump(self) -> Arrays:
        """Weights and moments."""
        return {"pairs": self._flat.values, "pairs.moments": self._step.state_SP}

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self._flat.values[:], self._step.state_SP[:] = arrays["pairs"], arrays["pairs.moments"]

    def _symmetric(self, label: int) -> Floats:
        weight_FF: Floats = np.zeros((self._fields, self._fields), np.float32)
        weight_FF[self._upper] = self._flat.named["pairs"][:, label]
        return weight_FF + weight_FF.T

    def _reserve(self, rows: int) -> None:
        size = self._fields * rows * self._dim
        self._rows = rows
        self._x, self._scaled, self._pulls = aligned(size), aligned(size), aligned(self._labels * size)
