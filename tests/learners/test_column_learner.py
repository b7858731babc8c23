"""A learner of columns: same rows, same bytes; it goes on where it stopped, and learns what can be learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.models.columns import ColumnShape
from learners.tables.kinds import Kind, Limits

SHAPE = ColumnShape(fields=4, labels=2, hidden=(16,))


def told(number: int, *, rows: int = 50) -> Columns:
    """A batch that is a function of its number: new ids keep coming, the first two fields decide together."""
    random = np.random.default_rng(number)
    key_BF = random.integers(-5, 5 + number, (rows, 4))
    likely_B = np.where((key_BF[:, 0] + key_BF[:, 1]) % 2 == 0, 0.8, 0.1)
    value_BL = (random.random((rows, 2)) < likely_B[:, None]).astype(np.float32)
    return Columns(key_BF, value_BL, random.random((rows, 2)) < 0.9, random.random(rows).astype(np.float32))


def learned(learner: ColumnLearner, numbers: range) -> ColumnLearner:
    for number in numbers:
        columns = told(number)
        learner.score(columns)
        assert learner.learn(columns).finite
    return learner


def test_equal_batches_give_equal_bytes() -> None:
    one, other = (learned(ColumnLearner(SHAPE), range(20)) for _ in range(2))
    assert one.digest() == other.digest()
    assert one.digest() != learned(ColumnLearner(SHAPE), range(21)).digest()


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = learned(ColumnLearner(SHAPE), range(30))
    for stop in (1, 7, 29):
        learned(ColumnLearner(SHAPE), range(stop)).snapshot(tmp_path / str(stop))
        restored = ColumnLearner(SHAPE, seed=9)
        restored.restore(tmp_path / str(stop))
        assert learned(restored, range(stop, 30)).digest() == whole.digest()


def test_another_shape_is_refused(tmp_path: Path) -> None:
    learned(ColumnLearner(SHAPE), range(1)).snapshot(tmp_path)
    with pytest.raises(ValueError, match="use its settings"):
        ColumnLearner(ColumnShape(fields=4, labels=1)).restore(tmp_path)
    with pytest.raises(ValueError, match="the schema changed"):
        ColumnLearner(ColumnShape(fields=3)).score(told(1))


def test_labels_that_are_not_decided_teach_nothing() -> None:
    """Two batches that differ only in values that no mask lets through."""
    digests = set()
    for value in (0.0, 1.0):
        learner = learned(ColumnLearner(SHAPE), range(3))
        columns = told(3)
        assert columns.decided_BL is not None
        spoilt_BL = np.where(columns.decided_BL, columns.value_BL, np.float32(value))
        learner.learn(Columns(columns.key_BF, spoilt_BL, columns.decided_BL, columns.weight_B))
        digests.add(learner.digest())
    assert len(digests) == 1


def test_products_of_ids_are_learned() -> None:
    """What two fields say together can't be said by either alone: a yes is likely where they are equal."""
    learner, random = ColumnLearner(ColumnShape(fields=2, hidden=(16,))), np.random.default_rng(1)
    scores, values = [], []
    for _ in range(300):
        key_BF = random.integers(0, 6, (256, 2))
        value_B1 = (random.random(256) < np.where(key_BF[:, 0] == key_BF[:, 1], 0.9, 0.1)).astype(np.float32)[:, None]
        columns = Columns(key_BF, value_B1)
        scores.append(learner.score(columns)[:, 0])
        values.append(key_BF[:, 0] == key_BF[:, 1])
        learner.learn(columns)
    last, equal = np.concatenate(scores[-50:]), np.concatenate(values[-50:])
    assert last[equal].mean() > 0.7
    assert last[~equal].mean() < 0.2


def test_ids_get_rows_when_they_were_seen_often_enough_and_lose_them_in_time(tmp_path: Path) -> None:
    shape = ColumnShape(fields=1, hidden=(8,))

    def learner() -> ColumnLearner:
        return ColumnLearner(shape, kind=Kind(count=2, ttl_ms=1_000), limits=Limits())

    def see(learner: ColumnLearner, key: int, at: int) -> None:
        one = Columns(np.array([[key]]), np.ones((1, 1), np.float32), at_B=np.array([at]))
        learner.score(one)
        learner.learn(one)

    one = learner()
    for at, key in enumerate((7, 8, 7)):
        see(one, key, at)
    assert one.rows.alive == 1
    one.snapshot(tmp_path)
    other = learner()
    other.restore(tmp_path)
    for each in (one, other):
        see(each, 9, 5_000)
        assert each.rows.alive == 0
    assert one.digest() == other.digest()


def test_a_batch_that_is_refused_leaves_no_trace() -> None:
    learner = learned(ColumnLearner(SHAPE), range(3))
    before, spoilt = learner.digest(), told(40)
    spoilt.value_BL[3, 1] = np.nan
    learner.score(spoilt)
    assert not learner.learn(spoilt).finite
    assert learner.digest() == before


def test_no_rows_are_no_news() -> None:
    learner = learned(ColumnLearner(SHAPE), range(3))
    before, none = learner.digest(), Columns(np.zeros((0, 4), np.int64), np.zeros((0, 2), np.float32))
    assert learner.score(none).shape == (0, 2)
    assert learner.learn(none).finite
    assert learner.digest() == before
