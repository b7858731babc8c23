"""Counters of a user together with what an item is (its author, categories, tags): the most personal of all rates.

An exact map of its own, from the rows of user and value, gives each pair a line of counters. Here numpy; the map is
handed in by the learner, and reads make no pair.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from learners.counters import PRIOR, Counters, log_odds
from learners.learner import Doubles, Floats, Ints

PAIR_PRIOR = 4.0


class PairMap(Protocol):
    """Exact (user row, value row) -> line, on the host's side."""

    def __len__(self) -> int: ...
    def find(self, user_N: Ints, value_N: Ints) -> Ints: ...
    def add(self, user_N: Ints, value_N: Ints) -> Ints: ...
    def forget(self, user: int) -> Ints: ...
    def both(self) -> tuple[Ints, Ints]:
        """User row (negative for a hole) and value row of each line."""
        ...


def pair_stats(pair_NC: Doubles, user_NC: Doubles, rate_L: Doubles) -> Floats:
    """How much likelier than by itself this user is to choose such an item: log-odds by label.

    `pair_NC` and `user_NC` are views, then chosen by label, of the pair and of the user alone.
    """
    chosen, views = user_NC[:, 1:], user_NC[:, :1]
    own = (chosen + PRIOR * rate_L) / (np.maximum(views, chosen) + PRIOR)
    stats: Floats = log_odds(pair_NC[:, 1:], pair_NC[:, :1], own, PAIR_PRIOR).astype(np.float32)
    return stats


class Pairs:
    """Counters of pairs behind their map."""

    def __init__(self, labels: int, ids: PairMap) -> None:
        self.counters = Counters(labels, faded=False)
        self.ids = ids
        self._labels = labels

    def stats(self, user_N: Ints, value_N: Ints, counters: Counters) -> Floats:
        """Statistics of pairs; 0 for one never counted."""
        width = 1 + self._labels
        pair_NC = self.counters.read(self.ids.find(user_N, value_N))
        return pair_stats(pair_NC, counters.read(user_N)[:, :width], counters.rates)

    def add(self, user_N: Ints, value_N: Ints, event_NC: Doubles) -> None:
        """Count events of pairs."""
        self.counters.add(self.ids.add(user_N, value_N), event_NC)

    def forget(self, user: int) -> None:
        """Uncount all pairs of a user."""
        self.counters.reset(self.ids.forget(user))
