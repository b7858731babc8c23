"""Dense layers by hand, on buffers that are made once: BLAS for the products, one loop for everything between two.

Gradients are summed over the rows of a batch, never averaged. The loss is no part of the layers: they take the slope
of any loss by logit. A number that is not finite goes through to the logits and the loss, where it is seen; what the
gradients are then means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.kernels.flat import Flat, Floats, aligned
from learners.kernels.vectors import compiled

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
FEW = 8
"""Columns up to which a loop is faster than BLAS, which copies and pads."""


@dataclass(frozen=True, slots=True)
class Shape:
    """`direct`: the first layer also gives a part of every output, its first columns, beside the hidden units.
    `smelu` is half the width of the bend of SmeLU (Shamir and Lin, arXiv 2202.06499), as in `smelu.py`; 0 is ReLU."""

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    direct: bool = False
    bias: bool = True
    smelu: float = 0.0

    @property
    def skip(self) -> int:
        """Columns of the first layer that are part of the outputs."""
        return self.outputs if self.direct else 0

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of all weights.

        >>> Shape(20, (8, 4), 2, direct=True, bias=False).weights()
        {'first.weight': (20, 10), 'first.bias': (10,), 'second.weight': (8, 4), 'second.bias': (4,), 'head.weight': (4, 2)}
        """  # noqa: E501
        if len(self.hidden) > len(ORDINALS):
            raise ValueError(f"{len(self.hidden)} hidden layers are asked for, {len(ORDINALS)} can be named: use fewer")
        shapes: dict[str, tuple[int, ...]] = {}
        width = self.inputs
        for layer, (name, units) in enumerate(zip(ORDINALS, self.hidden, strict=False)):
            wide = units + (0 if layer else self.skip)
            shapes |= {f"{name}.weight": (width, wide), f"{name}.bias": (wide,)}
            width = units
        shapes["head.weight"] = (width, self.outputs)
        return shapes | ({"head.bias": (self.outputs,)} if self.bias else {})


class Mlp:
    """The layers of a shape, with weights and gradients in `flat`, which may hold others beside them."""

    def __init__(self, shape: Shape, flat: Flat, *, rows: int = 1024) -> None:
        self._shape, self._flat = shape, flat
        self._layers = ORDINALS[: len(shape.hidden)]
        self._none: Floats = aligned(shape.outputs)
        self._x: Floats = aligned(0, shape.inputs)
        self._dx: Floats = aligned(0, shape.inputs)
        self._reserve(rows)

    def inputs(self, rows: int) -> Floats:
        """Where the caller writes the inputs, [rows, inputs]; good until more rows are asked for."""
        self._make_room(rows)
        if len(self._x) < len(self._out):
            self._x = aligned(len(self._out), self._shape.inputs)
            self._dx = aligned(len(self._out), self._shape.inputs)
        return self._x[:rows]

    def first(self, rows: int) -> Floats:
        """Instead of inputs: where the caller writes their product with the first weight, [rows, its columns]."""
        self._make_room(rows)
        return self._z[0][:rows]

    def forward(self, logit_BL: Floats) -> None:
        """Add to the logits what the layers say of the inputs."""
        if self._layers:
            with np.errstate(all="ignore"):
                rows = len(logit_BL)
                np.matmul(self._x[:rows], self._flat.named["first.weight"], out=self._z[0][:rows])
        self.forward_above(logit_BL)

    def forward_above(self, logit_BL: Floats) -> None:
        """The same from the first product on."""
        rows, shape, named = len(logit_BL), self._shape, self._flat.named
        with np.errstate(all="ignore"):
            for layer, name in enumerate(self._layers):
                z, skip = self._z[layer][:rows], 0 if layer else shape.skip
                if layer:
                    np.matmul(self._hidden(layer, rows), named[f"{name}.weight"], out=z)
                activate(z, skip, named[f"{name}.bias"], logit_BL, np.float32(shape.smelu))
            np.matmul(self._hidden(len(self._layers), rows), named["head.weight"], out=self._out[:rows])
        add_outputs(logit_BL, self._out[:rows], named["head.bias"] if shape.bias else self._none)

    def backward(self, slope_BL: Floats) -> Floats:
        """Write the gradients of all weights, from d loss / d logit of the rows that went forward; d loss / d input,
        [rows, inputs], good until the next call."""
        rows, flat = len(slope_BL), self._flat
        d, name = self.backward_above(slope_BL), "first.weight" if self._layers else "head.weight"
        with np.errstate(all="ignore"):
            if self._layers:
                np.matmul(self._x[:rows].T, d, out=flat.slopes[name])
            np.matmul(d, flat.named[name].T, out=self._dx[:rows])
        return self._dx[:rows]

    def backward_above(self, slope_BL: Floats) -> Floats:
        """The same down to d loss / d (the first product): all gradients but that of the first weight."""
        rows, shape, named, slopes = len(slope_BL), self._shape, self._flat.named, self._flat.slopes
        with np.errstate(all="ignore"):
            np.matmul(self._hidden(len(self._layers), rows).T, slope_BL, out=slopes["head.weight"])
            if shape.bias:
                np.sum(slope_BL, axis=0, out=slopes["head.bias"])
            d, above = slope_BL, named["head.weight"]
            for layer in range(len(self._layers) - 1, -1, -1):
                name, skip, dz = self._layers[layer], 0 if layer else shape.skip, self._d[layer][:rows]
                if above.shape[1] <= FEW:
                    few_times(d, np.ascontiguousarray(above.T), dz, skip)
                else:
                    np.matmul(d, above.T, out=dz[:, skip:])
                bend(dz, self._z[layer][:rows], skip, slope_BL, slopes[f"{name}.bias"], np.float32(shape.smelu))
                if layer:
                    np.matmul(self._hidden(layer, rows).T, dz, out=slopes[f"{name}.weight"])
                d, above = dz, named[f"{name}.weight"]
        return d

    def _hidden(self, layer: int, rows: int) -> Floats:
        """What a layer reads."""
        if layer == 0:
            return self._x[:rows]
        return self._z[layer - 1][:rows, self._shape.skip if layer == 1 else 0 :]

    def _make_room(self, rows: int) -> None:
        if rows > len(self._out):
            self._reserve(max(rows, 2 * len(self._out)))

    def _reserve(self, rows: int) -> None:
        shape = self._shape
        widths = [units + (0 if layer else shape.skip) for layer, units in enumerate(shape.hidden)]
        self._z, self._d = ([aligned(rows, width) for width in widths] for _ in range(2))
        self._out: Floats = aligned(rows, shape.outputs)


