"""The learner of columns, written down and read back at fifty points: the same bytes from there on to the end.

Ids come and go meanwhile: they get a row at their second sighting or by chance, lose it when it was not used for long,
or when there are too many. Some batches are refused, some scored and never learned.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from learners.column_learner import ColumnLearner
from learners.columns import BagColumns, Columns
from learners.learner import Ints
from learners.models.columns import ColumnShape
from learners.tables.kinds import Kind, Limits

SHAPE = ColumnShape(fields=3, labels=2, bags=1, hidden=(16,))
BATCHES, POINTS = 100, 50
STEP_MS = 100
KINDS = {
    "counted": (Kind(count=2, ttl_ms=1_500), Limits(cap=300, half_life_ms=2_000, forget_ms=4_000)),
    "by chance": (Kind(chance=0.4, ttl_ms=1_500), Limits(cap=300, half_life_ms=2_000)),
    "capped": (Kind(), Limits(cap=150, low=0.7, half_life_ms=500)),
}


def fresh(kind: str, seed: int = 3) -> ColumnLearner:
    told, limits = KINDS[kind]
    return ColumnLearner(SHAPE, kind=told, limits=limits, seed=seed)


def told(number: int) -> Columns:
    """A batch that is a function of its number. Ids move on with it, so that old ones stay away for ever; every ninth
    batch holds a value that is no number; times go back a little now and then."""
    random = np.random.default_rng([7, number])
    rows = int(random.integers(1, 40))
    key_BF = random.integers(0, 60, (rows, 3)) + 2 * number
    value_BL = (random.random((rows, 2)) < 0.2 + 0.6 * (key_BF[:, :1] % 2)).astype(np.float32)
    if number % 9 == 4:
        value_BL[rows // 2, 1] = np.nan
    count_BG: Ints = random.integers(0, 3, (rows, 1))
    bags = BagColumns(random.integers(0, 30, int(count_BG.sum())) + number, count_BG)
    at_B: Ints = number * STEP_MS + random.integers(-250, STEP_MS, rows)
    decided_BL, weight_B = np.ones((rows, 2), np.bool_), random.random(rows).astype(np.float32)
    return Columns(key_BF, value_BL, decided_BL, weight_B, np.maximum(at_B, 0), bags)


def learn(learner: ColumnLearner, number: int) -> bytes:
    """One batch; what was said of it. Every fifth is scored, left alone, and scored again."""
    columns = told(number)
    if number % 5 == 2:
        learner.score(told(number + 1000))
    said = learner.score(columns).tobytes()
    assert learner.learn(columns).finite == (number % 9 != 4)
    return said


@pytest.mark.parametrize("kind", KINDS)
def test_from_fifty_random_points_on_every_score_and_the_last_byte_are_the_same(kind: str, tmp_path: Path) -> None:
    whole, said, gone = fresh(kind), [], 0
    points = Random(kind).sample(range(1, BATCHES), POINTS)
    for number in range(BATCHES):
        if number in points:
            gone += len(whole.rows.gone_since(0)[0])
            whole.snapshot(tmp_path / str(number))
        said.append(learn(whole, number))
    assert whole.rows.alive > 30
    assert gone > 100, "hardly any row went"
    for point in points:
        restored = fresh(kind, seed=point)
        restored.restore(tmp_path / str(point))
        assert [learn(restored, number) for number in range(point, BATCHES)] == said[point:]
        assert restored.digest() == whole.digest()


def test_one_that_dies_fifty_times_ends_with_the_bytes_of_one_that_lives(tmp_path: Path) -> None:
    """Each life begins with what the last one wrote, and does again what was not written."""
    random, whole, killed, kept = Random(5), fresh("counted"), fresh("counted"), 0
    for number in range(BATCHES):
        learn(whole, number)
    for death in range(POINTS):
        stop = min(BATCHES, kept + random.randrange(1, 5))
        for number in range(kept, stop):
            learn(killed, number)
        kept = stop
        killed.snapshot(tmp_path / str(death))
        for number in range(kept, min(BATCHES, kept + random.randrange(4))):
            learn(killed, number)
        killed = fresh("counted", seed=death)
        killed.restore(tmp_path / str(death))
    for number in range(kept, BATCHES):
        learn(killed, number)
    assert killed.digest() == whole.digest()


def test_two_runs_give_the_same_bytes_as_a_snapshot_taken_on_the_way_leaves_no_trace(tmp_path: Path) -> None:
    once, often = fresh("counted"), fresh("counted")
    for number in range(BATCHES):
        learn(once, number)
        learn(often, number)
        often.digest()
        often.snapshot(tmp_path)
    assert once.digest() == often.digest()
