"""Two models on the same rows: how far apart their figures are, with intervals. Pure; larger is worse for the first.

Half-widths are `Z` standard errors: these figures are looked at with every version, so one in twenty would be wrong
several times an hour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learners.metrics import Flags, Floats, losses

Z = 3.3
BLOCK = 16
"""Rows that stand together in an interval: those of one page are alike, and count as less than so many."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of `n` rows, and between what it may be."""

    value: float
    low: float
    high: float
    n: int


def calibration(probability_N: Floats, positive_N: Flags) -> Figure | None:
    """The logarithm of foreseen over come, by the delta method; None where nothing came.

    >>> told = calibration(np.full(400, 0.5), np.arange(400) % 4 == 0)
    >>> round(told.value, 3), told.low > 0
    (0.693, True)
    """
    came, n = int(positive_N.sum()), len(positive_N)
    foreseen = float(probability_N.sum())
    if not came or foreseen <= 0:
        return None
    value, wide = math.log(foreseen / came), Z * math.sqrt((1 - came / n + 1 / n) / came)
    return Figure(value, value - wide, value + wide, n)


def ne_apart(probability_N: Floats, other_N: Floats, positive_N: Flags) -> Figure | None:
    """How much larger the normalised entropy is than the other's, over blocks of rows; None where there are fewer than
    four blocks, or all came, or none.

    >>> came = np.arange(256) % 2 == 0
    >>> ne_apart(np.full(256, 0.5), np.where(came, 0.8, 0.2), came).low > 0
    True
    """
    rate, blocks = float(positive_N.mean()) if len(positive_N) else 0.0, len(positive_N) // BLOCK
    if not 0 < rate < 1 or blocks < 4:
        return None
    entropy = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
    apart_N = (losses(probability_N, positive_N) - losses(other_N, positive_N)) / entropy
    block_K = apart_N[-blocks * BLOCK :].reshape(blocks, BLOCK).mean(axis=1)
    value, wide = float(block_K.mean()), Z * float(block_K.std(ddof=1)) / math.sqrt(blocks)
    return Figure(value, value - wide, value + wide, blocks * BLOCK)


def auc_lost(probability_N: Floats, other_N: Floats, positive_N: Flags) -> Figure | None:
    """The other's AUC less this one's, with DeLong's interval of two curves on the same rows (DeLong, DeLong and
    Clarke-Pearson 1988, section 3); None where fewer than two came, or did not.

    >>> came = np.arange(200) % 2 == 0
    >>> told = auc_lost(np.where(came, 0.2, 0.8), np.where(came, 0.8, 0.2), came)
    >>> told.value, told.low
    (1.0, 1.0)
    """
    above, below = int(positive_N.sum()), int((~positive_N).sum())
    if above < 2 or below < 2:
        return None
    (over_P, under_Q), (over2_P, under2_Q) = (_placed(one_N, positive_N) for one_N in (other_N, probability_N))
    value = float(over_P.mean() - over2_P.mean())
    spread = (over_P - over2_P).var(ddof=1) / above + (under_Q - under2_Q).var(ddof=1) / below
    wide = Z * math.sqrt(float(spread))
    return Figure(value, value - wide, value + wide, len(positive_N))


def shifted(probability_N: Floats, other_N: Floats) -> Figure | None:
    """Population stability index of logits, the level of each (its median) taken out: what stays is the shape. `low` is
    less by what chance alone gives so many rows. None where there are fewer than ten to a bin.

    >>> p = np.linspace(0.01, 0.99, 400)
    >>> round(shifted(p, p).value, 3), shifted(np.full(400, 0.5), p).low > 1
    (0.0, True)
    """
    n = len(probability_N)
    if n < 10 * BINS:
        return None
    own_N, their_N = (_logits(one_N) for one_N in (probability_N, other_N))
    own_N, their_N = own_N - np.median(own_N), their_N - np.median(their_N)
    edges = np.quantile(their_N, np.linspace(0, 1, BINS + 1)[1:-1])
    share_B, base_B = (
        (np.bincount(np.searchsorted(edges, one_N), minlength=BINS) + 0.5) / (n + BINS / 2)
        for one_N in (own_N, their_N)
    )
    value, chance = float(((share_B - base_B) * np.log(share_B / base_B)).sum()), 2 * (BINS - 1) / n
    return Figure(value, max(0.0, value - Z * chance), value, n)


def disordered(probability_N: Floats, other_N: Floats) -> Figure | None:
    """1 less the rank correlation of the two (Spearman): 0 where both order alike, 2 where one turns the other round.
    None of fewer than 20 rows, or where one gives all the same score.

    >>> p = np.linspace(0.1, 0.9, 100)
    >>> disordered(p, p).value, disordered(1 - p, p).value
    (0.0, 2.0)
    """
    n = len(probability_N)
    if n < 20:
        return None
    own_N, their_N = (_ranks(one_N) for one_N in (probability_N, other_N))
    if not own_N.std() or not their_N.std():
        return None
    correlation = float(np.corrcoef(own_N, their_N)[0, 1])
    value, wide = round(1 - correlation, 12), Z * (1 - correlation**2) / math.sqrt(n - 3)
    return Figure(value, value - wide, value + wide, n)


def _placed(score_N: Floats, positive_N: Flags) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each that came, the share of others below it; of each of the others, the share of these above it."""
    above_P, below_Q = score_N[positive_N], score_N[~positive_N]
    sorted_P, sorted_Q = np.sort(above_P), np.sort(below_Q)
    less_P = (np.searchsorted(sorted_Q, above_P, "left") + np.searchsorted(sorted_Q, above_P, "right")) / 2
    less_Q = (np.searchsorted(sorted_P, below_Q, "left") + np.searchsorted(sorted_P, below_Q, "right")) / 2
    return less_P / len(below_Q), 1 - less_Q / len(above_P)


def _ranks(score_N: Floats) -> NDArray[np.float64]:
    """Ties share the mean of their ranks."""
    _, place_N, count_K = np.unique(score_N, return_inverse=True, return_counts=True)
    last_K = np.cumsum(count_K)
    rank_N: NDArray[np.float64] = (last_K - (count_K - 1) / 2)[place_N]
    return rank_N


def _logits(probability_N: Floats) -> NDArray[np.float64]:
    p_N = np.clip(probability_N.astype(np.float64), 1e-6, 1 - 1e-6)
    logit_N: NDArray[np.float64] = np.log(p_N) - np.log1p(-p_N)
    return logit_N