@compiled
def activate(z_BJ: Floats, skip: int, bias_J: Floats, logit_BL: Floats, beta: float) -> None:
    """Add bias; then the first `skip` columns to the logits, the others bent in place: ReLU, or SmeLU of `beta`."""
    bias = bias_J[skip:]
    for b in range(z_BJ.shape[0]):
        for j in range(skip):
            logit_BL[b, j] += z_BJ[b, j] + bias_J[j]
        row = z_BJ[b, skip:]  # slices of one row become vector code, two indices beside an offset do not
        if beta == 0:
            for j in range(row.size):
                h = row[j] + bias[j]
                row[j] = np.float32(0) if h < 0 else h
        else:
            for j in range(row.size):
                h = row[j] + bias[j]
                bent = np.float32(0) if h < -beta else (h + beta) * (h + beta) / (np.float32(4) * beta)
                row[j] = h if h >= beta else bent


@compiled
def few_times(d_BL: Floats, weight_LW: Floats, out_BJ: Floats, skip: int) -> None:
    """d @ weight into the columns from `skip` on, for few L."""
    for b in range(d_BL.shape[0]):
        out, weight, d = out_BJ[b, skip:], weight_LW[0], d_BL[b, 0]
        for j in range(weight.size):
            out[j] = d * weight[j]
        for label in range(1, d_BL.shape[1]):
            weight, d = weight_LW[label], d_BL[b, label]
            for j in range(weight.size):
                out[j] += d * weight[j]


@compiled
def bend(d_BJ: Floats, z_BJ: Floats, skip: int, slope_BL: Floats, bias_J: Floats, beta: float) -> None:
    """d loss / d (what was bent) in place of d loss / d (what came of it), and its sums as the gradient of the bias.
    SmeLU's slope is the square root of what it gave, in units of `beta`, at most 1."""
    bias_J[:] = 0
    bias = bias_J[skip:]
    for b in range(z_BJ.shape[0]):
        for j in range(skip):
            d_BJ[b, j] = slope_BL[b, j]
            bias_J[j] += slope_BL[b, j]
        row, bent = d_BJ[b, skip:], z_BJ[b, skip:]
        if beta == 0:
            for j in range(row.size):
                d, h = row[j], bent[j]  # both are read in any case: a branch here costs many times the loop
                d = d if h > 0 else np.float32(0)
                row[j] = d
                bias[j] += d
        else:
            for j in range(row.size):
                d = row[j] * np.sqrt(min(bent[j] / beta, np.float32(1)))
                row[j] = d
                bias[j] += d


@compiled
def add_outputs(logit_BL: Floats, out_BL: Floats, bias_L: Floats) -> None:
    """logit += out + bias."""
    for b in range(logit_BL.shape[0]):
        for label in range(logit_BL.shape[1]):
            logit_BL[b, label] += out_BL[b, label] + bias_L[label]


@compiled
def sigmoid(logit_BL: Floats, probability_BL: Floats) -> None:
    """1 / (1 + exp(-logit)), without overflow."""
    one = np.float32(1)
    for b in range(logit_BL.shape[0]):
        for label in range(logit_BL.shape[1]):
            z = logit_BL[b, label]
            e = np.exp(-abs(z))
            probability_BL[b, label] = (one if z >= 0 else e) / (one + e)


@compiled
def log_loss(logit_BL: Floats, value_BL: Floats, weight_BL: Floats, slope_BL: Floats) -> float:
    """The summed log loss, each term times its weight (0 masks), and into `slope_BL` its slope by logit. Any value
    above 0 is a yes. A logit, value or weight that is not finite makes the loss none either, masked or not."""
    total, one = np.float64(0), np.float32(1)
    for b in range(logit_BL.shape[0]):
        for label in range(logit_BL.shape[1]):
            z, value, weight = logit_BL[b, label], value_BL[b, label], weight_BL[b, label]
            e = np.exp(-abs(z))
            yes = one if value > 0 else np.float32(0)
            likely = (one if z >= 0 else e) / (one + e)
            slope_BL[b, label] = weight * (likely - yes)
            # value * 0 is 0, or no number
            total += weight * (max(z, np.float32(0)) - z * yes + np.log1p(e) + value * np.float32(0))
    return total
