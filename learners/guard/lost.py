"""Clicks announced against clicks delivered: evidence that some were lost on their way. Knows no labels.

Nats for a loss of 5 % against one that is usual, summed from 0 (Page 1954); complete again is the same turned round.
A loss that was accepted is none until its clicks are complete again.
"""

from __future__ import annotations

import numpy as np

from learners.guard.rules import GuardRules
from learners.guard.words import Bools, Doubles

LOSS = 0.05
"""The share of lost clicks that is looked for."""


class Lost:
    """The sums of all groups.

    >>> lost, every = Lost(2, GuardRules()), np.array([100.0, 0.0])
    >>> lost.add(every, every / 2, explained=False), lost.found.tolist()
    (None, [True, False])
    """

    def __init__(self, groups: int, rules: GuardRules) -> None:
        self._rules = rules
        self.sum_WG: Doubles = np.zeros((2, groups))
        self.granted_G: Bools = np.zeros(groups, np.bool_)

    @property
    def found(self) -> Bools:
        """Groups whose clicks are being lost, and should not be."""
        found_G: Bools = (self.sum_WG[0] > self._rules.alarm) & ~self.granted_G & ~self.granted_G[0]
        return found_G

    def grant(self, group: int) -> None:
        """It may lose what it loses, until it is complete again."""
        self.granted_G[group] = self.sum_WG[0, group] > self._rules.alarm

    def add(self, announced_G: Doubles | None, delivered_G: Doubles | None, *, explained: bool) -> None:
        """Take in clicks since the last batch; `explained`: everyone is held already, so no slice is blamed."""
        if announced_G is None or delivered_G is None:
            return
        usual, missing_G = self._rules.lost, np.maximum(announced_G - delivered_G, 0.0)
        others_G = self.granted_G & (np.arange(len(missing_G)) > 0)
        missing_G[0], delivered_G = missing_G[0] - missing_G[others_G].sum(), delivered_G.copy()
        delivered_G[0] -= delivered_G[others_G].sum()
        gain_G = missing_G * np.log(LOSS / usual) + delivered_G * np.log((1 - LOSS) / (1 - usual))
        if explained:
            self.sum_WG[0, 1:] = 0.0
        over_G = self.sum_WG[0] > self._rules.alarm
        self.sum_WG[1] = np.where(over_G, np.maximum(0.0, self.sum_WG[1] - gain_G), 0.0)
        complete_G = self.sum_WG[1] > self._rules.back
        self.sum_WG[0] = np.where(complete_G, 0.0, np.maximum(0.0, self.sum_WG[0] + gain_G))
        self.granted_G &= ~complete_G
