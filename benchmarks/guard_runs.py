"""One pass of the guard's drill, with a guard or without, and what became of every row. Judges no result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.guard_streams import BATCH, Bools, Floats, Scene
from learners.column_learner import ColumnLearner
from learners.guard.guard import Guard
from learners.guard.words import Event
from learners.guarded_columns import GuardedColumns, Passed
from learners.models.columns import ColumnShape


@dataclass(slots=True)
class Run:
    """Predictions and what was learned, by row of the scene; events by number of the batch; rows that were refused,
    and that wait at the end; groups held then; seconds in the guard's judgement and in all."""

    p_N: Floats
    learned_N: Bools
    events: list[tuple[int, Event]] = field(default_factory=list)
    refused: int = 0
    waiting: int = 0
    held: int = 0
    guard_s: float = 0.0
    all_s: float = 0.0


def fresh(scene: Scene) -> GuardedColumns:
    """A learner and a guard that know nothing."""
    return GuardedColumns(ColumnLearner(ColumnShape(scene.key_NF.shape[1])), Guard(scene.groups))


def forked(shell: GuardedColumns, scene: Scene) -> GuardedColumns:
    """Another one that goes on by itself from here."""
    guard = Guard(scene.groups)
    guard.load(shell.guard.state())
    other = GuardedColumns(shell.live.copy(), guard)
    other.shadow = None if shell.shadow is None else shell.shadow.copy()
    other.waiting.load(shell.waiting.state())
    return other


def unguarded(scene: Scene, label_N: Bools, learner: ColumnLearner, rows: slice) -> Floats:
    """What a copy of the learner answers that learns every row."""
    learner, p_N = learner.copy(), np.full(len(scene.label_N), np.nan)
    for part in scene.batches(rows):
        columns = scene.columns(label_N, part)
        p_N[part] = learner.score(columns)[:, 0]
        learner.learn(columns)
    return p_N


def guarded(scene: Scene, label_N: Bools, shell: GuardedColumns, rows: slice, *, counted: bool = False) -> Run:
    """The shell goes through these rows; `counted`: producers say how many clicks they sent."""
    told = Run(np.full(len(scene.label_N), np.nan), np.zeros(len(scene.label_N), np.bool_))
    timer, waits_N = _Timer(shell.guard), np.zeros(len(scene.label_N), np.bool_)
    started = time.perf_counter()
    for part in scene.batches(rows):
        columns = scene.columns(label_N, part)
        told.p_N[part] = shell.score(columns)[:, 0]
        announced, delivered = _counts(scene, label_N, part) if counted else (None, None)
        passed = shell.learn(columns, scene.group_NA[part], announced_G=announced, delivered_G=delivered)
        told.events += [(part.start // BATCH, event) for event in passed.events]
        told.refused += passed.refused
        _ended(scene, shell, passed, told.learned_N, waits_N)
        waits_N[part] = shell.guard.holds(scene.group_NA[part])
        told.learned_N[part] = ~waits_N[part]
    told.all_s, told.guard_s, told.held = time.perf_counter() - started, timer.spent, len(shell.guard.held)
    told.waiting = len(shell.waiting)
    timer.leave()
    return told


def _ended(scene: Scene, shell: GuardedColumns, passed: Passed, learned_N: Bools, waits_N: Bools) -> None:
    """Rows that waited and were learned or refused with this batch, by the rule that the shell follows."""
    number_N = np.arange(len(waits_N)) // BATCH
    for event in passed.events:
        if event.verdict not in ("return", "accept"):
            continue
        mine_N = waits_N & (scene.group_NA == event.group).any(axis=1)
        clean_N = mine_N & (number_N >= (event.clean if event.verdict == "return" else 0))
        for view in shell.guard.held:
            clean_N &= ~((scene.group_NA == view.group).any(axis=1) & (number_N >= view.first))
        learned_N |= clean_N
        waits_N &= ~clean_N
        if event.verdict == "return":
            waits_N &= ~(mine_N & (number_N < event.clean))


def _counts(scene: Scene, label_N: Bools, part: slice) -> tuple[Floats, Floats]:
    """Clicks that were sent and that came, by producer and in all."""
    producer_B = scene.group_NA[part, 1]
    sent_G, came_G = (
        np.bincount(producer_B, told_N[part], scene.groups).astype(np.float64) for told_N in (scene.label_N, label_N)
    )
    sent_G[0], came_G[0] = sent_G.sum(), came_G.sum()
    return sent_G, came_G


class _Timer:
    """Stands before a guard's `judge` and adds up its seconds, until it leaves."""

    def __init__(self, guard: Guard) -> None:
        self.spent, self._guard, self._judge = 0.0, guard, guard.judge
        guard.judge = self._timed  # type: ignore[method-assign]

    def _timed(self, told: Any) -> Any:
        started = time.perf_counter()
        judged = self._judge(told)
        self.spent += time.perf_counter() - started
        return judged

    def leave(self) -> None:
        del self._guard.judge
