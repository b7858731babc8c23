"""A log of examples that the real joiner made of a messy stream: three partitions, every kind of row, users who are
forgotten, one label that is no number. And the default learner over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from checkpoints.store import VersionStore
from learners.committing import Committed
from learners.learner import Learner
from learners.named_learners import make_learner
from learners.plan import Plan
from learners.trainer import Trainer
from learners.writing import Writer
from streams.examples import ExampleFrame, Row, encode
from streams.log import MemoryLogs
from tests.streams.join_runs import fed, framed
from tests.streams.messy_logs import RULES, messy_log, shares, told_users

PARTITIONS = 3
BROKEN = 50
"""How many labels of partition 1 are decided before the one that is no number."""

STAY: Mapping[str, Any] = {}
COME_AND_GO: Mapping[str, Any] = {
    "admit": 2, "ttl": 60_000, "cap": 60, "half_life": 50_000, "spaces": {"item": {"chance": 0.5, "ttl": 90_000}},
}  # fmt: skip
"""Ids get a row at their second sighting, items by chance; they lose it a minute after their last, or for others."""

Frames = Sequence[Sequence[ExampleFrame]]


def joined(seed: int = 11, *, visits: int = 220) -> Frames:
    """The frames of each partition."""
    random = Random(seed)
    events = shares(sorted(messy_log(random, visits) + told_users(random, 9), key=lambda one: one[0]), PARTITIONS)
    made = [fed(framed(events[p], 5), partition=p, partitions=PARTITIONS)[0] for p in range(PARTITIONS)]
    spoilt = [row for frame in made[1] for row in frame.rows if row.kind == "label"][BROKEN].sequence
    made[1] = [msgspec.structs.replace(frame, rows=_spoilt(frame.rows, spoilt)) for frame in made[1]]
    return made


def logs_of(frames: Frames) -> MemoryLogs:
    """A deployment whose examples are all there."""
    logs = MemoryLogs()
    for p, ones in enumerate(frames):
        logs.open("examples", PARTITIONS).append(p, [encode(frame) for frame in ones], at=0)
    return logs


def fresh(terms: Mapping[str, Any] = STAY) -> Learner:
    """The default learner, of all labels of the stream."""
    labels = tuple(label.name for label in RULES.labels)
    return make_learner(labels=labels, context=("country", "n"), rows=terms, seed=5)


def trainer_of(
    logs: MemoryLogs,
    folder: Path | None,
    plan: Plan,
    make: Callable[[], Learner] = fresh,
    writer: Writer[Committed] | None = None,
) -> Trainer:
    """A trainer that was just started; its clock ticks at each look."""
    store, clock = None if folder is None else VersionStore(folder), count().__next__
    return Trainer(logs, store, make, plan=plan, clock=clock, writer=writer)


def _spoilt(rows: tuple[Row, ...], sequence: int) -> tuple[Row, ...]:
    nan = float("nan")
    return tuple(
        msgspec.structs.replace(r, labels=dict.fromkeys(r.labels, nan)) if r.sequence == sequence else r for r in rows
    )
