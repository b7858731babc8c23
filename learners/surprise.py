"""Whether what happens is no longer what was foreseen: then old rows must be able to learn again as fast as new ones.

By label the log loss of a batch is compared with what it would be if the predictions were true: the difference, in
standard deviations of it, is z. Sums of z - slack that do not fall below 0 (Page 1954, a one-sided CUSUM) tell of a
lasting change within a few batches, and of none while predictions are calibrated. Wrong labels surprise as a moved
world does: to tell these apart is a guard's business, in front of it. Moves nothing; knows no rows.
"""

from __future__ import annotations

import numpy as np

from learners.keeping import Arrays
from learners.learner import Doubles, Floats

SLACK = 1.0
"""Standard deviations that a batch may be off, on and on."""
YOUNG, REST = 20_000, 100_000
"""Rows before which nothing surprises, and for which nothing does after a surprise."""


class Surprise:
    """The sums of several labels. `limit` is where a sum surprises; 0: never.

    >>> surprise = Surprise(1, limit=12.0)
    >>> p, one = np.full((1000, 1), 0.1, np.float32), np.ones((1000, 1), np.float32)
    >>> seen = [surprise.at(p, (np.arange(1000) % 10 == 0).astype(np.float32)[:, None], one) for _ in range(50)]
    >>> any(seen), surprise.at(p, one, one)
    (False, True)
    """

    def __init__(self, labels: int, *, limit: float = 12.0) -> None:
        self._limit = limit
        self._sum_L: Doubles = np.zeros(labels)
        self._wait = YOUNG

    def at(self, probability_BL: Floats, value_BL: Floats, weight_BL: Floats) -> bool:
        """Whether it is one, at this batch, which was foreseen so. All numbers finite, a weight of 0 masks."""
        if not self._limit:
            return False
        p_BL = np.clip(probability_BL.astype(np.float64), 1e-6, 1 - 1e-6)
        logit_BL, w_BL = np.log(p_BL / (1 - p_BL)), weight_BL.astype(np.float64)
        excess_L = (w_BL * (p_BL - (value_BL > 0)) * logit_BL).sum(axis=0)
        spread_L = np.sqrt((w_BL**2 * p_BL * (1 - p_BL) * logit_BL**2).sum(axis=0))
        z_L = excess_L / np.maximum(spread_L, 1e-12)
        self._sum_L = np.maximum(0.0, self._sum_L + np.where(spread_L > 0, z_L - SLACK, 0.0))
        self._wait = max(0, self._wait - len(value_BL))
        if self._sum_L.max(initial=0.0) <= self._limit:
            return False
        self._sum_L[:] = 0.0
        told, self._wait = not self._wait, self._wait or REST
        return told

    def dump(self) -> Arrays:
        """Everything, for a snapshot."""
        return {"surprise.sum": self._sum_L, "surprise.wait": np.array([self._wait])}

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self._sum_L, self._wait = arrays["surprise.sum"].copy(), int(arrays["surprise.wait"][0])
