"""What a trainer is at a batch end: made from nothing, from a version, or from itself under other settings.

The only file that opens what a version holds. Nothing here reads examples, learns or decides when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from checkpoints.manifest import TrainerPosition
from checkpoints.store import VersionStore
from learners.errors import NothingLeft
from learners.evaluation import Evaluation
from learners.frozen_copies import FrozenCopies
from learners.gathering import mark_of, restore
from learners.guarded_learner import GuardedLearner, live_of
from learners.learn_settings import LearnSettings, settings_at, settings_told
from learners.learner import Carries, HasValues, Learner
from learners.ordering import Ordering
from learners.plan import Plan
from learners.rehearsal import Rehearsal
from learners.resuming import beginning, newest_valid
from learners.riding_along import RidingAlong
from streams.decisions import Decisions
from streams.log import Log
from streams.positions import Positions

LEARNED, SERVING, EVALUATION = "learned", "serving", "evaluation.npz"
Make = Callable[[LearnSettings], Learner]


@dataclass(slots=True)
class State:
    """What the fold is at a batch end; `version` is the last one of this line, `settings` those that it was learned
    with (None: those that the process was given)."""

    learner: Learner
    evaluation: Evaluation
    ordering: Ordering
    settings: LearnSettings | None
    examples: int = 0
    steps: int = 0
    version: int | None = None
    mark: Any = None
    """That version, to the learner: what it is asked with for what changed since. None: it can't tell."""
    links: int = 0
    """How many versions that one stands on, itself among them."""
    changed: dict[str, list[str]] = field(default_factory=dict)
    """Which features came and went since that version."""
    before: State | None = None
    """What it was before it went over to its settings, until a version is made of it."""
    riding: RidingAlong | None = None
    """Challengers on the same rows, where there are some."""
    rehearsal: Rehearsal | None = None
    """The rows by which the gate judges, where it does by rows."""
    damaged: tuple[str, ...] = ()
    """What was wrong with versions that would have been gone on from rather than this one."""

    def report(self) -> dict[str, dict[str, Any]]:
        """The progressive figures by label, and who wins under the label that challengers foresee."""
        told = self.evaluation.report()
        for label, of in self.riding_report().items():
            told[label] |= of
        return told

    def riding_report(self) -> dict[str, dict[str, Any]]:
        """By label, how challengers do, and what drifts."""
        if (riding := self.riding) is None:
            return {}
        return {riding.label: {"challengers": riding.table(), "drift": riding.alarms.report()}}

    @property
    def input(self) -> Positions:
        return {p: at.input for p, at in self.ordering.positions.items()}


