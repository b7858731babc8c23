"""Counters of a user together with what an item is (its author, categories, tags): the most personal of all rates.

An exact map of its own, from the rows of user and value, gives each pair a line of counters. Here numpy; the map is
handed in by the learner, and reads make no pair.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from learners.counters import FAR, PRIOR, Counters
from learners.kernels.odds import pair_odds
from learners.learner import Doubles, Floats, Ints
from learners.tables.changed import Changed

PAIR_PRIOR = 4.0


class PairMap(Protocol):
    """Exact (user row, value row) -> line, on the host's side."""

    def __len__(self) -> int: ...
    def find(self, user_N: Ints, value_N: Ints) -> Ints: ...
    def add(self, user_N: Ints, value_N: Ints) -> Ints: ...
    def forget(self, row_M: Ints) -> Ints: ...
    def load(self, user: Ints, value: Ints) -> None: ...
    @property
    def changed(self) -> Changed:
        """Lines that may have changed."""
        ...

    def both(self) -> tuple[Ints, Ints]:
        """User row (negative for a hole) and value row of each line."""
        ...


class Pairs:
    """Counters of pairs behind their map."""

    def __init__(self, labels: int, ids: PairMap) -> None:
        self.counters = Counters(labels, faded=False)
        self.ids = ids

    def stats(self, user_N: Ints, value_N: Ints, counters: Counters) -> Floats:
        """How much likelier than by itself a user is to choose what an item is: log-odds by label; 0 for a pair that
        was never counted."""
        return pair_stats(self.counters.count_RC, self.ids.find(user_N, value_N), user_N, counters)

    def add(self, user_N: Ints, value_N: Ints, event_NC: Doubles) -> None:
        """Count events of pairs; those of which one has no row are passed over."""
        there = (user_N >= 0) & (value_N >= 0)
        self.counters.add(self.ids.add(user_N[there], value_N[there]), event_NC[there])

    def forget(self, row_M: Ints) -> None:
        """Uncount all pairs of which one is among these rows."""
        self.counters.reset(self.ids.forget(row_M))


def pair_stats(count_PC: Doubles, line_N: Ints, user_N: Ints, counters: Counters) -> Floats:
    """The same of lines of counts that were found, -1 for none; `counters` are those of rows."""
    odds_NL = np.empty((len(user_N), count_PC.shape[1] - 1))
    pair_odds(count_PC, line_N, counters.count_RC, user_N, counters.rates, PRIOR, PAIR_PRIOR, odds_NL)
    np.log(odds_NL, out=odds_NL)
    return np.clip(odds_NL, -FAR, FAR, out=odds_NL).astype(np.float32)
