"""Copies beside a learner of rows: each cadence answers as of its last refresh, and nothing that is learned changes."""

from __future__ import annotations

import numpy as np
import pytest

from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.linear_columns import LinearColumns
from learners.models.columns import ColumnShape
from learners.refreshed_rows import RefreshedRows
from learners.refreshing import HOUR_MS, CopiedLearner, Refresh
from learners.row_models import MODELS, make_row_learner

CADENCES = [Refresh.of(name) for name in ("never", "1d", "1h", "online")]


def told(hour: float, *, flipped: bool = False, rows: int = 40) -> Columns:
    """Rows of one moment, whose first field decides; `flipped` turns that about."""
    random = np.random.default_rng(int(hour * 10))
    key_BF = random.integers(0, 6, (rows, 2))
    yes_B = (key_BF[:, 0] % 2 == 0) ^ flipped
    return Columns(key_BF, yes_B[:, None].astype(np.float32), at_B=np.full(rows, int(hour * HOUR_MS)))


def gone_through(learner: CopiedLearner, batches: list[Columns], first: int = 24) -> RefreshedRows:
    refreshed = RefreshedRows(learner, ("clicked",), CADENCES, first_ms=first * HOUR_MS)
    for columns in batches:
        refreshed.score(columns)
        learner.learn(columns)
    return refreshed


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_copies_that_stand_still(name: str) -> None:
    learner = make_row_learner(name, fields=2, bags=0, labels=1)
    for hour in range(5):
        learner.learn(told(hour))
    copy, known = learner.copy(), learner.score(told(9)).copy()
    for hour in range(10):
        learner.learn(told(hour, flipped=True))
    assert np.array_equal(copy.score(told(9)), known)
    assert not np.array_equal(learner.score(told(9)), known)


@pytest.mark.parametrize("name", MODELS)
def test_a_copy_learns_on_to_the_same_scores(name: str) -> None:
    learner = make_row_learner(name, fields=2, bags=0, labels=1)
    learner.learn(told(1))
    copy = learner.copy()
    for one in (learner, copy):
        one.learn(told(2, rows=50))
    assert np.array_equal(copy.score(told(9)), learner.score(told(9)))


def test_after_a_shift_the_fresher_copy_is_the_better_one() -> None:
    batches = [told(hour / 4, flipped=hour >= 200) for hour in range(4 * 60)]
    report = gone_through(ColumnLearner(ColumnShape(fields=2, hidden=(8,))), batches).report()["clicked"]
    never, day, hour, online = [one["ne"] for one in report["cadences"]]
    assert min(never, day) > hour > online
    assert report["rows"] == 40 * (240 - 96)


def test_asking_copies_does_not_change_what_is_learned() -> None:
    batches = [told(hour / 2) for hour in range(60)]
    alone, watched = (ColumnLearner(ColumnShape(fields=2, hidden=(8,))) for _ in range(2))
    for columns in batches:
        alone.score(columns)
        alone.learn(columns)
    gone_through(watched, batches)
    assert watched.digest() == alone.digest()


def test_cadences_that_are_due_together_share_a_copy() -> None:
    refreshed = gone_through(LinearColumns(labels=1), [told(hour) for hour in range(24, 24 * 4)])
    assert refreshed.copies == 2 * 24


def test_rows_of_before_the_first_copy_are_in_no_figure() -> None:
    learner = LinearColumns(labels=1)
    refreshed = gone_through(learner, [told(hour) for hour in range(12)], first=11)
    assert refreshed.report()["clicked"]["rows"] == 40


def test_rows_that_decide_nothing_are_in_no_figure() -> None:
    columns = told(3)
    decided_BL = np.arange(40)[:, None] % 4 == 0
    part = Columns(columns.key_BF, columns.value_BL, decided_BL, at_B=columns.at_B)
    assert gone_through(LinearColumns(labels=1), [part], first=0).report()["clicked"]["rows"] == 10


def test_closed_it_only_scores() -> None:
    refreshed = gone_through(LinearColumns(labels=1), [told(hour) for hour in range(3)], first=1)
    before, copies = refreshed.report(), refreshed.copies
    refreshed.close()
    refreshed.score(Columns(told(4).key_BF, told(4).value_BL))
    assert (refreshed.report(), refreshed.copies) == (before, copies)
    assert copies == 2


def test_rows_without_time_are_refused() -> None:
    columns = told(0)
    with pytest.raises(ValueError, match="tell at_B"):
        gone_through(LinearColumns(labels=1), [Columns(columns.key_BF, columns.value_BL)])
