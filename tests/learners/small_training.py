"""A small log of examples over three partitions, and whole trainings over it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from learners.plan import Plan, Trained
from learners.trainer import train
from streams.decisions import Decision, DecisionLog
from streams.examples import encode
from streams.log import MemoryLogs
from tests.learners.frames import frames_of, rows_of
from tests.learners.rate_learner import RateLearner

PARTITIONS = 3
FAR = 10**9
PLAN = Plan(partitions=PARTITIONS, bucket_ms=500, batch_size=16, commit_batches=3, read_frames=4)
TO_THE_END = Plan(partitions=PARTITIONS, bucket_ms=500, batch_size=16, commit_batches=3, read_frames=4, until_end=True)


def ticking() -> Callable[[], int]:
    return itertools.count(1000).__next__


def logs_of(seed: int, rows: int = 120) -> MemoryLogs:
    logs = MemoryLogs()
    for p in range(PARTITIONS):
        frames = frames_of(rows_of(seed, p, rows), random.Random(seed + p))
        logs.open("examples", PARTITIONS).append(p, [encode(frame) for frame in frames], at=0)
    return logs


def decide(logs: MemoryLogs, line: Decision) -> None:
    DecisionLog(logs.open("decisions", 1)).decide(line)


def whole(logs: MemoryLogs, folder: Path, plan: Plan = TO_THE_END) -> list[Trained]:
    return list(train(logs, VersionStore(folder), RateLearner, plan=plan, clock=ticking()))


def content(manifest: Manifest) -> tuple[object, ...]:
    return manifest.digest, manifest.positions, manifest.examples, manifest.steps
