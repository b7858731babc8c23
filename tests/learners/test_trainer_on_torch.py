"""The trainer with the real learner: the same bytes however often it was killed, and whenever it committed."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import pytest

from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from learners.learner import Learner
from learners.named_learners import make_learner
from learners.plan import Plan
from learners.trainer import train
from streams.examples import encode
from streams.log import MemoryLogs
from tests.learners.frames import frames_of, rows_of

PLAN = Plan(partitions=3, bucket_ms=1000, batch_size=64, commit_batches=3, read_frames=4)
TO_THE_END = replace(PLAN, until_end=True)


def fresh() -> Learner:
    return make_learner(labels=("click",), context=("hour",), seed=5)


@pytest.fixture(scope="module")
def logs() -> MemoryLogs:
    logs = MemoryLogs()
    for p in range(3):
        frames = frames_of(rows_of(11, p, 400), random.Random(p))
        logs.open("examples", 3).append(p, [encode(frame) for frame in frames], at=0)
    return logs


def whole(logs: MemoryLogs, folder: Path, plan: Plan) -> Manifest:
    for report in train(logs, VersionStore(folder), fresh, plan=plan, clock=itertools.count().__next__):
        assert report.learned is None or report.learned.finite
    return max(VersionStore(folder).manifests(), key=lambda manifest: manifest.examples)


def test_killed_five_times_the_model_has_the_same_digest(logs: MemoryLogs, tmp_path: Path) -> None:
    once, r = whole(logs, tmp_path / "once", TO_THE_END), random.Random(2)
    for _ in range(5):
        run = train(logs, VersionStore(tmp_path / "killed"), fresh, plan=PLAN, clock=itertools.count().__next__)
        for _ in range(r.randrange(10, 60)):
            next(run)
        del run
    killed = whole(logs, tmp_path / "killed", TO_THE_END)
    assert (killed.digest, killed.positions) == (once.digest, once.positions)


def test_how_often_it_commits_does_not_show_in_the_model(logs: MemoryLogs, tmp_path: Path) -> None:
    often = whole(logs, tmp_path / "often", replace(TO_THE_END, commit_batches=1, read_frames=1))
    seldom = whole(logs, tmp_path / "seldom", replace(TO_THE_END, commit_batches=10**6, read_frames=100))
    assert often.digest == seldom.digest
