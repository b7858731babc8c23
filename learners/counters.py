"""Counters: how often each row was seen and chosen, plain and faded, and what the model reads of that.

Numbers are read before the batch that they come from is counted, so a prediction never knows its own outcome. A view
counts once, at the row that decides the first label of its example. Numpy on the host; counts are whole numbers in
float64, so the order of summing shows nowhere. Fading goes by a row's own views, not by time: no clock, no unit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.counting import count_rows
from learners.kernels.odds import row_odds
from learners.kernels.tallies import add_tallies, tally
from learners.learner import Doubles, Floats, Ints

PRIOR = 10.0
"""How many views at the rate above it a row is believed to have had before its first."""
KEEP = 0.98
"""What a view keeps of the faded counts before it."""
FAR = 4.0
"""Log-odds beyond this say no more."""


def log_odds(chosen: Doubles, views: Doubles, rate: Doubles, prior: float) -> Doubles:
    """How much likelier than `rate` to be chosen, in log-odds, smoothed by `prior` views.

    >>> log_odds(np.array([3.0, 30.0]), np.array([60.0, 60.0]), np.array(0.1), 10.0).round(2).tolist()
    [-0.61, 1.97]
    """
    missed = np.maximum(views - chosen, 0.0)
    shift = np.log((chosen + prior * rate) / (missed + prior * (1 - rate))) - np.log(rate / (1 - rate))
    clipped: Doubles = np.clip(shift, -FAR, FAR)
    return clipped


class Counters:
    """Columns of rows: views, chosen by label, then the same faded. Row 0 upward, as in the id map."""

    def __init__(self, labels: int, *, faded: bool = True) -> None:
        self._labels = labels
        self._faded = faded
        self.count_RC: Doubles = np.zeros((64, (1 + labels) * (2 if faded else 1)))
        self.total_C: Doubles = np.zeros(1 + labels)
        self._keep_V: Doubles = np.ones(1)
        self._place_R = np.empty(0, np.int32)

    @property
    def rates(self) -> Doubles:
        """How often each label is chosen, over everything counted."""
        rate: Doubles = (self.total_C[1:] + 1.0) / (self.total_C[0] + 4.0)
        return np.clip(rate, 1e-6, 1 - 1e-6)

    @property
    def base(self) -> Floats:
        """The log-odds of that."""
        rate = self.rates
        base: Floats = np.log(rate / (1 - rate)).astype(np.float32)
        return base

    def stats(self, row_U: Ints) -> Floats:
        """What the model reads of rows: log-odds by label, faded ones, and how well known. Rows never counted: 0."""
        odds_US = np.empty((len(row_U), 2 * self._labels + 1))
        row_odds(self.count_RC, row_U, self.rates, PRIOR, odds_US)
        logs_US = np.log(odds_US)
        np.clip(logs_US[:, :-1], -FAR, FAR, out=logs_US[:, :-1])
        logs_US[:, -1] /= 8
        return logs_US.astype(np.float32)

    def read(self, row_U: Ints) -> Doubles:
        """The columns of rows; zeros beyond those counted, and for -1."""
        there = (row_U >= 0) & (row_U < len(self.count_RC))
        read: Doubles = np.take(self.count_RC, row_U, axis=0, mode="clip")
        read[~there] = 0.0
        return read

    def add(self, row_N: Ints, event_NC: Doubles) -> None:
        """Count events (view, chosen by label) at rows, which may repeat."""
        if not len(row_N):
            return
        self._grow(int(row_N.max()) + 1)
        if len(self._place_R) < len(self.count_RC):
            self._place_R = np.full(len(self.count_RC), -1, np.int32)
        row_U, sum_UC = np.empty(len(row_N), np.int64), np.empty((len(row_N), event_NC.shape[1]))
        found = tally(row_N, event_NC, self._place_R, row_U, sum_UC)
        self._keep_views(int(event_NC[:, 0].sum()))
        add_tallies(row_U[:found], sum_UC[:found], self._keep_V, self.count_RC)

    def add_slots(self, row_U: Ints, slot_N: NDArray[np.int32], value_BL: Floats, weight_BL: Floats) -> None:
        """Count a batch whose rows read N / B ids each, `slot_N` of the distinct rows: a view of each row that has a
        weight, and by label whether it was chosen; in the totals too. Faded columns are needed."""
        if not len(row_U):
            return
        self._grow(int(row_U.max()) + 1)
        if len(self._keep_V) <= len(slot_N):
            self._keep_V = np.power(KEEP, np.arange(2 * len(slot_N), dtype=np.float64))
        sum_UC = np.zeros((len(row_U), 1 + self._labels))
        count_rows(slot_N, row_U, value_BL, weight_BL, sum_UC, self._keep_V, self.count_RC, self.total_C)

    def reset(self, rows: Ints) -> None:
        """Forget what was counted at rows."""
        self.count_RC[rows[rows < len(self.count_RC)]] = 0.0

    def upto(self, size: int) -> Doubles:
        """The columns of so many rows, zeros where none was counted."""
        self._grow(size)
        return self.count_RC[:size]

    def _keep_views(self, most: int) -> None:
        """Have at hand what so many views keep."""
        if len(self._keep_V) <= most:
            self._keep_V = np.power(KEEP, np.arange(2 * most + 1, dtype=np.float64))

    def _grow(self, size: int) -> None:
        if size > len(self.count_RC):
            more = max(size, 2 * len(self.count_RC)) - len(self.count_RC)
            self.count_RC = np.concatenate([self.count_RC, np.zeros((more, self.count_RC.shape[1]))])
