"""The exact map of pairs of rows, for counters that live on the host."""

from __future__ import annotations

import numpy as np

from learners.learner import Ints
from learners.tables.changed import Changed
from learners.tables.host_ids import HostIds


class PairRows:
    """Lines of (user row, value row)."""

    def __init__(self) -> None:
        self._ids = HostIds(fallbacks=0)
        self.changed = Changed()
        """Lines that may have changed, here or where they are counted."""

    def __len__(self) -> int:
        return len(self._ids)

    def both(self) -> tuple[Ints, Ints]:
        """User row (negative for a hole) and value row of each line."""
        return self._ids.spaces, self._ids.keys

    def find(self, user_N: Ints, value_N: Ints) -> Ints:
        """Lines of pairs, -1 where there is none."""
        return self._ids.find(user_N, value_N)

    def add(self, user_N: Ints, value_N: Ints) -> Ints:
        """Lines of pairs, made where there is none."""
        lines = self._ids.add(user_N, value_N)
        self._ids.settle()
        self.changed.touch(lines)
        return lines

    def load(self, user: Ints, value: Ints) -> None:
        """Become the map of these lines."""
        self._ids.load(user, value)
        self.changed = Changed()

    def forget(self, row_M: Ints) -> Ints:
        """Free the lines of all pairs of which one is among these rows; which they were."""
        user_P, value_P = self.both()
        gone_R = np.zeros(int(max(row_M.max(initial=0), user_P.max(initial=0), value_P.max(initial=0))) + 1, np.bool_)
        gone_R[row_M] = True
        there = np.flatnonzero(user_P >= 0)
        lines = there[gone_R[user_P[there]] | gone_R[value_P[there]]]
        if len(lines):
            self.changed.touch(np.concatenate([lines, self._ids.links]))
            self._ids.remove(lines)
        return lines
