"""Figures of how good predictions were: pure functions of scores and outcomes, each with its formula.

AUC is exact, by mid-ranks: P(s+ > s-) + P(s+ = s-)/2 (Hanley and McNeil 1982). Normalised entropy is the mean log loss
over the entropy of the click rate of the same rows (He et al., ADKDD 2014); calibration is sum p / sum y. ECE is taken
over bins of equal mass (Naeini et al., AAAI 2015). A figure that the rows can't give (one class only, no rows) is None.
Nothing here remembers a row; `evaluation.py` does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]
Figures = dict[str, float | None]

BINS = 15
CLIP = 1e-7
"""Probabilities are kept this far from 0 and 1 in a log loss, so that one row can't make a sum infinite."""


def auc(score_N: Floats, positive_N: Flags) -> float | None:
    """Exact AUC; ties count half.

    >>> auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
    0.875
    """
    above, below = np.sort(score_N[positive_N]), np.sort(score_N[~positive_N])
    if not len(above) or not len(below):
        return None
    less = int(np.searchsorted(below, above, "left").sum())
    less_or_equal = int(np.searchsorted(below, above, "right").sum())
    return (less + less_or_equal) / (2 * len(above) * len(below))


def losses(probability_N: Floats, positive_N: Flags) -> NDArray[np.float64]:
    """The log loss of each row.

    >>> losses(np.array([0.5, 1.0]), np.array([True, True])).round(4).tolist()
    [0.6931, 0.0]
    """
    p = np.clip(probability_N.astype(np.float64, copy=False), CLIP, 1 - CLIP)
    return -np.log(np.where(positive_N, p, 1 - p))


def ece(probability_N: Floats, positive_N: Flags, bins: int = BINS) -> float | None:
    """Mean over bins of equal mass of |mean outcome - mean prediction|, weighted by rows.

    >>> ece(np.array([0.25, 0.25, 0.5, 0.5]), np.array([False, False, True, True]), bins=2)
    0.375
    """
    n = len(probability_N)
    if not n:
        return None
    order = np.argsort(probability_N, kind="stable")
    gap = positive_N[order].astype(np.float64) - probability_N[order]
    starts = np.unique(np.linspace(0, n, min(bins, n) + 1)[:-1].astype(np.int64))
    return float(np.abs(np.add.reduceat(gap, starts)).sum() / n)


@dataclass(slots=True)
class Sums:
    """What log loss, normalised entropy and calibration need, as four sums; they may be faded.

    >>> Sums(n=4, probability=2.0, positive=2.0, loss=4 * math.log(2)).figures()
    {'n': 4, 'log_loss': 0.6931471805599453, 'ne': 1.0, 'calibration': 1.0}
    """

    n: float = 0
    probability: float = 0.0
    positive: float = 0.0
    loss: float = 0.0

    def add(self, n: float, probability: float, positive: float, loss: float, *, fade: float = 1.0) -> None:
        """Fade what is there, then add."""
        self.n = self.n * fade + n
        self.probability = self.probability * fade + probability
        self.positive = self.positive * fade + positive
        self.loss = self.loss * fade + loss

    def figures(self) -> Figures:
        if not self.n:
            return {"n": 0, "log_loss": None, "ne": None, "calibration": None}
        rate, loss = self.positive / self.n, self.loss / self.n
        entropy = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate)) if 0 < rate < 1 else 0.0
        return {
            "n": int(self.n) if self.n == int(self.n) else self.n,
            "log_loss": loss,
            "ne": loss / entropy if entropy else None,
            "calibration": self.probability / self.positive if self.positive else None,
        }


SLOTS = 1 << 16
REACH = 16.0
"""The histogram spans logits of -16 to 16 in `SLOTS` slots of .0005."""


class Histogram:
    """Scores counted by logit, for streams too long to keep: its AUC and ECE are near, never exact.

    Scores in one slot count as ties, so the AUC is off by at most half the share of pairs that fall in one slot.

    >>> h = Histogram()
    >>> h.add(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
    >>> h.auc()
    0.875
    """

    def __init__(self) -> None:
        self.count_2S = np.zeros((2, SLOTS), np.int64)

    def add(self, probability_N: Floats, positive_N: Flags) -> None:
        p = np.clip(probability_N.astype(np.float64), CLIP, 1 - CLIP)
        slot = ((np.log(p) - np.log1p(-p) + REACH) * (SLOTS / (2 * REACH))).astype(np.int64)
        line = np.clip(slot, 0, SLOTS - 1) + SLOTS * positive_N
        self.count_2S += np.bincount(line, minlength=2 * SLOTS).reshape(2, SLOTS)

    def auc(self) -> float | None:
        below_S, above_S = self.count_2S
        pairs = int(below_S.sum()) * int(above_S.sum())
        if not pairs:
            return None
        less_S = np.cumsum(below_S) - below_S
        return float(above_S @ (2 * less_S + below_S)) / (2 * pairs)

    def ece(self, bins: int = BINS) -> float | None:
        mass_S = self.count_2S.sum(axis=0)
        n = int(mass_S.sum())
        if not n:
            return None
        centre_S = (np.arange(SLOTS) + 0.5) * (2 * REACH / SLOTS) - REACH
        gap_S = self.count_2S[1] - mass_S / (1 + np.exp(-centre_S))
        bin_S = np.minimum((np.cumsum(mass_S) - mass_S / 2) * bins // n, bins - 1).astype(np.int64)
        return float(np.abs(np.bincount(bin_S, gap_S, bins)).sum() / n)
