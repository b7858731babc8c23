"""River's logistic regression over rows that are told as columns: the simple model that others know, on the same rows.

A step for each row, in Python, so about fifteen times as slow as the models of this house. Not for serving.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from learners.columns import Columns
from learners.learner import Floats, Learned
from learners.river_linear import RiverFtrl

MOST = 1 << 24
"""Weights of a label at most: as many ids as a table of rows may bring."""


class RiverColumns:
    """FTRL-Proximal by label. A batch is scored whole before its first row is learned, as by any learner.

    >>> learner = RiverColumns(labels=1)
    >>> told = Columns(np.array([[1], [2]] * 50), np.array([[1.0], [0.0]] * 50, np.float32))
    >>> learner.learn(told).rows, learner.score(told)[:2, 0].round(1).tolist()
    (100, [0.699999988079071, 0.30000001192092896])
    """

    def __init__(self, *, labels: int) -> None:
        self._models = [RiverFtrl(most=MOST) for _ in range(labels)]

    def score(self, columns: Columns) -> Floats:
        """Probabilities [B, L]."""
        rows = _told(columns)
        return np.stack([model.score(rows) for model in self._models], axis=1).astype(np.float32)

    def learn(self, columns: Columns) -> Learned:
        """Labels that weigh nothing are left out; other weights count as one."""
        rows, weight_BL = _told(columns), columns.weights()
        for label, model in enumerate(self._models):
            at_N = np.flatnonzero(weight_BL[:, label] > 0)
            model.learn([rows[at] for at in at_N.tolist()], columns.value_BL[at_N, label].astype(np.float64))
        return Learned(len(columns), True, 0.0, 0.0)

    def copy(self) -> RiverColumns:
        """Another one that has learned the same and goes on by itself."""
        other = RiverColumns(labels=len(self._models))
        for mine, its in zip(self._models, other._models, strict=True):
            its.load(mine.state())
        return other


def _told(columns: Columns) -> Sequence[tuple[str, ...]]:
    """The ids of each row as texts.

    >>> _told(Columns(np.array([[4, 2]]), np.zeros((1, 1), np.float32)))
    [('0=4', '1=2')]
    """
    rows = [tuple(f"{field}={key}" for field, key in enumerate(keys)) for keys in columns.key_BF.tolist()]
    if columns.bags is None:
        return rows
    words = [
        f"bag {field}={key}" for field, key in zip(columns.bags.fields(), columns.bags.key_N.tolist(), strict=True)
    ]
    ends = np.cumsum(columns.bags.count_BG.sum(axis=1)).tolist()
    return [row + tuple(words[start:end]) for row, start, end in zip(rows, [0, *ends], ends, strict=False)]
