"""The two stages' shapes, how they start and how they are updated: what the fused model and that in torch share."""

from __future__ import annotations

from dataclasses import dataclass, field

from learners.models.deepfm import DeepFM
from learners.models.two_tower import TwoTower
from learners.optimizers.factors import Factors
from learners.optimizers.rules import UpdateRules
from learners.schema import Schema

RANK_SCALE = 0.05
SEEK_SCALE = 0.1
"""Half widths of the uniform start of rows' vectors."""
LARGEST_NORM = 1.8e19
"""Of a gradient: the square of a larger one is none in float32, and what would be left of it after a clip is noise."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the stages are updated."""

    rank: UpdateRules = field(default_factory=UpdateRules)
    seek: UpdateRules = field(default_factory=UpdateRules)


@dataclass(frozen=True, slots=True)
class Stepped:
    """Norms before the clip, the summed loss, and what Clippy did, of the stages that learned."""

    norm: float
    loss: float
    factors: Factors = field(default_factory=Factors)


def ranker_of(schema: Schema) -> DeepFM:
    """The ranker on the fields of a schema."""
    return DeepFM(schema.fields, len(schema.asker_fields) + 1, len(schema.labels), readers=schema.readers)


def towers_of(schema: Schema) -> TwoTower:
    """The towers on the fields of a schema; the position belongs to neither."""
    return TwoTower(schema.asker_fields, schema.item_fields)
