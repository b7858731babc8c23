"""A trainer that retention overtook: what it would read next is gone, but a version that was kept has learned it."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from checkpoints.store import VersionStore
from learners.errors import NothingLeft
from learners.plan import Plan, Trained
from learners.trainer import Trainer
from streams.examples import encode
from streams.log import MemoryLogs
from tests.learners.frames import frames_of, rows_of
from tests.learners.rate_learner import RateLearner

PLAN = Plan(partitions=2, bucket_ms=500, batch_size=16, commit_batches=10, read_frames=4, publish=False)
NEVER = Plan(partitions=2, bucket_ms=500, batch_size=16, commit_batches=10**6, read_frames=4, publish=False)


def trainer(logs: MemoryLogs, store: VersionStore, plan: Plan) -> Trainer:
    return Trainer(logs, store, RateLearner, plan=plan, clock=itertools.count(1000).__next__)


def turned(one: Trainer) -> list[Trained]:
    return [one.turn() for _ in range(200)]


def overtaken(folder: Path) -> tuple[MemoryLogs, VersionStore, Trainer, Trainer]:
    """Logs that begin where the newest version stands, one trainer at their end and one far behind that."""
    logs, store = MemoryLogs(), VersionStore(folder)
    examples = logs.open("examples", 2)
    for p in range(2):
        examples.append(p, [encode(frame) for frame in frames_of(rows_of(5, p, 200), random.Random(p))], at=0)
    behind, ahead = trainer(logs, store, NEVER), trainer(logs, store, PLAN)
    for _ in range(6):
        behind.turn()
    while not ahead.turn().idle:
        pass
    for p, at in store.manifests()[-1].positions.items():
        examples.trim(p, at.examples)
    return logs, store, behind, ahead


def test_it_goes_on_from_the_version_that_was_kept(tmp_path: Path) -> None:
    _, store, behind, ahead = overtaken(tmp_path)
    reports = turned(behind)
    assert [report.restored for report in reports if report.restored is not None] == [store.manifests()[-1].version]
    assert (reports[-1].examples, reports[-1].steps) == (ahead.done.examples, ahead.done.steps)


def test_where_no_version_was_kept_it_says_so(tmp_path: Path) -> None:
    _, store, behind, _ = overtaken(tmp_path)
    for manifest in store.manifests()[1:]:
        store.remove(manifest.version)
    with pytest.raises(NothingLeft, match="but that begins at"):
        turned(behind)
