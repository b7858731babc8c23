"""Counts, beside a trainer, the rows that a bug told wrongly and that were learned all the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.guarded_learner import GuardedLearner
from learners.learner import Bools, Learner
from learners.ordering import Batch, Example
from learners.plan import Trained
from learners.progressive import Foreseen
from learners.trainer import Trainer


@dataclass(slots=True)
class _Counted:
    """Corrupt rows of a batch, after which so many examples were learned or held."""

    examples: int
    learned: int
    held: int


class Watch:
    """Shown each batch by a trainer before it is learned, and the trainer itself after each turn.

    Corrupt is every row that decides a label (`label` alone, where one is named) of an impression that `app` showed
    from `began_at` to before `ended_at`. What a hold kept
    back counts once it is learned after all: when the hold ends and nothing of it is masked.
    """

    def __init__(self, app: str, began_at: int, ended_at: int, *, on: bool, label: str = "") -> None:
        self._app, self._began_at, self._ended_at, self._on, self._label = app, began_at, ended_at, on, label
        self._met: tuple[Learner, Batch] | None = None
        self._batches: list[_Counted] = []
        self.spoilt: set[int] = set()
        """Versions that had learned corrupt rows when they were committed."""
        self.verdicts: list[str] = []
        """What the guard said, in order."""
        self.learned_ever = 0

    @property
    def inside(self) -> int:
        """Corrupt rows in what is learned now."""
        return sum(one.learned for one in self._batches)

    def learned(self, told: Foreseen) -> None:
        """What counts of it is asked of the learner, when the turn has ended."""

    def meet(self, learner: Learner, batch: Batch) -> None:
        self._met = learner, batch

    def look(self, trainer: Trainer) -> None:
        """A turn has ended."""
        done = trainer.done
        if done.restored is not None:
            self._batches = [one for one in self._batches if one.examples <= done.examples - done.rows]
        if self._met is not None:
            self._count(done)
        if self._was_learned_after_all(done):
            for one in self._batches:
                one.learned, one.held = one.learned + one.held, 0
        if done.committed is not None and self.inside:
            self.spoilt.add(done.committed.version)

    def _count(self, done: Trained) -> None:
        assert self._met is not None
        (learner, batch), self._met = self._met, None
        left: tuple[Batch, Bools | None] | None = (batch, None)
        if isinstance(learner, GuardedLearner):
            left = learner.left
        if left is None:
            return
        corrupt_B, learned_B = self._corrupt(left[0]), left[1]
        learned = int(corrupt_B.sum() if learned_B is None else (corrupt_B & learned_B).sum())
        self._batches.append(_Counted(done.examples, learned, int(corrupt_B.sum()) - learned))
        self.learned_ever += learned

    def _corrupt(self, batch: Batch) -> Bools:
        """Rows that the app told wrongly."""
        return np.array([self._on and self._is_corrupt(one) for one in batch.examples], np.bool_)

    def _is_corrupt(self, example: Example) -> bool:
        shot = example.shot
        if shot is None or example.row.kind not in ("label", "correction"):
            return False
        if self._label and self._label not in example.row.labels:
            return False
        return shot.app_version == self._app and self._began_at <= shot.ts < self._ended_at

    def _was_learned_after_all(self, done: Trained) -> bool:
        said = [] if done.guard is None else [(one["verdict"], one["value"]) for one in done.guard["changed"]]
        self.verdicts += [f"{verdict} {value}" for verdict, value in said]
        ends = [verdict for verdict, _ in said if verdict in ("accept", "return")]
        return "accept" in ends or (bool(ends) and not done.masked)
