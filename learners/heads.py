"""What a model's logits mean, label by label, and how they are pulled towards what was told. No torch, no weights.

Each label has a loss; where all have the usual one a model learns by its own hand. Any other is worked out on the
logits alone, by `Pull`, and what comes back is the slope that the model goes on from. Predictions are chances for some
labels and values for others: `values` names these, which have no AUC and no base rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Protocol

import numpy as np

from learners.features import Features
from learners.label_losses import LabelLoss, losses_of, unusual
from learners.learner import Floats, Ints
from learners.links import Link
from learners.ordering import Batch
from learners.predictions import read_back

SLATES = frozenset({"pairwise", "listwise"})


@dataclass(frozen=True, slots=True)
class Lessons:
    """What rows say: values and weights [R, L], a weight of 0 masks; and where a loss reads it the logged propensity
    and score of a row, nan where nobody logged it, and the list that it stood in, below 0 for none."""

    value_RL: Floats
    weight_RL: Floats
    propensity_R: Floats | None = None
    teacher_R: Floats | None = None
    slate_R: Ints | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """The summed loss, and its slope by logit [R, L]."""

    loss: float
    slope_RL: Floats


class Pull(Protocol):
    """Works out losses on logits."""

    def __call__(self, logit_RL: Floats, lessons: Lessons) -> Pulled: ...


class Read(Protocol):
    """A batch as a model scored it."""

    @property
    def probabilities(self) -> Floats: ...

    @property
    def logits(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Heads:
    """One loss for each label, in their order; `pull` where they are not all usual.

    >>> heads = heads_of(("click", "stars"), {"stars": {"loss": "squared", "centre": 3}})
    >>> heads.told, heads.values, heads.based.tolist()
    ({'stars': {'loss': 'squared', 'centre': 3.0}}, frozenset({'stars'}), [1.0, 0.0])
    """

    labels: tuple[str, ...]
    losses: tuple[LabelLoss, ...]
    pull: Pull | None = None

    @property
    def are_usual(self) -> bool:
        """Whether every label has a log loss of yes and no, and nothing else."""
        return all(loss.is_usual for loss in self.losses)

    @property
    def links(self) -> tuple[Link, ...]:
        return tuple(loss.link for loss in self.losses)

    @property
    def values(self) -> frozenset[str]:
        """Labels whose predictions are no chances."""
        return frozenset(name for name, link in zip(self.labels, self.links, strict=True) if not link.is_probability)

    @property
    def based(self) -> Floats:
        """1 where the log-odds of how often a label is chosen belong to its logit, else 0."""
        return np.array([link.is_probability for link in self.links], np.float32)

    @property
    def told(self) -> dict[str, dict[str, Any]]:
        """What differs from the usual, for snapshots and versions."""
        return unusual(self.labels, self.losses)

    def predictions(self, read: Read) -> Floats:
        """What is foreseen, [R, L]."""
        return read_back(self.links, read.logits) if any(link != Link() for link in self.links) else read.probabilities

    def lessons(self, batch: Batch, told: Features, weight_RL: Floats) -> Lessons:
        """The lessons of a batch, with what its losses read beside values and weights."""
        rows = [(batch.examples[at].shot, batch.examples[at].row.item_id) for at in told.at_R.tolist()]
        propensity_R = teacher_R = slate_R = None
        if any(loss.shared.importance for loss in self.losses):
            listed = [shot.propensities.get(item, nan) if shot else nan for shot, item in rows]
            propensity_R = np.array(listed, np.float32)
        if any(loss.name == "distill" for loss in self.losses):
            teacher_R = np.array([shot.scores.get(item, nan) if shot else nan for shot, item in rows], np.float32)
        if any(loss.name in SLATES for loss in self.losses):
            slate_R = np.where(told.ranked_R, told.shot_R, -1)
        return Lessons(told.value_RL, weight_RL, propensity_R, teacher_R, slate_R)


def heads_of(labels: Sequence[str], told: Mapping[str, Mapping[str, Any]], pull: Pull | None = None) -> Heads:
    """Heads as settings tell of them. Raises ValueError naming the label."""
    return Heads(tuple(labels), losses_of(labels, told), pull)
