"""The non-finite drill: whatever number is no number, wherever it stands, nothing learned and no figure changes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.telemetry import Telemetry
from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.kernels.dense_updates import squared_norm
from learners.kernels.row_updates import squared_norm_of_rows
from learners.models.columns import ColumnShape
from learners.optimizers.clipping import scale_of
from learners.optimizers.rules import Clip
from learners.ordering import Batch, Example
from learners.plan import Plan
from learners.trainer import Trainer
from streams.examples import Row, encode
from streams.log import MemoryLogs
from tests.learners.declared import rich_batch, rich_learner
from tests.learners.frames import frames_of, rows_of
from tests.learners.lessons import batch, fact

NAN, INF = float("nan"), float("inf")
BAD = st.sampled_from([NAN, INF, -INF])
HUGE = st.sampled_from([1e300, -1e300, 3.4e38, 1e39, 1e30, 1e25])

IN_ROW = ("labels.click", "labels.long", "weight")
IN_SHOT = ("context.hour", "context.basket", "context.other", "scores.item1", "propensities.item1")
FIELDS = st.sampled_from([*IN_ROW, *IN_SHOT, "vector", "attributes.price"])


MEASURES = ("context.basket", "vector", "attributes.price")
"""What is no number here is read as missing."""
NAMES = ("two_tower_deepfm", "two_tower_deepfm_torch")


def fresh(name: str = NAMES[0]) -> Any:
    """A learner with a feature of every kind."""
    return rich_learner(name=name)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A learner that has learned something, on a disk."""
    learner, folder = fresh(), tmp_path_factory.mktemp("kept")
    for number in (1, 2, 3):
        learner.learn(rich_batch(number))
    learner.snapshot(folder)
    return folder


def restored(folder: Path, name: str = NAMES[0]) -> Any:
    learner = fresh(name)
    learner.restore(folder)
    return learner


def poisoned(example: Example, field: str, value: float | None) -> Example:
    """The example with one number replaced, or without it."""
    name, _, key = field.partition(".")
    part = "row" if field in IN_ROW else "shot" if field in IN_SHOT else "attributes"
    whole: Any = getattr(example, part)
    told: Any = value
    if field == "vector":
        told = None if value is None else (0.5, value, 0.0, -1.0, 0.1)
    elif key:
        told = {k: v for k, v in getattr(whole, name).items() if k != key} | ({} if value is None else {key: value})
    newer = {"ts": whole.ts + 1} if part == "attributes" else {}
    return msgspec.structs.replace(example, **{part: msgspec.structs.replace(whole, **{name: told}, **newer)})


def floats_of(learner: Any) -> list[Any]:
    """All of its numbers; among what items are said to be, a missing one is told by NaN."""
    arrays, _ = learner._state()
    told = [
        np.nan_to_num(array, nan=0.0, posinf=INF) if name == "items.measures" else array
        for name, array in arrays.items()
    ]
    return [array for array in told if np.asarray(array).dtype.kind == "f"]


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), field=FIELDS, value=BAD | HUGE, at=st.integers(0, 59), number=st.integers(10, 12))
@np.errstate(over="ignore", invalid="ignore")
def test_one_bad_number_anywhere_is_refused_bit_for_bit_or_was_never_read(
    kept: Path, name: str, field: str, value: float, at: int, number: int
) -> None:
    learner, clean = restored(kept, name), rich_batch(number)
    before, rows = learner.digest(), learner.rows_learned
    bad, harmless = (
        batch(*[poisoned(e, field, told) if i == at else e for i, e in enumerate(clean.examples)])
        for told in (value, None if field in MEASURES else 0.5)
    )
    learner.score(bad)
    assert learner.digest() == before, "scoring changes nothing"
    learned = learner.learn(bad)
    assert all(np.isfinite(array).all() for array in floats_of(learner))
    if not learned.finite:
        assert (learner.digest(), learner.rows_learned, learned.rows) == (before, rows, 0)
        learner.learn(clean)
    if not learned.finite or not np.isfinite(value):
        other = restored(kept, name)
        other.learn(harmless if learned.finite else clean)
        assert learner.digest() == other.digest(), "all goes on as if it had never come, or been another"
    assert np.isfinite(learner.score(clean).probability_BL).all()


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(field=st.sampled_from(["vector", "attributes.price"]), value=BAD)
def test_a_fact_that_is_no_number_never_reaches_a_score(kept: Path, field: str, value: float) -> None:
    learner, clean = restored(kept), rich_batch(10)
    attributes = poisoned(clean.examples[0], field, value).attributes
    assert attributes is not None
    learner.learn(batch(fact(attributes)))
    assert all(np.isfinite(array).all() for array in floats_of(learner))
    learned = learner.learn(clean)
    assert learned.finite
    assert np.isfinite(learner.score(rich_batch(11)).probability_BL).all()


