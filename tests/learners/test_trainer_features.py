"""Features of a live model by the log's own settings: carried over at the line, told in the manifest."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from learners.fields import Declared
from learners.learn_settings import LearnSettings
from learners.learned_state import States
from learners.learner import Learner
from learners.named_learners import make_learner
from learners.plan import Plan
from learners.trainer import train
from streams.examples import Shot, encode
from streams.log import MemoryLogs
from tests.learners.declared import rich_batch
from tests.learners.frames import frames_of, rows_of
from tests.learners.test_trainer_settings import PARTITIONS, START, configure, fill

PLAN = Plan(partitions=PARTITIONS, bucket_ms=1, batch_size=1, commit_batches=40, read_frames=64)
BASE = LearnSettings("two_tower_deepfm", ("click",), bucket_ms=500, batch_size=64)
CLICKS = {"clicks": Declared("history", "history", types=("click",))}
WIDER = msgspec.structs.replace(BASE, features=CLICKS, context=("hour",))
OTHER_SEED = msgspec.structs.replace(BASE, seed=3)
LATER = {p: at + 30 for p, at in START.items()}


def make(told: LearnSettings) -> Learner:
    return make_learner(told.model, labels=told.labels, context=told.context, features=told.features, seed=told.seed)


def never() -> Learner:
    raise AssertionError("the log says what to learn with")


def logs_of(*changes: tuple[LearnSettings, dict[int, int]]) -> MemoryLogs:
    logs = MemoryLogs()
    fill(logs, 1)
    decisions = configure(logs, BASE)
    for settings, start in changes:
        decisions = configure(logs, settings, start)
    fill(logs, 1, lineage_of=decisions)
    return logs


def versions(logs: MemoryLogs, folder: Path, *, kills: int = 0) -> list[Manifest]:
    store = VersionStore(folder)
    for n in range(kills):
        run = train(logs, store, never, plan=PLAN, clock=itertools.count().__next__, make=make)
        for _ in range(5 + 4 * n):
            next(run)
    plan = replace(PLAN, until_end=True)
    list(train(logs, store, never, plan=plan, clock=itertools.count(1000).__next__, make=make))
    return sorted(store.manifests(), key=lambda m: (m.examples, m.version))


def test_what_came_and_went_stands_in_the_first_version_after_it(tmp_path: Path) -> None:
    told = versions(logs_of((WIDER, START), (BASE, LATER)), tmp_path)
    changes = [one.schema_diff for one in told if one.schema_diff]
    names = ["clicks", "context.hour"]
    assert [{side: sorted(of) for side, of in change.items()} for change in changes] == [
        {"added": names, "dropped": []},
        {"added": [], "dropped": names},
    ]


def test_what_was_learned_goes_on(tmp_path: Path) -> None:
    newest = versions(logs_of((WIDER, START)), tmp_path)[-1]
    learner = make(WIDER)
    learner.restore(VersionStore(tmp_path).open(newest.version) / "learned")
    assert newest.config == WIDER.digest
    assert newest.schema == {
        "labels": ["click"],
        "context": ["hour"],
        "features": {"clicks": CLICKS["clicks"].written},
    }
    assert learner.rows_learned == newest.examples


@pytest.mark.parametrize("other", [WIDER, OTHER_SEED])
def test_settings_under_which_nothing_is_learned_leave_no_trace(other: LearnSettings) -> None:
    """Two lines at one place: a trainer that follows the log may see the first before the second is there."""
    logs = MemoryLogs()
    states = States(configure(logs, BASE).fold, None, never, PLAN, make)
    state = states.newest(logs.open("examples", PARTITIONS))
    for number in range(3):
        state.learner.learn(rich_batch(number))
    state.steps = 3
    back = states.turned(states.turned(state, other), BASE)
    assert (back.learner.digest(), back.changed) == (state.learner.digest(), {})
    once, twice = states.turned(state, WIDER), states.turned(states.turned(state, other), WIDER)
    assert (once.learner.digest(), once.changed) == (twice.learner.digest(), twice.changed)


def test_killed_over_changes_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    logs = logs_of((WIDER, START), (BASE, LATER))
    once, killed = versions(logs, tmp_path / "once")[-1], versions(logs, tmp_path / "killed", kills=5)[-1]
    assert (killed.digest, killed.examples, killed.config) == (once.digest, once.examples, once.config)


def test_what_differs_between_serving_and_learning_is_told_with_the_version(tmp_path: Path) -> None:
    marks = {"served.user": 0.0, "served.history": 1.0, "served.counters.item": 0.5}
    logs = MemoryLogs()
    for p, mine in enumerate(frames_of(rows_of(1, p, 40), random.Random(p)) for p in range(PARTITIONS)):
        told = [msgspec.structs.replace(one, shots=tuple(_marked(shot, marks) for shot in one.shots)) for one in mine]
        logs.open("examples", PARTITIONS).append(p, [encode(one) for one in told], at=0)
    configure(logs, BASE)
    plan = replace(PLAN, until_end=True)
    run = train(logs, VersionStore(tmp_path), never, plan=plan, clock=itertools.count().__next__, make=make)
    told = [report for report in run if report.committed]
    assert told[-1].skew is not None
    assert told[-1].skew["history"] == 1.0
    assert told[-1].skew_gap is not None
    assert told[-1].skew_gap.keys() == {"counters.item"}
    assert sum(report.committed.skew["history"]["compared"] for report in told if report.committed) == 40 * PARTITIONS


def _marked(shot: Shot, marks: dict[str, float]) -> Shot:
    return msgspec.structs.replace(shot, context={**shot.context, **marks})
