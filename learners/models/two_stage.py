"""The two stages together on the same rows, in torch: the ranker on what was shown, the towers on what was chosen.

For a device, and as the check of `fused_two_stage.py`: numpy comes in, numpy goes out, and the arrays of a snapshot
are the same. Retrieval and ranking have rows of their own. `forward` only reads; `step` takes the updates of both
stages, or none. Which rows exist, what is counted and what is named belongs to the learner around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from learners.heads import Pulled
from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.losses.log_loss import masked_log_loss
from learners.losses.softmax import sampled_softmax
from learners.models.bags import bag_means
from learners.models.layers import logits, tower
from learners.models.places import Read, read_on
from learners.models.stage import Leaves, Stage
from learners.models.two_stage_shape import RANK_SCALE, SEEK_SCALE, Rules, Stepped, ranker_of, towers_of
from learners.optimizers.factors import together
from learners.reading import Chosen, Reading
from learners.schema import Schema


@dataclass(frozen=True, slots=True)
class Forward:
    """A batch read and scored, ready to be learned from."""

    reading: Reading
    read: Read
    leaves: Leaves
    logit_RL: Tensor

    @property
    def logits(self) -> Floats:
        logit_RL: Floats = self.logit_RL.detach().cpu().numpy()
        return logit_RL

    @property
    def probabilities(self) -> Floats:
        probability_RL: Floats = torch.sigmoid(self.logit_RL.detach()).cpu().numpy()
        return probability_RL


class TwoStage:
    """The stages."""

    def __init__(self, schema: Schema, rules: Rules, *, device: torch.device, seed: int) -> None:
        self.ranker, self.towers, self.device = ranker_of(schema), towers_of(schema), device
        self.rank, self.seek = (
            Stage(start, told, groups=shape.groups, scale=scale, device=device)
            for start, told, shape, scale in (
                (self.ranker.start(seed), rules.rank, self.ranker, RANK_SCALE),
                (self.towers.start(), rules.seek, self.towers, SEEK_SCALE),
            )
        )

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.rank.table)

    def grow(self, rows: int) -> None:
        """Give rows up to this number their start."""
        self.rank.grow(rows)
        self.seek.grow(rows)

    def reset(self, row_M: Ints) -> None:
        """Give rows their start again, in both stages."""
        self.rank.reset(self._on(row_M))
        self.seek.reset(self._on(row_M))

    def forward(self, reading: Reading) -> Forward:
        """Score a batch."""
        read = read_on(reading, self.device)
        leaves = self.rank.leaves(read.row_U)
        line_GW = bag_means(torch.cat([leaves.line_UW, read.stat_US], 1), read.places)
        asked_GW, item_GW, placed_RW = self._split(line_GW, reading)
        R, W = placed_RW.shape
        asked_RX = _by_owner(asked_GW, reading.shots).index_select(0, read.shot_R)
        item_RX = _by_owner(item_GW, reading.items).index_select(0, read.item_R)
        row_RFW = torch.cat([asked_RX, placed_RW, item_RX], 1).view(R, len(self.ranker.fields), W)
        logit_RL = logits(self.ranker, self.rank.named(leaves), row_RFW, read.cross_RX, read.base_L)
        return Forward(reading, read, leaves, logit_RL)

    def vectors(self, reading: Reading) -> tuple[Floats, Floats]:
        """The askers and the items of a reading, each of length 1."""
        with torch.no_grad():
            read = read_on(reading, self.device)
            leaves = self.seek.leaves(read.row_U)
            asked_GD, item_GD, _ = self._split(bag_means(leaves.line_UW, read.places), reading)
            weights, dim = self.seek.named(leaves), self.towers.dim
            user_SD, item_ID = (
                tower(weights[f"{name}.weight"], part.view(fields, count, dim)).cpu().numpy()
                for name, part, fields, count in (
                    ("asker", asked_GD, len(self.towers.asker_fields), reading.shots),
                    ("item", item_GD, len(self.towers.item_fields), reading.items),
                )
            )
        return user_SD, item_ID

    def seek_loss(self, forward: Forward, leaves: Leaves, chosen: Chosen) -> Tensor:
        """Summed loss of retrieval."""
        reading, weights = forward.reading, self.seek.named(leaves)
        asked_GD, item_GD, _ = self._split(bag_means(leaves.line_UW, forward.read.places), reading)
        asked_FSD, item_GID = (
            part.view(-1, owners, self.towers.dim)
            for part, owners in ((asked_GD, reading.shots), (item_GD, reading.items))
        )
        user_PD = tower(weights["asker.weight"], asked_FSD.index_select(1, self._on(chosen.shot_P)))
        item_CD = tower(weights["item.weight"], item_GID.index_select(1, self._on(chosen.item_C)))
        target_P, log_q_C = self._on(chosen.target_P), self._on(chosen.log_q_C)
        return sampled_softmax(user_PD, item_CD, target_P, log_q_C, self.towers.temperature)

    def step(
        self,
        forward: Forward,
        value_RL: Floats,
        weight_RL: Floats,
        chosen: Chosen | None,
        pulled: Pulled | None = None,
    ) -> Stepped | None:
        """Update the stages that have something to learn: the ranker where a weight is above 0, the towers where
        something was chosen. 1. both updates are computed; 2. if one is not finite, None, and nothing is assigned;
        3. both are assigned."""
        updates, losses = [], []
        if (weight_RL != 0).any():
            losses.append(self._rank_loss(forward, value_RL, weight_RL, pulled))
            updates.append((self.rank, self.rank.proposed(forward.leaves, losses[-1], float(len(weight_RL)))))
        if chosen is not None:
            leaves = self.seek.leaves(forward.read.row_U)
            losses.append(self.seek_loss(forward, leaves, chosen))
            updates.append((self.seek, self.seek.proposed(leaves, losses[-1], float(len(chosen.target_P)))))
        norms = 0.0
        for _, update in updates:
            if update is None:
                return None
            norms += update.norm**2
        for stage, update in updates:
            assert update is not None
            stage.assign(update)
        factors = together([update.factors for _, update in updates if update is not None])
        return Stepped(norms**0.5, sum(float(loss.detach()) for loss in losses), factors)

    def _rank_loss(self, forward: Forward, value_RL: Floats, weight_RL: Floats, pulled: Pulled | None) -> Tensor:
        """The summed loss: the log loss, or what is told, with that slope and that value."""
        if pulled is None:
            return masked_log_loss(forward.logit_RL, self._on(value_RL), self._on(weight_RL))
        along = (forward.logit_RL * self._on(pulled.slope_RL)).sum()
        return along + (pulled.loss - along.detach())

    @property
    def dense(self) -> dict[str, dict[str, Floats]]:
        """The dense weights by stage and name."""
        stages = {"rank": self.rank, "seek": self.seek}
        return {stage: {name: w.cpu().numpy() for name, w in of.weights.items()} for stage, of in stages.items()}

    def dump(self) -> Arrays:
        """Every array, for as many rows as there are."""
        return self.rank.dump("rank", len(self)) | self.seek.dump("seek", len(self))

    def lines(self, row_M: Ints) -> Arrays:
        """Some rows of both stages, of what `dump` gives."""
        return self.rank.lines("rank", row_M) | self.seek.lines("seek", row_M)

    def rest(self) -> Arrays:
        """What belongs to no row, of what `dump` gives."""
        return self.rank.rest("rank") | self.seek.rest("seek")

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self.rank.load("rank", arrays)
        self.seek.load("seek", arrays)

    def _on(self, array: Any) -> Tensor:
        return torch.as_tensor(array).to(self.device)

    def _split(self, line_GW: Tensor, reading: Reading) -> tuple[Tensor, Tensor, Tensor]:
        """Bags of the askers, of the items, and of the positions."""
        asked = reading.shots * len(self.towers.asker_fields)
        items = reading.items * len(self.towers.item_fields)
        return line_GW[:asked], line_GW[asked : asked + items], line_GW[asked + items :]


def _by_owner(line_GW: Tensor, owners: int) -> Tensor:
    """Lines that stand field by field, as one long line of each owner: a gradient of whole lines sums fast."""
    fields, width = (len(line_GW) // owners, line_GW.shape[1]) if owners else (0, 0)
    return line_GW.view(fields, owners, width).transpose(0, 1).reshape(owners, fields * width)
