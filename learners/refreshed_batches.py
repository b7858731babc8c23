"""Copies of other ages beside a trainer's learner: they answer for each batch before it is learned.

Copies are made as versions are, by a snapshot and a restore, of the live learner alone: a guard holds rows back from
learning, and copies don't learn. In the figures are the rows of the progressive ones, from the first copy on, of labels
that are foreseen as chances. Not for a run that goes on from a version: no version holds copies.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from learners.guarded_learner import live_of
from learners.learner import Floats, HasValues, Learner
from learners.ordering import Batch
from learners.progressive import Foreseen
from learners.refresh_figures import RefreshFigures
from learners.refreshing import Ages, Refresh


class RefreshedBatches:
    """`fresh` makes the learner that a copy becomes."""

    def __init__(self, fresh: Callable[[], Learner], refreshes: Sequence[Refresh], *, first_ms: int) -> None:
        self._fresh, self._names = fresh, [one.name for one in refreshes]
        self._ages = Ages[Learner](refreshes, first_ms=first_ms)
        self._figures: dict[int, tuple[str, RefreshFigures]] | None = None
        self._answers: tuple[int, list[Floats | None]] | None = None

    @property
    def copies(self) -> int:
        """How many copies were taken."""
        return self._ages.copies

    def meet(self, learner: Learner, batch: Batch) -> None:
        """Renew the copies that are due by the first row of a batch, and let them answer."""
        if self._figures is None:
            self._figures = self._begun(learner)
        self._answers = None
        if not batch.examples:
            return
        now = batch.examples[0].row.decided_at
        answering = self._ages.at(now, lambda: self._copy(learner))
        told: dict[int, Floats] = {}
        for one in answering:
            if one is not None and id(one) not in told:
                told[id(one)] = one.score(batch).probability_BL.copy()
        if self._ages.ready(now):
            self._answers = now, [None if one is None else told[id(one)] for one in answering]

    def learned(self, told: Foreseen) -> None:
        """The batch that was met last was learned, and foreseen so by the learner itself."""
        if self._answers is None or self._figures is None:
            return
        (now, answers), self._answers = self._answers, None
        own_BL = told.scores.probability_BL
        probability_RBL = np.stack([own_BL if one is None else one for one in answers])
        for column, (_, figures) in self._figures.items():
            at_N = np.flatnonzero(told.counted_BL[:, column])
            figures.add(now, probability_RBL[:, at_N, column], told.scores.value_BL[at_N, column] > 0)

    def report(self) -> dict[str, dict[str, Any]]:
        """By label what `RefreshFigures.report` says."""
        return {label: figures.report() for label, figures in (self._figures or {}).values()}

    def _begun(self, learner: Learner) -> dict[int, tuple[str, RefreshFigures]]:
        values = learner.values if isinstance(learner, HasValues) else frozenset[str]()
        chances = [(n, label) for n, label in enumerate(learner.labels) if label not in values]
        return {n: (label, RefreshFigures(self._names)) for n, label in chances}

    def _copy(self, learner: Learner) -> Learner:
        with tempfile.TemporaryDirectory() as folder:
            live_of(learner).snapshot(Path(folder))
            copy = live_of(self._fresh())
            copy.restore(Path(folder))
        return copy