class States:
    """Makes states. `fresh` and `plan` hold where the decisions say nothing of learning, or there is no `make`."""

    def __init__(
        self,
        decisions: Decisions,
        store: VersionStore | None,
        fresh: Callable[[], Learner],
        plan: Plan,
        make: Make | None,
    ) -> None:
        self._decisions, self._store, self._fresh, self._plan, self._make = decisions, store, fresh, plan, make

    def config(self, settings: LearnSettings | None) -> str:
        """The digest that stands in a manifest."""
        return self._plan.config if settings is None else settings.digest

    def wanted(self, input: Positions) -> LearnSettings | None:
        """What the batch after a state with this `input` is to be learned with."""
        return None if self._make is None else settings_at(self._decisions.masking(), input)

    def newest(self, examples: Log) -> State:
        """The newest valid version as a state, or nothing learned."""
        told = {} if self._make is None else settings_told(self._decisions.masking())
        known: dict[str, LearnSettings | None] = {**told} or {self._plan.config: None}
        found = None
        if self._store is not None:
            found = newest_valid(self._store, self._decisions, partitions=self._plan.partitions, configs=known)
        if found is None:
            positions = beginning(examples)
            return self._begun(self.wanted(dict.fromkeys(positions, 0)), positions)
        manifest, folders = found.manifest, found.folders
        folder = folders[-1]
        for p, at in manifest.positions.items():
            if examples.begin(p) > at.examples:
                raise NothingLeft(
                    f"version {manifest.version}, the newest that is valid, goes on at {examples.topic}[{p}] "
                    f"{at.examples:,}, but that begins at {examples.begin(p):,}. The versions that retention kept were "
                    "lost, or a mask reaches below them: headrace quarantine list"
                )
        state = self._begun(known[manifest.config], manifest.positions)
        restore(state.learner, [link / LEARNED for link in folders])
        with np.load(folder / EVALUATION, allow_pickle=False) as arrays:
            state.evaluation.load(dict(arrays))
        if state.riding is not None:
            state.riding.restore(folder)
        mark = mark_of(state.learner)
        return replace(
            state,
            examples=manifest.examples,
            steps=manifest.steps,
            version=manifest.version,
            mark=mark,
            links=len(folders) if mark is not None else 0,
            damaged=found.passed,
        )

    def reread(self, state: State) -> None:
        """Go back to the state's own positions: what was read beyond them may hold no more."""
        state.ordering = self._ordered(state.ordering.positions, state.settings)

    def turned(self, state: State, settings: LearnSettings | None) -> State:
        """The state under other settings: batches are cut anew from its positions. What was learned goes on where the
        learner stays as it is, and is carried over where only its features change; else the model begins anew, and
        only what was read is counted on. Settings under which nothing was learned leave no trace."""
        base = state.before if state.before and state.before.steps == state.steps else state
        ordering, before = self._ordered(state.ordering.positions, settings), base.settings
        if settings == before or (before and settings and before.learner == settings.learner):
            return replace(base, ordering=ordering, settings=settings)
        begun = replace(self._begun(settings, state.ordering.positions), before=base)
        if before and settings and before.carried == settings.carried and isinstance(begun.learner, Carries):
            guarded = isinstance(begun.learner, GuardedLearner)
            begun.changed = begun.learner.carry(base.learner if guarded else live_of(base.learner))
            begun.evaluation = base.evaluation
            if begun.riding is not None and base.riding is not None:
                begun.riding.carry(base.riding)
        return replace(begun, examples=base.examples, steps=base.steps, version=base.version)

    def _begun(self, settings: LearnSettings | None, positions: dict[int, TrainerPosition]) -> State:
        learner = self._made(settings)
        values = learner.values if isinstance(learner, HasValues) else frozenset[str]()
        evaluation = Evaluation(learner.labels, values=values, exact=self._plan.exact_rows)
        riding = self._riding(learner.labels, values, settings)
        rehearsal = self._rehearsal(learner.labels, values, settings)
        ordering = self._ordered(positions, settings)
        return State(learner, evaluation, ordering, settings, riding=riding, rehearsal=rehearsal)

    def _riding(
        self, labels: tuple[str, ...], values: frozenset[str], settings: LearnSettings | None
    ) -> RidingAlong | None:
        """Challengers for the first label that is foreseen as a chance."""
        chances = [label for label in labels if label not in values]
        if not self._plan.challenge_every or not chances:
            return None
        context = settings.context if settings else ()
        column, largest, frozen = labels.index(chances[0]), self._plan.largest_copy, None
        if largest:
            frozen = FrozenCopies(lambda: live_of(self._made(settings)), largest=largest)
        return RidingAlong(chances[0], column=column, every=self._plan.challenge_every, context=context, frozen=frozen)

    def _rehearsal(
        self, labels: tuple[str, ...], values: frozenset[str], settings: LearnSettings | None
    ) -> Rehearsal | None:
        """By the first label that is foreseen as a chance."""
        chances = [label for label in labels if label not in values]
        if self._plan.gate is None or self._store is None or not chances:
            return None
        column, largest = labels.index(chances[0]), self._plan.largest_copy
        return Rehearsal(lambda: live_of(self._made(settings)), self._plan.gate, column=column, largest=largest)

    def _made(self, settings: LearnSettings | None) -> Learner:
        return self._fresh() if settings is None or self._make is None else self._make(settings)

    def _ordered(self, positions: dict[int, TrainerPosition], settings: LearnSettings | None) -> Ordering:
        told = self._plan if settings is None else settings
        return Ordering(positions, self._decisions, bucket_ms=told.bucket_ms, size=told.batch_size)
