"""Streams that bring a guard into each kind of hold: batches that are functions of their number. No test is here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.guard.guard import Guard
from learners.guard.rules import GuardRules
from learners.guarded_columns import GuardedColumns, Passed
from learners.learner import Doubles, Ints
from learners.models.columns import ColumnShape

SHAPE, ROWS, START, GROUPS = ColumnShape(fields=3, hidden=(8,)), 512, 40, 7
RULES = GuardRules(warm=20, hold=12, ask=40)


@dataclass(frozen=True, slots=True)
class State:
    """A fault that lasts: (group, what its labels become, batches until then), how far the level of all is off, the
    share of clicks that is lost while producers count them."""

    held: tuple[int, ...]
    labels: tuple[tuple[int, str, int], ...] = ()
    level: float = 0.0
    lost: float = 0.0


STATES = {
    "level": State((0,), level=1.0),
    "rank": State((0,), labels=((0, "flips", 0),)),
    "slice": State((2,), labels=((2, "more", 0),)),
    "lost": State((0,), lost=0.5),
    "two": State((2, 5), labels=((2, "flips", 0), (5, "more", 4))),
}
"""`two`: slices of two axes, which have rows in common."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows, their groups, and clicks that were sent and that came, by group."""

    columns: Columns
    group_BA: Ints
    sent_G: Doubles
    came_G: Doubles

    def pass_to(self, shell: GuardedColumns) -> Passed:
        return shell.learn(self.columns, self.group_BA, announced_G=self.sent_G, delivered_G=self.came_G)


def batch(number: int, state: State | None = None) -> Batch:
    """Each field moves the odds of a yes; two axes of three slices, 60, 20 and 20 %."""
    random, state = np.random.default_rng(number), state or State(())
    key_BF = random.integers(0, 12, (ROWS, 3))
    x_B = np.sin(key_BF * 2.4).sum(axis=1) * 1.2 - 1.5 + state.level
    true_B = random.random(ROWS) < 1 / (1 + np.exp(-x_B))
    slice_BA = np.array([1, 4]) + random.choice(3, (ROWS, 2), p=(0.6, 0.2, 0.2))
    group_BA = np.concatenate([np.zeros((ROWS, 1), np.int64), slice_BA], axis=1)
    value_B = true_B & (random.random(ROWS) >= state.lost)
    spoilt = {"flips": ~true_B, "more": true_B | (random.random(ROWS) < 0.3)}
    for group, kind, after in state.labels:
        if number >= START + after:
            value_B = np.where((group_BA == group).any(axis=1), spoilt[kind], value_B)
    sent_B = true_B if state.lost else value_B
    sent_G, came_G = (
        np.bincount(group_BA.ravel(), np.repeat(told_B, 3), GROUPS).astype(np.float64) for told_B in (sent_B, value_B)
    )
    return Batch(Columns(key_BF, value_B[:, None].astype(np.float32)), group_BA, sent_G, came_G)


def fresh() -> GuardedColumns:
    return GuardedColumns(ColumnLearner(SHAPE), Guard(GROUPS, RULES))


def forked(shell: GuardedColumns) -> GuardedColumns:
    """Another one that goes on by itself; only where nothing is held."""
    guard = Guard(GROUPS, RULES)
    guard.load(shell.guard.state())
    return GuardedColumns(shell.live.copy(), guard)


def taught() -> GuardedColumns:
    """A shell that has learned clean batches up to `START`."""
    shell = fresh()
    for number in range(START):
        assert batch(number).pass_to(shell).held == 0
    return shell


def until_held(shell: GuardedColumns, state: State, *, more: int = 3) -> int:
    """Pass the fault until its groups are held, and `more` batches. The number of the next batch."""
    number, found = START, 0
    while found <= more:
        batch(number, state).pass_to(shell)
        found += {view.group for view in shell.guard.held} >= set(state.held)
        number += 1
        assert number < START + 30, f"held are {shell.guard.held}, expected {state.held}"
    return number
