"""A learner behind a guard: spoilt rows teach nothing, everything else does, and a restart changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.guard.guard import Guard
from learners.guard.rules import GuardRules
from learners.guarded_columns import GuardedColumns
from learners.learner import Ints
from learners.models.columns import ColumnShape

SHAPE, ROWS, START = ColumnShape(fields=3, hidden=(8,)), 512, 40
RULES = GuardRules(warm=20, hold=12, ask=40)


def told(number: int, *, flips: bool = False, level: float = 0.0, group: int = 0) -> tuple[Columns, Ints]:
    """A batch that is a function of its number: each field moves the odds of a yes."""
    random = np.random.default_rng(number)
    key_BF = random.integers(0, 12, (ROWS, 3))
    x_B = np.sin(key_BF * 2.4).sum(axis=1) * 1.2 - 1.5 + level
    value_B = random.random(ROWS) < 1 / (1 + np.exp(-x_B))
    group_BA = np.stack([np.zeros(ROWS, np.int64), 1 + random.integers(0, 3, ROWS)], axis=1)
    if flips:
        value_B ^= (group_BA == group).any(axis=1)
    return Columns(key_BF, value_B[:, None].astype(np.float32)), group_BA


def fresh() -> GuardedColumns:
    return GuardedColumns(ColumnLearner(SHAPE), Guard(4, RULES))


def taught(batches: int = START) -> GuardedColumns:
    shell = fresh()
    for number in range(batches):
        assert shell.learn(*told(number)).held == 0
    return shell


def test_a_clean_stream_is_learned_as_without_a_guard() -> None:
    plain = ColumnLearner(SHAPE)
    for number in range(START):
        columns, _ = told(number)
        plain.score(columns)
        plain.learn(columns)
    assert taught().live.digest() == plain.digest()


def test_spoilt_labels_leave_no_trace() -> None:
    shell = taught()
    before = shell.live.digest()
    for number in range(START, START + 6):
        passed = shell.learn(*told(number, flips=True))
        assert (passed.learned, passed.held) == (0, ROWS)
    assert shell.live.digest() == before
    passed = [shell.learn(*told(number)) for number in range(START + 6, START + 9)]
    assert sum(one.refused for one in passed) == 7 * ROWS
    assert (shell.guard.held, shell.shadow, len(shell.waiting)) == ((), None, 0)


def test_the_rest_of_the_traffic_goes_on_being_learned() -> None:
    shell = taught()
    for number in range(START, START + 6):
        passed = shell.learn(*told(number, flips=True, group=2))
    assert [view.group for view in shell.guard.held] == [2]
    assert passed.learned + passed.held == ROWS
    assert passed.learned > passed.held > 0


def test_what_is_accepted_is_as_if_it_had_been_learned_in_order() -> None:
    """The shadow begins at the hold, learns every row, and becomes the live learner."""
    shell, plain = taught(), taught().live
    for number in range(START, START + 16):
        columns, group_BA = told(number, level=1.0)
        shell.learn(columns, group_BA)
        plain.learn(columns)
    assert shell.guard.held == ()
    assert shell.live.digest() == plain.digest()


def test_an_operator_accepts_at_once() -> None:
    shell, plain = taught(), taught().live
    for number in range(START, START + 3):
        columns, group_BA = told(number, flips=True)
        shell.learn(columns, group_BA)
        plain.learn(columns)
        if number == START:
            shell.guard.order(0, "accept")
    assert shell.live.rows_learned >= (START + 1) * ROWS


def test_a_restart_inside_a_hold_goes_on_alike(tmp_path: Path) -> None:
    shell = taught()
    for number in range(START, START + 3):
        shell.learn(*told(number, flips=True, group=2))
    shell.snapshot(tmp_path)
    other = fresh()
    other.restore(tmp_path)
    for number in range(START + 3, START + 12):
        assert shell.learn(*told(number)) == other.learn(*told(number))
    assert shell.live.digest() == other.live.digest()


def test_broken_rows_are_dropped_and_the_others_learned() -> None:
    shell = taught()
    columns, group_BA = told(START)
    columns.value_BL[:3, 0] = np.nan, 2.0, np.inf
    passed = shell.learn(columns, group_BA)
    assert (passed.broken, passed.learned) == (3, ROWS - 3)
    assert np.isfinite(shell.score(told(START + 1)[0])).all()


def test_a_broken_model_stops_learning_and_says_so() -> None:
    shell = taught(2)
    shell.live._calibration.shift_LK[:] = np.nan
    passed = shell.learn(*told(2))
    assert "not finite" in passed.stopped
    assert passed.learned == 0


def test_a_copy_has_learned_the_same_and_goes_on_by_itself() -> None:
    one = taught(5).live
    before, other = one.digest(), one.copy()
    assert other.digest() == before
    other.learn(told(5)[0])
    assert one.digest() == before
    one.learn(told(5)[0])
    assert one.digest() == other.digest()
