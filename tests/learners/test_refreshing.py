"""Refresh: a copy answers as of its last refresh, the learner learns on, and every cadence meets the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.models.columns import ColumnShape
from learners.refreshing import DAY_MS, HOUR_MS, Answering, Refresh, Refreshed, foreseen

SHAPE = ColumnShape(fields=2, hidden=(8,))
CADENCES = [Refresh.of(name) for name in ("never", "1d", "1h", "online")]


def told(hour: float, *, flipped: bool = False, rows: int = 40) -> Columns:
    """Rows of one moment, whose first field decides; `flipped` turns that about."""
    random = np.random.default_rng(int(hour * 10))
    key_BF = random.integers(0, 6, (rows, 2))
    yes_B = (key_BF[:, 0] % 2 == 0) ^ flipped
    return Columns(key_BF, yes_B[:, None].astype(np.float32), at_B=np.full(rows, int(hour * HOUR_MS)))


def test_an_unknown_cadence_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'2d', known are never, 1d, 1h, online"):
        Refresh.of("2d")


@pytest.mark.parametrize(
    ("name", "taken", "now", "due"),
    [
        ("1h", HOUR_MS - 1, HOUR_MS, True),
        ("1h", HOUR_MS, 2 * HOUR_MS - 1, False),
        ("1d", DAY_MS + 5, 2 * DAY_MS, True),
        ("1d", DAY_MS, DAY_MS + 23 * HOUR_MS, False),
        ("1h", 3 * HOUR_MS, 2 * HOUR_MS, False),
        ("never", 0, 1000 * DAY_MS, False),
        ("online", 7, 7, True),
    ],
)
def test_periods_end_on_whole_hours_and_days_of_event_time(name: str, taken: int, now: int, due: bool) -> None:
    assert Refresh.of(name).due(taken, now) is due


def test_a_copy_answers_what_the_learner_knew_when_it_was_taken() -> None:
    asked = told(50)
    learner = ColumnLearner(SHAPE)
    answering = Answering(Refresh.of("1d"))
    for hour in range(48):
        answering.of(learner, told(hour))
        learner.learn(told(hour))
    known = learner.score(told(48)).copy()
    for hour in range(48, 60):
        answering.of(learner, told(hour))
        learner.learn(told(hour, flipped=True))
    at = Columns(told(48).key_BF, told(48).value_BL, at_B=asked.at_B)
    assert np.array_equal(answering.of(learner, asked).score(at), known)
    assert not np.array_equal(learner.score(at), known)


def test_the_learner_answers_by_itself_until_the_first_stretch_is_over() -> None:
    learner = ColumnLearner(SHAPE)
    for refresh in CADENCES:
        answering = Answering(refresh)
        assert answering.of(learner, told(0)) is learner
        assert answering.of(learner, told(23.9)) is learner
        assert (answering.of(learner, told(24)) is learner) == refresh.online


def test_never_takes_one_copy_and_others_one_a_period_with_rows() -> None:
    taken = {}
    for refresh in CADENCES:
        learner, answering = ColumnLearner(SHAPE), Answering(refresh)
        for hour in [*range(0, 72), 90]:
            answering.of(learner, told(hour))
        taken[refresh.name] = answering.copies
    assert taken == {"never": 1, "1d": 3, "1h": 49, "online": 0}


def test_after_a_shift_the_fresher_copy_answers_better() -> None:
    batches = [told(hour / 4, flipped=hour >= 200) for hour in range(4 * 60)]
    scores = list(foreseen(ColumnLearner(SHAPE), batches, CADENCES))
    shifted = [
        np.abs(score_RBL - columns.value_BL).mean(axis=(1, 2))
        for score_RBL, columns in zip(scores[220:], batches[220:], strict=True)
    ]
    never, day, hour, online = np.mean(shifted, axis=0)
    assert never == pytest.approx(day, abs=0.1)
    assert day > hour > online


def test_asking_copies_does_not_change_what_is_learned() -> None:
    alone, watched = ColumnLearner(SHAPE), ColumnLearner(SHAPE)
    batches = [told(hour / 2) for hour in range(60)]
    for columns in batches:
        alone.score(columns)
        alone.learn(columns)
    scores = list(foreseen(watched, batches, CADENCES))
    assert watched.digest() == alone.digest()
    assert len(scores) == 60
    assert scores[0].shape == (4, 40, 1)


def test_a_refreshed_learner_stands_where_a_learner_stands() -> None:
    batches = [told(hour) for hour in range(30)]
    expected = [scores[1] for scores in foreseen(ColumnLearner(SHAPE), batches, CADENCES)]
    refreshed = Refreshed(ColumnLearner(SHAPE), Refresh.of("1d"))
    for columns, score_BL in zip(batches, expected, strict=True):
        assert np.array_equal(refreshed.score(columns), score_BL)
        assert refreshed.learn(columns).rows == 40


def test_rows_without_time_are_refused_unless_online() -> None:
    learner, rows = ColumnLearner(SHAPE), Columns(np.array([[1, 2]]), np.array([[1.0]], np.float32))
    assert Answering(Refresh.of("online")).of(learner, rows) is learner
    with pytest.raises(ValueError, match="tell at_B, or take 'online'"):
        Answering(Refresh.of("1h")).of(learner, rows)
