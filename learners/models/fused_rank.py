"""The ranker on the host, by hand: bags of lines, products of fields, dense layers, and back into distinct rows.

What stands here is which kernel follows which, and the buffers between two. The numbers are those of `layers.py`. The
first layer is taken apart: what a page's rows share of their asker, and a batch's of an item, is multiplied once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from learners.heads import Pulled
from learners.kernels.bags import place_all, scatter, sum_lines
from learners.kernels.flat import aligned
from learners.kernels.gram import add_shared, row_back, row_inputs, side_back, side_inputs, sum_shared
from learners.kernels.mlp import Mlp, log_loss, sigmoid
from learners.learner import Floats, Ints
from learners.models.deepfm import DeepFM
from learners.models.first_parts import FirstParts, Part
from learners.models.host_stage import HostStage
from learners.models.two_stage_shape import RANK_SCALE
from learners.optimizers.rules import UpdateRules
from learners.reading import Reading


@dataclass(slots=True)
class Buffers:
    """Arrays that are longer than any batch so far, by name: taken in the length of this one."""

    arrays: dict[str, Floats] = field(default_factory=dict)

    def take(self, name: str, lines: int, width: int) -> Floats:
        """[lines, width], with whatever stood there."""
        if name not in self.arrays or len(self.arrays[name]) < lines:
            self.arrays[name] = aligned(2 * lines, width)
        return self.arrays[name][:lines]


@dataclass(frozen=True, slots=True)
class Side:
    """What askers, or items, are by themselves: their part of the first layer, and which one each row has."""

    part: Part
    first: int
    owners: int
    fields: slice
    owner_R: Ints
    x_NI: Floats
    total_NJ: Floats


class FusedRank:
    """Scores what was read; of that, and no longer, knows how to learn."""

    def __init__(self, shape: DeepFM, rules: UpdateRules, *, seed: int) -> None:
        self._shape, self._speaks_F, self._parts = shape, shape.speaks, FirstParts(shape)
        self.stage = HostStage(shape.start(seed), rules, groups=shape.groups, scale=RANK_SCALE)
        self._layers, self._buffers = Mlp(shape.layers, self.stage.flat), Buffers()
        self._rows = 0
        self._sides: tuple[Side, ...] = ()

    def score(self, reading: Reading) -> tuple[Floats, Floats]:
        """Probabilities and logits by row and label; the logits are good until the next call."""
        stage, rows, bags = self.stage, len(reading.shot_R), len(reading.start_G)
        slot_N, row_U = stage.room(len(reading.row_N))
        lines = stage.rows.lines
        self._rows = place_all(lines, stage.rows.ints, stage.rows.stamped(), reading.row_N, slot_N, row_U)
        sum_GW = self._buffers.take("sum", bags, stage.width + self._shape.stats)
        told = reading.weight_N, reading.start_G, reading.count_G, stage.width
        sum_lines(lines, reading.row_N, reading.stats(row_U[: self._rows]), slot_N, *told, sum_GW)
        logit_RL = self._buffers.take("logit", rows, self._shape.labels)
        self._first_layer(reading, sum_GW, logit_RL)
        logit_RL += reading.base_L
        self._layers.forward_above(logit_RL)
        probability_RL = np.empty_like(logit_RL)
        sigmoid(logit_RL, probability_RL)
        return probability_RL, logit_RL

    def slope(self, reading: Reading, value_RL: Floats, weight_RL: Floats, pulled: Pulled | None) -> float:
        """The summed loss of what was scored last, its gradients left in the stage; log loss where none is told."""
        stage, rows, bags = self.stage, len(value_RL), len(reading.start_G)
        logit_RL, slope_RL = (self._buffers.take(name, rows, self._shape.labels) for name in ("logit", "slope"))
        if pulled is None:
            loss: float = log_loss(logit_RL, value_RL, weight_RL, slope_RL)
        else:
            loss, slope_RL[:] = pulled.loss, pulled.slope_RL
        grad_GW = self._buffers.take("grad", bags, stage.width)
        self._through_first(reading, slope_RL, grad_GW)
        told = reading.start_G, reading.count_G, stage.slot_N, reading.weight_N
        scatter(grad_GW, np.arange(bags), *told, self._rows, stage.width, stage.gradients(self._rows))
        return loss

    def _first_layer(self, reading: Reading, sum_GW: Floats, own_RL: Floats) -> None:
        """The first product of each row, where the layers read it, and the own weights of its fields."""
        shape, parts, rows = self._shape, self._parts, len(own_RL)
        parts.take(self.stage.flat.named["first.weight"])
        x_RI, z_RJ = self._buffers.take("row", rows, len(parts.row)), self._layers.first(rows)
        at = reading.shot_R, reading.item_R
        row_inputs(sum_GW, self._counts(reading), *at, shape.dim, reading.cross_RX, x_RI, own_RL)
        with np.errstate(all="ignore"):
            np.matmul(x_RI, parts.row.weight_IJ, out=z_RJ)
        self._sides = self._read_sides(reading)
        for side in self._sides:
            own_NL, speaks_F = np.empty((len(side.x_NI), shape.labels), np.float32), self._speaks_F[side.fields]
            side_inputs(sum_GW, side.first, side.owners, shape.dim, speaks_F, side.x_NI, own_NL)
            with np.errstate(all="ignore"):
                np.matmul(side.x_NI, side.part.weight_IJ, out=side.total_NJ)
            add_shared(side.total_NJ, side.owner_R, z_RJ)
            add_shared(own_NL, side.owner_R, own_RL)

    def _through_first(self, reading: Reading, slope_RL: Floats, grad_GW: Floats) -> None:
        """From the slopes of the logits to the gradients of all dense weights and of the bags."""
        shape, parts, rows = self._shape, self._parts, len(slope_RL)
        sum_GW = self._buffers.take("sum", len(grad_GW), self.stage.width + shape.stats)
        x_RI, dx_RI = (self._buffers.take(name, rows, len(parts.row)) for name in ("row", "row slope"))
        d_RJ = self._layers.backward_above(slope_RL)
        for side in self._sides:
            sum_shared(d_RJ, side.owner_R, side.total_NJ)
            slope_NL, dx_NI = side.total_NJ[:, : shape.labels].copy(), _back(side.part, side.x_NI, side.total_NJ)
            told = side.first, side.owners, shape.dim, self._speaks_F[side.fields]
            side_back(dx_NI, side.x_NI, slope_NL, *told, grad_GW)
        _back(parts.row, x_RI, d_RJ, dx_RI)
        row_back(dx_RI, slope_RL, sum_GW, self._counts(reading), reading.shot_R, reading.item_R, shape.dim, grad_GW)
        parts.put(self.stage.flat.slopes["first.weight"])

    def _read_sides(self, reading: Reading) -> tuple[Side, ...]:
        """Only items of rows: those after them are drawn for retrieval, and nothing here reads them."""
        askers, parts, take = self._shape.askers - 1, self._parts, self._buffers.take
        shown = int(reading.item_R.max()) + 1 if len(reading.item_R) else 0
        width = parts.row.weight_IJ.shape[1]
        sides = (
            ("asker", parts.asker, 0, reading.shots, slice(0, askers), reading.shot_R, reading.shots),
            ("item", parts.item, askers * reading.shots, reading.items, slice(askers + 1, None), reading.item_R, shown),
        )
        return tuple(
            Side(part, first, owners, fields, owner_R, take(name, many, len(part)), take(f"{name} sum", many, width))
            for name, part, first, owners, fields, owner_R, many in sides
        )

    def _counts(self, reading: Reading) -> Ints:
        askers = self._shape.askers - 1
        return np.array([askers, reading.shots, len(self._shape.fields) - askers - 1, reading.items])


def _back(part: Part, x_NI: Floats, d_NJ: Floats, dx_NI: Floats | None = None) -> Floats:
    """The gradient of a part's weights, left there, and that of its inputs."""
    with np.errstate(all="ignore"):
        np.matmul(x_NI.T, d_NJ, out=part.slope_IJ)
        return np.matmul(d_NJ, part.weight_IJ.T, out=dx_NI)
