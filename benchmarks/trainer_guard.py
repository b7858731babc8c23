"""A guard before the learner of columns, by the clock: what it adds to a step. Run by trainer.py; no script."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.guard.guard import Guard
from learners.guard.slices import Slices
from learners.guarded_columns import GuardedColumns

SLICES = ((0.55, 0.25, 0.10, 0.10), (0.50, 0.25, 0.15, 0.10), (0.60, 0.30, 0.10))
"""Shares of producers, apps and surfaces."""


class Guarding:
    """The guard before a learner, and how long it takes, batch by batch: all its work but what the learner learns."""

    def __init__(self, learner: ColumnLearner, rows: int) -> None:
        random, self._learn = np.random.default_rng(5), learner.learn
        self._slices = Slices()
        self._guarded = GuardedColumns(learner, Guard(self._slices))
        self._names_AN = [random.choice([f"s{n}" for n in range(len(p))], rows, p=p).tolist() for p in SLICES]
        self.took: list[float] = []
        self.learning = 0.0
        learner.learn = self._timed  # type: ignore[method-assign]

    def score(self, columns: Columns) -> Any:
        return self._guarded.score(columns)

    def learn(self, columns: Columns, part: slice) -> None:
        started, learned = time.perf_counter(), self.learning
        self._guarded.learn(columns, self._slices.groups([names_N[part] for names_N in self._names_AN]))
        self.took.append(time.perf_counter() - started - (self.learning - learned))

    def _timed(self, columns: Columns) -> Any:
        started = time.perf_counter()
        told = self._learn(columns)
        self.learning += time.perf_counter() - started
        return told


def share_of(guard_C: list[float], all_C: np.ndarray[Any, Any]) -> float:
    """The guard beside the rest of the usual batch, since others may take the core now and then."""
    guard = statistics.median(guard_C)
    return guard / (float(np.median(all_C)) - guard)
