"""Odds of being chosen from counts of rows, before their logarithm is taken: numpy's is vector code, a kernel's is not.

The formulas are those of `counters.log_odds`. A row below 0 or beyond those counted has counted nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import compiled

Doubles = NDArray[np.float64]
Longs = NDArray[np.int64]


@compiled
def row_odds(count_RC: Doubles, row_U: Longs, rate_L: Doubles, prior: float, odds_US: Doubles) -> None:
    """By row the smoothed odds of each label over those of its rate, plain, then faded, and 1 + how often seen."""
    labels, rows = len(rate_L), len(count_RC)
    for u in range(len(row_U)):
        there = 0 <= row_U[u] < rows
        line = count_RC[row_U[u] if there else 0]
        for kind in range(2):
            start = kind * (labels + 1)
            views = line[start] if there else 0.0
            for label in range(labels):
                chosen = line[start + 1 + label] if there else 0.0
                odds_US[u, kind * labels + label] = _odds(chosen, views, rate_L[label], prior)
        odds_US[u, 2 * labels] = 1.0 + (line[0] if there else 0.0)


@compiled
def pair_odds(
    count_PC: Doubles, line_N: Longs, count_RC: Doubles, user_N: Longs, rate_L: Doubles, prior: float,
    pair_prior: float, odds_NL: Doubles,
) -> None:  # fmt: skip
    """The same for pairs, over what the user by itself chooses."""
    for n in range(len(line_N)):
        known, seen = 0 <= line_N[n] < len(count_PC), 0 <= user_N[n] < len(count_RC)
        pair, user = count_PC[line_N[n] if known else 0], count_RC[user_N[n] if seen else 0]
        for label in range(len(rate_L)):
            chosen = user[1 + label] if seen else 0.0
            views = max(user[0], chosen) if seen else 0.0
            own = (chosen + prior * rate_L[label]) / (views + prior)
            mine, shown = (pair[1 + label], pair[0]) if known else (0.0, 0.0)
            odds_NL[n, label] = _odds(mine, shown, own, pair_prior)


@compiled
def _odds(chosen: float, views: float, rate: float, prior: float) -> float:
    if chosen == 0 and views == 0:
        return 1.0  # exactly: what is unknown says nothing
    missed = max(views - chosen, 0.0)
    return (chosen + prior * rate) / (missed + prior * (1 - rate)) / (rate / (1 - rate))
