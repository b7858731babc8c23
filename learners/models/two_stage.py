"""The two stages together on one id map: the ranker on what was shown, the towers on what was chosen.

Retrieval and ranking have rows of their own. `forward` only reads; `step` takes the updates of both stages, or none.
Which rows exist, what is counted and what is named belongs to the learner around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from learners.keeping import Arrays
from learners.losses.log_loss import masked_log_loss
from learners.losses.softmax import sampled_softmax
from learners.models.bags import Places, bag_means
from learners.models.deepfm import DeepFM
from learners.models.stage import Leaves, Stage, StageRules
from learners.models.two_tower import TwoTower
from learners.schema import ITEM_FIELDS, Schema
from learners.tables.id_map import IdMap


@dataclass(frozen=True, slots=True)
class Rules:
    """How the stages are updated."""

    rank: StageRules = field(default_factory=StageRules)
    seek: StageRules = field(default_factory=StageRules)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a batch reads: distinct rows with their statistics, and its bags as places in them."""

    row_U: Tensor
    stat_US: Tensor
    places: Places
    shots: int
    items: int
    shot_R: Tensor
    item_R: Tensor
    cross_RX: Tensor
    base_L: Tensor


@dataclass(frozen=True, slots=True)
class Chosen:
    """The positives of retrieval: shots, the candidates (distinct items), and which candidate each chose."""

    shot_P: Tensor
    item_C: Tensor
    target_P: Tensor
    log_q_C: Tensor


@dataclass(frozen=True, slots=True)
class Forward:
    """A batch read and scored, ready to be learned from."""

    reading: Reading
    leaves: Leaves
    logit_RL: Tensor


@dataclass(frozen=True, slots=True)
class Stepped:
    """Norms before the clip, and the summed loss, of the stages that learned."""

    norm: float
    loss: float


class TwoStage:
    """The id map and the stages."""

    def __init__(self, schema: Schema, rules: Rules, *, device: torch.device, seed: int) -> None:
        asker, labels = schema.asker_fields, len(schema.labels)
        self.ranker = DeepFM(schema.fields, len(asker) + 1, labels)
        self.towers = TwoTower(asker, ITEM_FIELDS)
        self.device = device
        self.ids = IdMap(spaces=len(schema.spaces), device=device)
        random = torch.Generator().manual_seed(seed)
        groups = (self.ranker.dim, *[1] * labels)
        self.rank = Stage(self.ranker.start(random), rules.rank, groups=groups, scale=RANK_SCALE, device=device)
        groups = (self.towers.dim,)
        self.seek = Stage(self.towers.start(), rules.seek, groups=groups, scale=SEEK_SCALE, device=device)
        self.grow()

    def grow(self) -> None:
        """Give every row of the map its weights."""
        self.rank.grow(len(self.ids))
        self.seek.grow(len(self.ids))

    def reset(self, row: int) -> None:
        """Start a row again."""
        one = torch.tensor([row], device=self.device)
        self.rank.reset(one)
        self.seek.reset(one)

    def forward(self, reading: Reading) -> Forward:
        """Score a batch."""
        leaves = self.rank.leaves(reading.row_U)
        line_GW = bag_means(torch.cat([leaves.line_UW, reading.stat_US], 1), reading.places)
        asked_GW, item_GW, placed_RW = _split(line_GW, reading, len(self.towers.asker_fields))
        R, W = placed_RW.shape
        asked_RX = _by_owner(asked_GW, reading.shots).index_select(0, reading.shot_R)
        item_RX = _by_owner(item_GW, reading.items).index_select(0, reading.item_R)
        fields = len(self.ranker.fields)
        row_RFW = torch.cat([asked_RX, placed_RW, item_RX], 1).view(R, fields, W)
        logit_RL = self.ranker.logits(self.rank.named(leaves), row_RFW, reading.cross_RX, reading.base_L)
        return Forward(reading, leaves, logit_RL)

    def seek_loss(self, reading: Reading, leaves: Leaves, chosen: Chosen) -> Tensor:
        """Summed loss of retrieval."""
        vector_GD = bag_means(leaves.line_UW, reading.places)
        asked_GD, item_GD, _ = _split(vector_GD, reading, len(self.towers.asker_fields))
        asked_FSD, item_GID = (
            part.view(-1, owners, self.towers.dim)
            for part, owners in ((asked_GD, reading.shots), (item_GD, reading.items))
        )
        weights = self.seek.named(leaves)
        user_PD = self.towers.users(weights, asked_FSD.index_select(1, chosen.shot_P))
        item_CD = self.towers.items(weights, item_GID.index_select(1, chosen.item_C))
        return sampled_softmax(user_PD, item_CD, chosen.target_P, chosen.log_q_C, self.towers.temperature)

    def step(self, forward: Forward, value_RL: Tensor, weight_RL: Tensor, chosen: Chosen | None) -> Stepped | None:
        """Update the stages that have something to learn: the ranker where a weight is above 0, the towers where
        something was chosen. 1. both updates are computed; 2. if one is not finite, None, and nothing is assigned;
        3. both are assigned."""
        updates, losses = [], []
        if bool((weight_RL != 0).any()):
            losses.append(masked_log_loss(forward.logit_RL, value_RL, weight_RL))
            updates.append((self.rank, self.rank.proposed(forward.leaves, losses[-1], float(len(weight_RL)))))
        if chosen is not None:
            leaves = self.seek.leaves(forward.reading.row_U)
            losses.append(self.seek_loss(forward.reading, leaves, chosen))
            updates.append((self.seek, self.seek.proposed(leaves, losses[-1], float(len(chosen.target_P)))))
        norms = 0.0
        for _, update in updates:
            if update is None:
                return None
            norms += update.norm**2
        for stage, update in updates:
            assert update is not None
            stage.assign(update)
        return Stepped(norms**0.5, sum(float(loss.detach()) for loss in losses))

    def dump(self) -> Arrays:
        """Every array, for as many rows as there are."""
        rows = len(self.ids)
        ids: Arrays = {"ids.space": self.ids.spaces.cpu().numpy(), "ids.key": self.ids.keys.cpu().numpy()}
        return ids | self.rank.dump("rank", rows) | self.seek.dump("seek", rows)

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self.ids.load(torch.from_numpy(arrays["ids.space"]), torch.from_numpy(arrays["ids.key"]))
        self.rank.load("rank", arrays)
        self.seek.load("seek", arrays)


RANK_SCALE = 0.05
SEEK_SCALE = 0.1
"""Half widths of the uniform start of rows."""


def _split(line_GW: Tensor, reading: Reading, asker_fields: int) -> tuple[Tensor, Tensor, Tensor]:
    """Bags of the askers, of the items, and of the positions."""
    asked, items = reading.shots * asker_fields, reading.items * len(ITEM_FIELDS)
    return line_GW[:asked], line_GW[asked : asked + items], line_GW[asked + items :]


def _by_owner(line_GW: Tensor, owners: int) -> Tensor:
    """Lines that stand field by field, as one long line of each owner: a gradient of whole lines sums fast."""
    fields, width = (len(line_GW) // owners, line_GW.shape[1]) if owners else (0, 0)
    return line_GW.view(fields, owners, width).transpose(0, 1).reshape(owners, fields * width)
