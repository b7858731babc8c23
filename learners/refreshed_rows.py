"""Stands where a learner scores rows of columns, and lets copies of other ages answer the same rows beside it.

What it tells is what the learner itself foresees; what the copies foresaw is in its figures. It learns nothing: that is
for whoever called it, after each batch. Rows before the first copy are in no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from learners.columns import Columns
from learners.learner import Floats
from learners.refresh_figures import RefreshFigures
from learners.refreshing import Ages, CopiedLearner, Refresh


class RefreshedRows:
    """The copies beside a learner, until `close`: from then on rows are only scored by the learner.

    >>> from learners.row_models import RateColumns
    >>> learner = RateColumns(labels=1)
    >>> rows = RefreshedRows(learner, ("clicked",), [Refresh.of("1h"), Refresh.of("online")], first_ms=0)
    >>> told = Columns(np.zeros((2, 1), np.int64), np.array([[1], [0]], np.float32), at_B=np.array([5, 6]))
    >>> rows.score(told).tolist(), rows.copies, rows.report()["clicked"]["rows"]
    ([[0.5], [0.5]], 1, 2)
    """

    def __init__(
        self, learner: CopiedLearner, labels: Sequence[str], refreshes: Sequence[Refresh], *, first_ms: int
    ) -> None:
        self._learner, self._ages = learner, Ages[CopiedLearner](refreshes, first_ms=first_ms)
        self._figures = {label: RefreshFigures([one.name for one in refreshes]) for label in labels}
        self._open = True

    @property
    def copies(self) -> int:
        """How many copies were taken."""
        return self._ages.copies

    def score(self, columns: Columns) -> Floats:
        """What the learner foresees, [B, L]. ValueError where rows have no time."""
        if not self._open or not len(columns):
            return self._learner.score(columns)
        if columns.at_B is None:
            raise ValueError("rows have no time, and copies are renewed by it: tell at_B")
        now = int(columns.at_B[0])
        answering = self._ages.at(now, self._learner.copy)
        told: dict[int, Floats] = {}
        for one in answering:
            if one is not None and id(one) not in told:
                told[id(one)] = one.score(columns).copy()
        own_BL = self._learner.score(columns)
        if self._ages.ready(now):
            self._count(columns, np.stack([own_BL if one is None else told[id(one)] for one in answering]))
        return own_BL

    def close(self) -> None:
        """Let go of the copies."""
        self._open = False
        self._ages.drop()

    def report(self) -> dict[str, dict[str, Any]]:
        """By label what `RefreshFigures.report` says."""
        return {label: figures.report() for label, figures in self._figures.items()}

    def _count(self, columns: Columns, probability_RBL: Floats) -> None:
        assert columns.at_B is not None
        weight_BL = columns.weights()
        for n, figures in enumerate(self._figures.values()):
            at_N = np.flatnonzero(weight_BL[:, n] > 0)
            if len(at_N):
                told_RN = probability_RBL[:, at_N, n]
                figures.add(int(columns.at_B[at_N[0]]), told_RN, columns.value_BL[at_N, n] > 0)
