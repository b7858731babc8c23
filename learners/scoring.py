"""Predictions of a batch's lessons, laid out as scores of all its examples."""

from __future__ import annotations

import numpy as np

from learners.features import Features
from learners.learner import Bools, Floats, Ints, Scores, Shown
from learners.ordering import Batch


def scores_of(batch: Batch, told: Features, probability_RL: Floats) -> Scores:
    """Scores of all examples; facts and organic visits decide nothing."""
    decided_RL = told.decided_RL & told.ranked_R[:, None]
    firsts = int((told.first_R & told.label_R).sum())
    rows = len(batch.examples)
    if len(told.at_R) == rows:  # all are lessons, in their order
        shown = Shown(told.label_R, firsts, told.wheres, told.where_S[told.shot_R])
        return Scores(np.array(probability_RL, np.float32), decided_RL, told.value_RL, told.weight_R, shown)
    labels = told.value_RL.shape[1]
    probability_BL: Floats = np.zeros((rows, labels), np.float32)
    decided_BL: Bools = np.zeros((rows, labels), np.bool_)
    value_BL: Floats = np.zeros((rows, labels), np.float32)
    label_B: Bools = np.zeros(rows, np.bool_)
    where_B: Ints = np.full(rows, -1, np.int64)
    probability_BL[told.at_R] = probability_RL
    decided_BL[told.at_R] = decided_RL
    value_BL[told.at_R] = told.value_RL
    label_B[told.at_R] = told.label_R
    where_B[told.at_R] = told.where_S[told.shot_R]
    weight_B = np.array([example.row.weight for example in batch.examples], np.float32)
    return Scores(probability_BL, decided_BL, value_BL, weight_B, Shown(label_B, firsts, told.wheres, where_B))