@pytest.mark.parametrize("where", ["rows", "dense"])
@pytest.mark.parametrize("value", [NAN, INF, -INF, 3e38])
def test_a_gradient_that_is_no_number_is_refused_before_anything_is_written(value: float, where: str) -> None:
    """As the kernels see it: all norms first, then one decision."""
    grad, dense = np.ones((50, 16), np.float32), np.ones(100, np.float32)
    grad[0, 8 if where == "rows" else 15] = value
    dense[7 if where == "dense" else 0] = value if where == "dense" else 1
    norm = squared_norm_of_rows(grad, 50, 9) + squared_norm(dense)
    if np.isfinite(value):
        assert scale_of(Clip(), norm) == pytest.approx(10 / 3e38, rel=1e-5)
        assert scale_of(Clip(norm=INF), norm) is None, "finite, but a state that takes it would overflow"
    else:
        assert scale_of(Clip(), norm) is None


@pytest.mark.parametrize("broken", [1e38, INF, NAN])
def test_a_model_that_is_broken_learns_nothing_more_and_says_so(broken: float) -> None:
    learner = fresh()
    learner.learn(rich_batch(1))
    arrays = learner._model.dump()
    arrays["rank.dense"][:] = broken
    learner._model.load(arrays)
    before = learner.digest()
    assert not learner.learn(rich_batch(2)).finite
    assert learner.digest() == before


def bad_row(row: Row, field: str, value: float) -> Row:
    if field == "weight":
        return msgspec.structs.replace(row, weight=value)
    return msgspec.structs.replace(row, labels={"click": value})


@pytest.mark.parametrize("field", ["labels.click", "weight"])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_refused_batch_is_counted_and_in_no_figure(value: float, field: str, tmp_path: Path) -> None:
    rows = [(w, bad_row(row, field, value) if row.sequence in (70, 71, 130) else row) for w, row in rows_of(8, 0, 200)]
    logs = MemoryLogs()
    logs.open("examples", 1).append(0, [encode(frame) for frame in frames_of(rows, random.Random(8))], at=0)
    plan = Plan(partitions=1, bucket_ms=10**6, batch_size=16, until_end=True)
    trainer = Trainer(logs, None, fresh, plan=plan, clock=lambda: 0)
    telemetry = Telemetry("train", tmp_path, clock=lambda: 0)
    told, learned, ended = trainer.report(), 0, False
    while not ended:
        turn = trainer.turn()
        telemetry.count(turn)
        if turn.refused:
            assert turn.learned is not None
            assert (turn.refused, turn.rows, turn.learned.rows) == (16, 16, 0)
            assert trainer.report() == told
        learned += turn.learned.rows if turn.learned else 0
        told, ended = trainer.report(), turn.ended
    assert telemetry.status().totals == {"rows": 192.0, "refused": 32.0}
    assert (learned, trainer.impressions) == (160, 160)
    assert sum(told["click"]["slices"][s]["n"] for s in told["click"]["slices"]) <= 160
    assert np.isfinite(told["click"]["log_loss"])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(where=st.sampled_from(["value", "weight", "masked"]), value=BAD, row=st.integers(0, 63), label=st.integers(0, 1))
def test_rows_told_as_columns_are_refused_as_well(where: str, value: float, row: int, label: int) -> None:
    learner, clean = column_learner(), columns(3)
    before, told = learner.digest(), columns(3)
    assert told.decided_BL is not None
    assert told.weight_B is not None
    told.decided_BL[row, label] = where != "masked"
    (told.weight_B if where == "weight" else told.value_BL)[(row,) if where == "weight" else (row, label)] = value
    learner.score(told)
    learned = learner.learn(told)
    assert (learned.finite, learned.rows, learner.digest()) == (False, 0, before)
    other = column_learner()
    assert learner.learn(clean) == other.learn(clean)
    assert learner.digest() == other.digest()


def columns(number: int) -> Columns:
    random = np.random.default_rng(number)
    value_BL = (random.random((64, 2)) < 0.3).astype(np.float32)
    return Columns(random.integers(50, size=(64, 3)), value_BL, random.random((64, 2)) < 0.8, np.ones(64, np.float32))


def column_learner() -> ColumnLearner:
    learner = ColumnLearner(ColumnShape(fields=3, labels=2, hidden=(8,)))
    for number in (1, 2):
        assert learner.learn(columns(number)).finite
    return learner


def test_a_batch_of_nothing_is_not_refused() -> None:
    learned = fresh().learn(Batch((), 9))
    assert (learned.finite, learned.rows) == (True, 0)
