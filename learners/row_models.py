"""The models that a backtest of labelled rows can ask for by name. None of them needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.learner import Doubles, Floats, Learned
from learners.linear_columns import LinearColumns
from learners.models.columns import ColumnShape


class RowScorer(Protocol):
    """Scores rows."""

    def score(self, columns: Columns) -> Floats:
        """Probabilities [B, L]; good until the next call."""
        ...


class RowLearner(Protocol):
    """Scores rows without learning them, and learns rows. Equal batches in equal order give equal scores."""

    def score(self, columns: Columns) -> Floats:
        """Probabilities [B, L]; good until the next call."""
        ...

    def learn(self, columns: Columns) -> Learned: ...

    def copy(self) -> RowLearner:
        """Another one that has learned the same and goes on by itself."""
        ...


class RateColumns:
    """Foresees the rate so far, whatever the row: the floor under every model.

    >>> learner = RateColumns(labels=1)
    >>> told = Columns(np.zeros((4, 1), np.int64), np.array([[1], [0], [0], [0]], np.float32))
    >>> learner.learn(told).rows, learner.score(told)[0].tolist()
    (4, [0.3333333432674408])
    """

    def __init__(self, *, labels: int) -> None:
        self._yes_L: Doubles = np.ones(labels)
        self._seen_L: Doubles = np.full(labels, 2.0)

    def score(self, columns: Columns) -> Floats:
        return np.tile((self._yes_L / self._seen_L).astype(np.float32), (len(columns), 1))

    def learn(self, columns: Columns) -> Learned:
        weight_BL = columns.weights()
        self._yes_L = self._yes_L + (weight_BL * columns.value_BL).sum(axis=0)
        self._seen_L = self._seen_L + weight_BL.sum(axis=0)
        return Learned(len(columns), True, 0.0, 0.0)

    def copy(self) -> RateColumns:
        other = RateColumns(labels=len(self._yes_L))
        other._yes_L, other._seen_L = self._yes_L.copy(), self._seen_L.copy()
        return other


def make_row_learner(name: str, *, fields: int, bags: int, labels: int, seed: int = 0) -> RowLearner:
    """The model registered under a name. Raises ValueError for one that is not.

    >>> make_row_learner("gbm", fields=1, bags=0, labels=1)
    Traceback (most recent call last):
    ValueError: no model of rows is named 'gbm'; there are deepfm, fm, logistic, river, rate
    """
    if name not in MODELS:
        raise ValueError(f"no model of rows is named {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name](fields, bags, labels, seed)


def _deepfm(fields: int, bags: int, labels: int, seed: int) -> RowLearner:
    return ColumnLearner(ColumnShape(fields=fields, bags=bags, labels=labels), seed=seed)


def _fm(fields: int, bags: int, labels: int, seed: int) -> RowLearner:
    return ColumnLearner(ColumnShape(fields=fields, bags=bags, labels=labels, hidden=(), product="plain"), seed=seed)


def _river(labels: int) -> RowLearner:
    """River is imported where it is asked for: it takes a second, and pandas with it."""
    from learners.row_river import RiverColumns

    return RiverColumns(labels=labels)


MODELS: Mapping[str, Callable[[int, int, int, int], RowLearner]] = {
    "deepfm": _deepfm,
    "fm": _fm,
    "logistic": lambda fields, bags, labels, seed: LinearColumns(labels=labels),
    "river": lambda fields, bags, labels, seed: _river(labels),
    "rate": lambda fields, bags, labels, seed: RateColumns(labels=labels),
}
