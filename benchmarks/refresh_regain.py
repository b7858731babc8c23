"""The shift of benchmarks/refresh.py: how many rows online and a daily copy need until what a shift took is back.

At a row of a drawn stream ids get new weights: `SHIFTS`. Lost is what the gap to the AUC of the truth grows by
for a copy from right before it; regained is the first window of `WINDOW` rows in which the gap is back within 5 % of
that. How long a daily copy waits depends on the hour of the shift, so the midnights of four hours are tried on the
same rows: a copy is taken at each, and asked for `LOOK` windows; where none is good enough, the next midnight is
waited for. A window in which it was good by luck counts, which favours the copies, since they are asked more often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.paired_auc import Ranked, drawn_weights
from benchmarks.refresh_rows import Told, drawn
from learners.column_learner import ColumnLearner
from learners.models.columns import ColumnShape

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Gap = Callable[[int, int | None], Doubles]
Asked = list[tuple[int, int | None]]
"""Windows, and the copy that answers there; None: the learner itself."""

WINDOW, LOOK = 20_000, 5
HOURS = (3, 9, 15, 21)
"""Of the shift, after a midnight; evenly over the day, so that their mean is that of a shift at any time."""
LEFT = 0.05
SHIFTS: dict[str, tuple[float, int | None]] = {"half_of_all_ids": (0.5, None), "small_fields": (1.0, 10)}
"""Share of the ids that get new weights, and in how many fields, the smallest ones (4 to 292 ids); None: in all."""
LONGEST = 500_000
"""Rows that follow a day after the shift, or half a day where that is more."""


@dataclass(frozen=True, slots=True)
class Regained:
    """Rows after the shift by draw, [1 + draws], the first of all rows once; infinite where they did not suffice."""

    per_day: int
    lost_D: Doubles
    online_D: Doubles
    daily_HD: Doubles

    def daily(self) -> Doubles:
        """Mean over the hours of the shift, by draw."""
        mean_D: Doubles = self.daily_HD.mean(axis=0)
        return mean_D


def regained(per_day: int, shifted: str, *, seed: int, batch: int, draws: int) -> Regained:
    """A learner goes through a day and a half, a shift, and a day and more."""
    shift = per_day * 3 // 2 // WINDOW * WINDOW
    after = (per_day + max(LONGEST, per_day // 2)) // WINDOW * WINDOW
    share, fields = SHIFTS[shifted]
    told = drawn(shift + after, per_day=per_day, drift_at=[shift], share=share, fields=fields, seed=seed)
    midnights_H = [list(_midnights(shift, per_day, hour, len(told))) for hour in HOURS]
    asked = {shift, *(row for midnights in midnights_H for row in midnights)}
    own_N, copy_W = _answers(told, asked, batch)

    @cache
    def gap(window: int, taken: int | None) -> Doubles:
        """AUC of the truth less that of the learner, or of the copy that was taken at a row."""
        rows = slice(window * WINDOW, (window + 1) * WINDOW)
        score_N = own_N[rows] if taken is None else copy_W[taken, window]
        chance_N = told.chance_N[rows]
        weights = [np.ones(WINDOW), *drawn_weights(told.cluster_N[rows], draws=draws, seed=window)]
        truth, ours = Ranked.of(chance_N, chance_N), Ranked.of(score_N, chance_N)
        return np.array([truth.auc(weight_N) - ours.auc(weight_N) for weight_N in weights])

    first = shift // WINDOW
    before_D = np.mean([gap(window, None) for window in range(first - LOOK, first)], axis=0)
    lost_D = np.mean([gap(window, shift) for window in range(first, first + LOOK)], axis=0) - before_D
    limit_D = before_D + LEFT * lost_D
    online: Asked = [(window, None) for window in range(first, len(told) // WINDOW)]
    daily_H: list[Asked] = [
        [(row // WINDOW + k, row) for row in midnights for k in range(LOOK)] for midnights in midnights_H
    ]
    count_D, *count_HD = [_rows_until(gap, one, limit_D, first) for one in (online, *daily_H)]
    return Regained(per_day, lost_D, count_D, np.array(count_HD))


def _midnights(shift: int, per_day: int, hour: int, rows: int) -> Iterator[int]:
    """Rows at which a daily copy is taken after a shift at this hour, at the end of a window."""
    row = shift + per_day * (24 - hour) // 24
    while (start := -(-row // WINDOW) * WINDOW) + LOOK * WINDOW <= rows:
        yield start
        row += per_day


def _answers(told: Told, asked: set[int], batch: int) -> tuple[Floats, dict[tuple[int, int], Floats]]:
    """What the learner foresaw of every row, and each copy of its windows, by row of the copy and window."""
    learner = ColumnLearner(ColumnShape(told.key_NF.shape[1]))
    own, found = [np.empty(0, np.float32)], {}
    for window in range(len(told) // WINDOW):
        start = window * WINDOW
        if start in asked:
            copy = learner.copy()
            for k in range(window, min(window + LOOK, len(told) // WINDOW)):
                rows = slice(k * WINDOW, (k + 1) * WINDOW)
                found[start, k] = np.concatenate([copy.score(one)[:, 0].copy() for one in told.batches(1024, rows)])
        for columns in told.batches(batch, slice(start, start + WINDOW)):
            own.append(learner.score(columns)[:, 0].copy())
            learner.learn(columns)
    return np.concatenate(own), found


def _rows_until(gap: Gap, asked: Asked, limit_D: Doubles, first: int) -> Doubles:
    """Rows from the shift to the end of the first window within the limit, by draw."""
    count_D = np.full(len(limit_D), np.inf)
    for window, taken in asked:
        within_D = np.isinf(count_D) & (gap(window, taken) <= limit_D)
        count_D[within_D] = (window + 1 - first) * WINDOW
        if np.isfinite(count_D).all():
            break
    return count_D
