"""Which inputs of the ranker's first layer belong to the asker, to the item, and to a row by itself.

The layer is linear, so what rows share is multiplied once for all of them, and a product of two fields, which stands
twice among the inputs, once with both weights. The same split as `learners/split.py` makes for servers, for training:
weights are gathered before a batch, gradients are put back where they belong.
"""

from __future__ import annotations

import numpy as np

from learners.kernels.flat import aligned
from learners.learner import Floats, Ints
from learners.models.deepfm import DeepFM


class Part:
    """Some inputs, each at one or two lines of the layer's weights."""

    def __init__(self, line_I2: Ints, outputs: int) -> None:
        self._one_I, self._other_I = line_I2[:, 0].copy(), line_I2[:, 1].copy()
        self._twice = np.flatnonzero(self._other_I >= 0)
        self._other_I = self._other_I[self._twice]
        self.weight_IJ, self.slope_IJ = (aligned(len(line_I2), outputs) for _ in range(2))

    def __len__(self) -> int:
        return len(self._one_I)

    def take(self, weight_IJ: Floats) -> None:
        """Gather the weights."""
        np.take(weight_IJ, self._one_I, axis=0, out=self.weight_IJ, mode="clip")
        self.weight_IJ[self._twice] += weight_IJ[self._other_I]

    def put(self, slope_IJ: Floats) -> None:
        """Put the gradients back."""
        slope_IJ[self._one_I] = self.slope_IJ
        slope_IJ[self._other_I] = self.slope_IJ[self._twice]


class FirstParts:
    """The three parts; their inputs stand as `kernels/gram.py` writes them.

    >>> parts = FirstParts(DeepFM(("user", "place", "item"), 2, 1, dim=4))
    >>> len(parts.asker), len(parts.item), len(parts.row)
    (8, 8, 14)
    """

    def __init__(self, shape: DeepFM) -> None:
        self._shape = shape
        asker, item = range(shape.askers - 1), range(shape.askers, len(shape.fields))
        outputs = shape.labels + shape.hidden[0]
        self.asker, self.item = (Part(np.array(self._side(of)), outputs) for of in (asker, item))
        self.row = Part(np.array(self._row(asker, shape.askers - 1, item)), outputs)

    def take(self, weight_IJ: Floats) -> None:
        """Gather the weights of all parts."""
        for part in (self.asker, self.item, self.row):
            part.take(weight_IJ)

    def put(self, slope_IJ: Floats) -> None:
        """Put all gradients back: together they are all inputs."""
        for part in (self.asker, self.item, self.row):
            part.put(slope_IJ)

    def _side(self, fields: range) -> list[tuple[int, int]]:
        lines = [line for f in fields for line in self._vector(f)]
        lines += [self._product(f, g) for f in fields for g in fields if g <= f]
        return lines + [line for f in fields for line in self._stats(f)]

    def _row(self, asker: range, place: int, item: range) -> list[tuple[int, int]]:
        lines = [*self._vector(place), self._product(place, place)]
        lines += [self._product(place, f) for f in (*asker, *item)]
        lines += [self._product(a, i) for a in asker for i in item]
        crosses = range(self._shape.inputs - self._shape.crosses, self._shape.inputs)
        return [*lines, *self._stats(place), *((at, -1) for at in crosses)]

    def _vector(self, f: int) -> list[tuple[int, int]]:
        dim = self._shape.dim
        return [(at, -1) for at in range(f * dim, (f + 1) * dim)]

    def _product(self, f: int, g: int) -> tuple[int, int]:
        count = len(self._shape.fields)
        start = count * self._shape.dim
        return start + f * count + g, -1 if f == g else start + g * count + f

    def _stats(self, f: int) -> list[tuple[int, int]]:
        count, stats = len(self._shape.fields), self._shape.stats
        start = count * (self._shape.dim + count) + f * stats
        return [(at, -1) for at in range(start, start + stats)]
