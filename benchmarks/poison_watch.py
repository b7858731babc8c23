"""Counts, beside a trainer, the rows that a bug told wrongly and that were learned all the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.learner import Bools, Learner
from learners.ordering import Batch
from learners.plan import Trained
from learners.progressive import Foreseen
from learners.refusing import held_of
from learners.trainer import Trainer


@dataclass(slots=True)
class _Counted:
    """Corrupt rows of a batch, after which so many examples were learned or held."""

    examples: int
    learned: int
    held: int


class Watch:
    """Shown each batch by a trainer before it is learned, and the trainer itself after each turn.

    Corrupt is every label of an impression that `app` showed from `began_at` to before `ended_at`. What a hold kept
    back counts once it is learned after all: when the hold ends and nothing of it is masked.
    """

    def __init__(self, app: str, began_at: int, ended_at: int, *, on: bool) -> None:
        self._app, self._began_at, self._ended_at, self._on = app, began_at, ended_at, on
        self._met: tuple[Learner, Bools] | None = None
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
        shots = ((example.row.kind, example.shot) for example in batch.examples)
        corrupt = [
            self._on and shot is not None and kind in ("label", "correction") and shot.app_version == self._app
            and self._began_at <= shot.ts < self._ended_at
            for kind, shot in shots
        ]  # fmt: skip
        self._met = learner, np.array(corrupt, np.bool_)

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
        (learner, corrupt_B), self._met = self._met, None
        held_B = held_of(learner)
        held = 0 if held_B is None else int((corrupt_B & held_B).sum())
        learned = int(corrupt_B.sum()) - held
        self._batches.append(_Counted(done.examples, learned, held))
        self.learned_ever += learned

    def _was_learned_after_all(self, done: Trained) -> bool:
        said = [] if done.guard is None else [(one["verdict"], one["value"]) for one in done.guard["changed"]]
        self.verdicts += [f"{verdict} {value}" for verdict, value in said]
        ends = [verdict for verdict, _ in said if verdict in ("accept", "return")]
        return "accept" in ends or (bool(ends) and not done.masked)
