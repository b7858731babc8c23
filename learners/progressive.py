"""Which rows of a batch are in a figure: those of kind label, of a weight above 0, for the labels that they decide.

Corrections, facts and organic visits are learned, but nobody was asked to foresee them. Slices are surfaces.
"""

from __future__ import annotations

import numpy as np

from learners.evaluation import Evaluation
from learners.learner import Scores
from learners.ordering import Batch


def evaluate(evaluation: Evaluation, batch: Batch, scores: Scores) -> None:
    """Add a batch, scored and not yet learned, to the figures."""
    rows = [example.row for example in batch.examples]
    label_B = np.fromiter((row.kind == "label" for row in rows), np.bool_, len(rows))
    counted_BL = scores.decided_BL & (label_B & (scores.weight_B > 0))[:, None]
    surfaces = [example.shot.surface if example.shot else "" for example in batch.examples]
    evaluation.add(scores.probability_BL, scores.value_BL, counted_BL, surfaces)
    evaluation.impressions += sum(row.first for row in rows if row.kind == "label")
