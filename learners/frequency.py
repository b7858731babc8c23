"""How often an item is drawn as a positive, estimated from the gaps between its appearances; no counts, no window.

What the correction of a sampled softmax needs: a popular item is a negative more often than its due.
"""

from __future__ import annotations

import numpy as np

from learners.learner import Doubles, Floats, Ints


class Frequency:
    """How often each item is a positive: gaps between appearances, faded; B := (1 - a) B + a (t - A), A := t.

    >>> often = Frequency(rate=0.5)
    >>> for _ in range(20):
    ...     often.see(np.array([0, 0, 1]))
    >>> [round(float(q), 2) for q in often.chance(np.array([0, 1]))]
    [0.67, 0.33]
    """

    def __init__(self, rate: float = 0.05) -> None:
        self._rate = rate
        self.seen = 0
        self.gap_E: Doubles = np.zeros(0)
        self.last_E: Doubles = np.zeros(0)

    def chance(self, entry_C: Ints) -> Doubles:
        """The chance that one draw is the item, Q = 1 / B; never seen: as if once in all draws so far."""
        known = entry_C < len(self.gap_E)
        gap_C = np.where(known, self._padded(self.gap_E, entry_C), 0.0)
        return np.minimum(1.0, 1.0 / np.where(gap_C > 0, gap_C, self.seen + 1.0))

    def see(self, entry_P: Ints) -> None:
        """Count a batch of draws. An item drawn c times in it has c equal gaps."""
        entry_C, count_C = np.unique(entry_P, return_counts=True)
        if not len(entry_C):
            return
        missing = int(entry_C[-1]) + 1 - len(self.gap_E)
        if missing > 0:
            grown = max(missing, len(self.gap_E))
            self.gap_E = np.concatenate([self.gap_E, np.zeros(grown)])
            self.last_E = np.concatenate([self.last_E, np.zeros(grown)])
        self.seen += len(entry_P)
        gap_C = (self.seen - self.last_E[entry_C]) / count_C
        keep_C = np.where(self.gap_E[entry_C] > 0, (1 - self._rate) ** count_C, 0.0)
        self.gap_E[entry_C] = keep_C * self.gap_E[entry_C] + (1 - keep_C) * gap_C
        self.last_E[entry_C] = self.seen

    @staticmethod
    def _padded(values: Doubles, at: Ints) -> Doubles:
        return values[np.minimum(at, len(values) - 1)] if len(values) else np.zeros(len(at))


def log_chance_in_pool(chance_C: Doubles, *, positives: int, uniform: int, items: int) -> Floats:
    """Log of the chance that an item is among the candidates at all: 1 - (1 - Q)^P (1 - 1 / I)^U after P positives and
    U uniform draws from I items. Candidates are distinct: a popular item is drawn many times over but stands among them
    once, and by how often it is drawn it would be corrected far too much.

    >>> round(float(log_chance_in_pool(np.array([0.5]), positives=2, uniform=0, items=9)[0]), 4) == -0.2877
    True
    """
    with np.errstate(divide="ignore"):  # what is always drawn is absent with a chance of 0, whose log is -inf
        absent_C = positives * np.log1p(-chance_C)
        if uniform:
            absent_C += uniform * np.log1p(-1 / max(1, items))
    log_q: Floats = np.log(-np.expm1(absent_C)).astype(np.float32)
    return log_q
