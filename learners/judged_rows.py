"""What of a batch a guard looks at: whose rows they are, which are evidence, which are broken. Judges nothing."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from learners.learner import Bools, Doubles, Floats, Scores
from learners.ordering import Batch

AXES = ("producer", "app_version", "surface")
SURE = 1e-7
"""Chances are kept so far from 0 and 1 before they become logits."""
FACTS = ("item", "forget")


def names_of(batch: Batch) -> list[list[str]]:
    """By axis, the value of each row; empty texts where nobody was shown anything."""
    shots = [example.shot for example in batch.examples]
    axes = [attrgetter(axis) for axis in AXES]
    return [[value(shot) if shot is not None else "" for shot in shots] for value in axes]


def facts_of(batch: Batch) -> Bools:
    """Rows that say what is, not what was wanted: these are never held, [B]."""
    return np.array([example.row.kind in FACTS for example in batch.examples], np.bool_)


def broken_of(batch: Batch) -> Bools:
    """Rows of which a label or the weight is no number, [B]."""
    rows = (example.row for example in batch.examples)
    sum_B = np.array([row.weight + sum(row.labels.values()) for row in rows], np.float64)
    broken_B: Bools = ~np.isfinite(sum_B)  # what is no number makes no number of the sum
    return broken_B


def evidence_of(batch: Batch, scores: Scores, label: int) -> Bools:
    """Rows that were decided as that label, of a weight above 0, [B]."""
    label_B = np.array([example.row.kind == "label" for example in batch.examples], np.bool_)
    counted_B: Bools = label_B & scores.decided_BL[:, label] & (scores.weight_B > 0)
    return counted_B


def yeses_of(batch: Batch, scores: Scores, label: int) -> Bools:
    """Rows that were decided as a yes of that label, whatever they weigh, [B]."""
    label_B = np.array([example.row.kind == "label" for example in batch.examples], np.bool_)
    yes_B: Bools = label_B & scores.decided_BL[:, label] & (scores.value_BL[:, label] > 0)
    return yes_B


def mended(scores: Scores, broken_B: Bools | None) -> Scores:
    """Scores in which broken rows decide nothing."""
    if broken_B is None or not broken_B.any():
        return scores
    return Scores(
        scores.probability_BL,
        scores.decided_BL & ~broken_B[:, None],
        np.where(broken_B[:, None], np.float32(0), scores.value_BL),
        np.where(broken_B, np.float32(0), scores.weight_B),
        scores.shown,
    )


def logits(probability_N: Floats | NDArray[np.float64]) -> Doubles:
    """Log-odds of chances, kept finite.

    >>> logits(np.array([0.5, 0.0, np.nan], np.float32)).round(1).tolist()
    [0.0, -16.1, nan]
    """
    clipped = np.clip(np.asarray(probability_N, np.float64), SURE, 1 - SURE)
    log_odds: Doubles = np.log(clipped) - np.log1p(-clipped)
    return log_odds
