"""The trainer over changes of its settings: what it learns is a function of the log and the lines alone."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from learners.errors import OtherSettings
from learners.learn_settings import LearnSettings
from learners.plan import Plan
from learners.trainer import train
from streams.decisions import Decision, DecisionLog
from streams.examples import ExampleFrame, encode
from streams.log import MemoryLogs
from streams.positions import Positions
from tests.learners.frames import frames_of, rows_of
from tests.learners.rate_learner import RateLearner

PARTITIONS = 3
PLAN = Plan(partitions=PARTITIONS, bucket_ms=1, batch_size=1, commit_batches=12, read_frames=16)
BASE = LearnSettings("rates", ("click",), bucket_ms=500, batch_size=16)
SMALLER = msgspec.structs.replace(BASE, batch_size=5)
SHORTER = msgspec.structs.replace(BASE, bucket_ms=130)
OTHER_MODEL = msgspec.structs.replace(BASE, model="more rates")
OTHER_SEED = msgspec.structs.replace(BASE, seed=7)
CHANGES = [SMALLER, SHORTER, OTHER_MODEL, OTHER_SEED]
START = {0: 25, 1: 20, 2: 31}


def frames(seed: int) -> list[list[ExampleFrame]]:
    return [frames_of(rows_of(seed, p, 120), random.Random(seed + p)) for p in range(PARTITIONS)]


def fill(logs: MemoryLogs, seed: int, *, lineage_of: DecisionLog | None = None) -> None:
    """The frames as joiners write them: without decisions, or once more for what lies above their edges."""
    for p, mine in enumerate(frames(seed)):
        told = mine
        if lineage_of is not None:
            mask = lineage_of.fold.masking()
            stamped = [msgspec.structs.replace(one, lineage=mask.lineage(p, one.input)) for one in mine]
            told = [one for one in stamped if one.lineage]
        logs.open("examples", PARTITIONS).append(p, [encode(one) for one in told], at=0)


def configure(logs: MemoryLogs, settings: LearnSettings, start: Positions | None = None) -> DecisionLog:
    decisions = DecisionLog(logs.open("decisions", 1))
    decisions.follow()
    line = Decision("configure", 1, "ana", "try", decisions.fold.position, settings={"learn": settings.text})
    decisions.decide(msgspec.structs.replace(line, start=start or {}))
    return decisions


def logs_of(seed: int, *changes: tuple[LearnSettings, Positions]) -> MemoryLogs:
    """Logs whose lines were written before anything was read."""
    logs = MemoryLogs()
    fill(logs, seed)
    decisions = configure(logs, BASE)
    for settings, start in changes:
        decisions = configure(logs, settings, start)
    fill(logs, seed, lineage_of=decisions)
    return logs


class Made:
    """Makes learners, and remembers of which settings."""

    def __init__(self) -> None:
        self.of: list[LearnSettings] = []

    def __call__(self, settings: LearnSettings) -> RateLearner:
        self.of.append(settings)
        learner = RateLearner(settings.labels)
        learner.chain = f"{settings.model}/{settings.seed}"
        return learner


def never() -> RateLearner:
    raise AssertionError("the log says what to learn with")


def finish(logs: MemoryLogs, folder: Path, plan: Plan = PLAN) -> Manifest:
    store = VersionStore(folder)
    plan = replace(plan, until_end=True)
    list(train(logs, store, never, plan=plan, clock=itertools.count(1000).__next__, make=Made()))
    return max(store.manifests(), key=lambda m: (m.examples, m.version))


def content(manifest: Manifest) -> tuple[object, ...]:
    return manifest.digest, manifest.positions, manifest.examples, manifest.steps, manifest.config


@pytest.mark.parametrize("settings", CHANGES)
@pytest.mark.parametrize("seed", range(2))
def test_a_line_seen_after_the_batches_gives_the_bytes_of_one_seen_before(
    seed: int, settings: LearnSettings, tmp_path: Path
) -> None:
    logs = MemoryLogs()
    fill(logs, seed)
    configure(logs, BASE)
    live = train(logs, VersionStore(tmp_path / "late"), never, plan=PLAN, clock=itertools.count().__next__, make=Made())
    while not next(live).idle:
        pass
    fill(logs, seed, lineage_of=configure(logs, settings, START))
    while not next(live).idle:
        pass
    late = finish(logs, tmp_path / "late")
    assert content(late) == content(finish(logs_of(seed, (settings, START)), tmp_path / "before"))
    assert late.config == settings.digest


@pytest.mark.parametrize("seed", range(5))
def test_killed_over_two_changes_it_ends_with_the_same_bytes(seed: int, tmp_path: Path) -> None:
    r = random.Random(seed)
    later = {p: at + 30 for p, at in START.items()}
    logs = logs_of(seed, (r.choice(CHANGES), START), (r.choice([BASE, *CHANGES]), later))
    once = finish(logs, tmp_path / "once")
    store = VersionStore(tmp_path / "killed")
    for _ in range(8):
        run = train(logs, store, never, plan=PLAN, clock=itertools.count().__next__, make=Made())
        for _ in range(r.randrange(1, 30)):
            next(run)
    assert content(finish(logs, tmp_path / "killed")) == content(once)


def test_where_only_batches_change_what_was_learned_goes_on(tmp_path: Path) -> None:
    logs, made = logs_of(2, (SMALLER, START)), Made()
    plan = replace(PLAN, until_end=True)
    reports = list(train(logs, VersionStore(tmp_path), never, plan=plan, clock=itertools.count().__next__, make=made))
    assert made.of == [BASE]
    sizes = [report.rows for report in reports if report.rows]
    assert max(sizes) > 5 == max(sizes[len(sizes) // 2 :])


def test_where_the_model_changes_it_begins_anew_from_there_and_the_old_one_is_a_version(tmp_path: Path) -> None:
    logs, made = logs_of(2, (OTHER_MODEL, START)), Made()
    plan = replace(PLAN, until_end=True, commit_batches=10**6)
    reports = list(train(logs, VersionStore(tmp_path), never, plan=plan, clock=itertools.count().__next__, make=made))
    old, new = VersionStore(tmp_path).manifests()
    assert made.of == [BASE, OTHER_MODEL]
    assert (old.config, new.config) == (BASE.digest, OTHER_MODEL.digest)
    assert any(old.input[p] > START[p] for p in START)
    assert old.examples < new.examples == reports[-1].examples
    assert learner_of(tmp_path, new).rows_learned == new.examples - old.examples


def learner_of(folder: Path, manifest: Manifest) -> RateLearner:
    learner = RateLearner()
    learner.restore(VersionStore(folder).open(manifest.version) / "learned")
    return learner


def test_a_version_of_settings_that_no_line_says_is_refused(tmp_path: Path) -> None:
    logs = MemoryLogs()
    fill(logs, 3)
    configure(logs, OTHER_MODEL)
    finish(logs, tmp_path)
    with pytest.raises(OtherSettings, match="was made with settings"):
        finish(logs_of(3), tmp_path)


def test_settings_that_hold_a_digest_alone_are_told_apart(tmp_path: Path) -> None:
    logs = MemoryLogs()
    fill(logs, 3)
    DecisionLog(logs.open("decisions", 1)).decide(Decision("configure", 1, "ana", "", 0, settings={"learn": "c0ffee"}))
    with pytest.raises(OtherSettings, match="another version of Headrace"):
        finish(logs, tmp_path)
