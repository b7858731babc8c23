"""The two towers on the host, by hand: only the bags of positives and candidates are summed, and only their rows move.

The same numbers as `layers.py` by autograd. No state between two steps but the weights.
"""

from __future__ import annotations

import numpy as np

from learners.kernels.bags import place_some, scatter, sum_bags
from learners.kernels.towers import from_unit, softmax_loss, to_unit
from learners.learner import Floats, Ints
from learners.models.host_stage import HostStage
from learners.models.two_stage_shape import SEEK_SCALE
from learners.models.two_tower import TwoTower
from learners.optimizers.rules import UpdateRules
from learners.reading import Chosen, Reading


class FusedSeek:
    """Learns which items were chosen by whom."""

    def __init__(self, shape: TwoTower, rules: UpdateRules) -> None:
        self._shape = shape
        self.stage = HostStage(shape.start(), rules, groups=shape.groups, scale=SEEK_SCALE)

    def slope(self, reading: Reading, chosen: Chosen) -> float:
        """The summed loss, its gradients left in the stage."""
        shape, stage = self._shape, self.stage
        user_M, item_M = self._bags(reading, chosen)
        bag_M = np.concatenate([user_M, item_M])
        bags = reading.start_G, reading.count_G
        slot_N, row_U = stage.room(len(reading.row_N))
        lines, ints = stage.rows.lines, stage.rows.ints
        rows = place_some(lines, ints, stage.rows.stamped(), reading.row_N, bag_M, *bags, slot_N, row_U)
        sum_MD = np.empty((len(bag_M), shape.dim), np.float32)
        sum_bags(lines, reading.row_N, reading.weight_N, bag_M, *bags, sum_MD)
        loss, grad_MD = self._through(sum_MD, len(chosen.shot_P), chosen)
        scatter(grad_MD, bag_M, *bags, slot_N, reading.weight_N, rows, stage.width, stage.gradients(rows))
        return loss

    def vectors(self, reading: Reading) -> tuple[Floats, Floats]:
        """The askers and the items of a reading, each of length 1."""
        shape, asked = self._shape, len(self._shape.asker_fields) * reading.shots
        told = []
        for name, fields, count, start in (
            ("asker", shape.asker_fields, reading.shots, 0),
            ("item", shape.item_fields, reading.items, asked),
        ):
            bag_M = (start + np.arange(len(fields)) * count + np.arange(count)[:, None]).ravel()
            sum_MD = np.empty((len(bag_M), shape.dim), np.float32)
            bags = reading.start_G, reading.count_G
            sum_bags(self.stage.rows.lines, reading.row_N, reading.weight_N, bag_M, *bags, sum_MD)
            weight_XD = self.stage.flat.named[f"{name}.weight"].reshape(-1, shape.dim)
            unit_OD = sum_MD.reshape(count, len(weight_XD)) @ weight_XD
            to_unit(unit_OD, np.empty(count, np.float32))
            told.append(unit_OD)
        return told[0], told[1]

    def _bags(self, reading: Reading, chosen: Chosen) -> tuple[Ints, Ints]:
        """The bags of the positives' askers, then of the candidates: all fields of one, then of the next."""
        askers, shown = len(self._shape.asker_fields), len(self._shape.item_fields)
        user_PF = np.arange(askers) * reading.shots + chosen.shot_P[:, None]
        item_CF = askers * reading.shots + np.arange(shown) * reading.items + chosen.item_C[:, None]
        return user_PF.ravel(), item_CF.ravel()

    def _through(self, sum_MD: Floats, positives: int, chosen: Chosen) -> tuple[float, Floats]:
        """From the bags' vectors to the loss and back to their gradients; those of the matrices go where they live."""
        shape, flat = self._shape, self.stage.flat
        split, dim, grad_MD = positives * len(shape.asker_fields), shape.dim, np.empty_like(sum_MD)
        user_PX, item_CX = sum_MD[:split].reshape(positives, -1), sum_MD[split:].reshape(len(chosen.item_C), -1)
        asker_XD, shown_XD = (flat.named[f"{name}.weight"].reshape(-1, dim) for name in ("asker", "item"))
        with np.errstate(all="ignore"):
            user_PD, item_CD = user_PX @ asker_XD, item_CX @ shown_XD
            long_P, long_C = (np.empty(len(part), np.float32) for part in (user_PD, item_CD))
            to_unit(user_PD, long_P)
            to_unit(item_CD, long_C)
            score_PC = user_PD @ item_CD.T
            loss = softmax_loss(score_PC, chosen.target_P, chosen.log_q_C, shape.temperature)
            du_PD, di_CD = score_PC @ item_CD, score_PC.T @ user_PD
            from_unit(du_PD, user_PD, long_P)
            from_unit(di_CD, item_CD, long_C)
            np.matmul(user_PX.T, du_PD, out=flat.slopes["asker.weight"].reshape(-1, dim))
            np.matmul(item_CX.T, di_CD, out=flat.slopes["item.weight"].reshape(-1, dim))
            np.matmul(du_PD, asker_XD.T, out=grad_MD[:split].reshape(positives, -1))
            np.matmul(di_CD, shown_XD.T, out=grad_MD[split:].reshape(len(chosen.item_C), -1))
        return loss, grad_MD
