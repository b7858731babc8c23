"""Predictions of a batch's lessons, laid out as scores of all its examples."""

from __future__ import annotations

import numpy as np

from learners.features import Features
from learners.learner import Bools, Floats, Scores
from learners.ordering import Batch


def scores_of(batch: Batch, told: Features, probability_RL: Floats) -> Scores:
    """Scores of all examples; facts and organic visits decide nothing."""
    rows, labels = len(batch.examples), told.value_RL.shape[1]
    probability_BL: Floats = np.zeros((rows, labels), np.float32)
    decided_BL: Bools = np.zeros((rows, labels), np.bool_)
    value_BL: Floats = np.zeros((rows, labels), np.float32)
    probability_BL[told.at_R] = probability_RL
    decided_BL[told.at_R] = told.decided_RL & told.ranked_R[:, None]
    value_BL[told.at_R] = told.value_RL
    weight_B = np.array([example.row.weight for example in batch.examples], np.float32)
    return Scores(probability_BL, decided_BL, value_BL, weight_B)
