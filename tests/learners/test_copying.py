"""What is copied a little at a time while it changes is, at its end, what a copy taken at that moment holds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from checkpoints.store import VersionStore
from learners import copying
from learners.keeping import ARRAYS, DOCUMENT
from learners.writing import WritesBehind
from tests.learners.joined_log import joined, logs_of
from tests.learners.lessons import forget, lesson, random_batch
from tests.learners.row_lives import NAMES, TERMS, at, fresh, unlike_any
from tests.learners.test_guarded_deltas import Line as Guarded
from tests.learners.test_versioning import PLAN, counted, end, run, stop

TERMS_OF: list[dict[str, Any]] = [TERMS, {}, {"ttl": 30}]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of a few lines, so that small learners have many."""
    for name, lines in (("SLICE", 11), ("TEXTS", 5), ("FEW", 8)):
        monkeypatch.setattr(copying, name, lines)


def learn(learner: Any, number: int, random: np.random.Generator) -> None:
    told = list(random_batch(number, rows=12).examples)
    told += [unlike_any(f"{number}.{n}") for n in range(int(random.integers(4)))]
    told += [forget(f"user{int(random.integers(20))}") for _ in range(int(random.integers(3)))]
    if random.random() < 0.1:
        told.append(lesson("spoilt", weight=float("nan")))
    learner.learn(at(10 * number, *told))


def begun(learner: Any, since: Any = None) -> Callable[[], bool]:
    """It copies ahead from here on."""
    go_on = learner.ahead(since)
    assert go_on is not None
    return cast(Callable[[], bool], go_on)


def is_equal(one: Path, other: Path) -> None:
    """Byte for byte."""
    for name in (ARRAYS, DOCUMENT):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_learned_meanwhile_the_bytes_are_those_of_the_moment(seed: int, name: str, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    learner = fresh(TERMS_OF[seed % 3], name)
    for number in range(6):
        learn(learner, number, random)
    go_on = begun(learner)
    number, short = 6, 0
    while not short and number < 60:
        for _ in range(int(random.integers(1, 30))):
            short += go_on()
        learn(learner, number, random)
        number += 1
    learner.snapshot(tmp_path / "now")
    taken, wanted = learner.gather(None), learner.digest()
    learn(learner, number, random)
    taken.write(tmp_path / "copied", None)
    is_equal(tmp_path / "copied", tmp_path / "now")
    assert taken.digest() == wanted
    assert learner.ahead(taken.mark) is None
    learner.gather(taken.mark).write(tmp_path / "after", 1)
    again = fresh(TERMS_OF[seed % 3], name)
    again.restore(tmp_path / "copied", tmp_path / "after")
    assert again.digest() == learner.digest()


def test_a_user_who_is_forgotten_meanwhile_is_in_no_byte_of_it(tmp_path: Path) -> None:
    learner = fresh()
    learner.learn(at(10, lesson("someone in particular"), *random_batch(1).examples))
    go_on = begun(learner)
    while not go_on():
        pass
    learner.learn(at(20, forget("someone in particular")))
    learner.gather(None).write(tmp_path, None)
    assert b"in particular" not in (tmp_path / ARRAYS).read_bytes()


def test_a_copy_that_was_begun_holds_nothing_up_where_only_changes_are_asked_for(tmp_path: Path) -> None:
    learner, random = fresh(), np.random.default_rng(1)
    learn(learner, 0, random)
    (first := learner.gather(None)).write(tmp_path / "1", None)
    go_on = begun(learner)
    go_on()
    learn(learner, 1, random)
    (second := learner.gather(first.mark)).write(tmp_path / "2", 1)
    assert not second.whole
    learn(learner, 2, random)
    learner.snapshot(tmp_path / "now")
    (third := learner.gather(None)).write(tmp_path / "3", None)
    is_equal(tmp_path / "3", tmp_path / "now")
    assert third.digest() == learner.digest()


def test_lines_that_change_as_fast_as_they_are_copied_hold_no_version_up_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(copying, "SLICE", 60)
    learner, random = fresh(), np.random.default_rng(2)
    for number in range(4):
        learn(learner, number, random)
    go_on = begun(learner)
    for number in range(4, 400):
        if go_on():
            return
        learn(learner, number, random)
    raise AssertionError("it never came")


def test_it_knows_about_how_large_it_is(tmp_path: Path) -> None:
    learner = fresh()
    for number in range(4):
        learner.learn(at(10 * number, *random_batch(number).examples))
    learner.snapshot(tmp_path)
    assert 0.5 < learner.bulk / (tmp_path / ARRAYS).stat().st_size < 1


def test_a_new_shadow_and_one_that_took_over_are_copied_ahead(tmp_path: Path) -> None:
    line = Guarded(tmp_path)
    line.learn(0)
    line.commit()
    assert line.learner.ahead(line._mark) is None
    line.hold(3)
    line.learn(1, 3)
    go_on = begun(line.learner, line._mark)
    number = 2
    while not go_on():
        line.learn(number, 3)
        number += 1
    assert not line.commit()
    hold: Any = line.learner._holds.pop(3)
    line.learner.live = hold.shadow
    go_on = begun(line.learner, line._mark)
    while not go_on():
        line.learn(number)
        number += 1
    assert line.commit()


def test_versions_by_the_clock_are_copied_ahead_and_killed_anywhere_the_next_life_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLICE", "TEXTS", "FEW"):
        monkeypatch.setattr(copying, name, 10_000)
    logs = logs_of(joined(visits=40))
    wanted = end(run(logs, tmp_path / "counted", replace(PLAN, chain=0)), tmp_path / "counted")
    plan = replace(PLAN, commit_batches=0, commit_ms=1, chain=2)
    steps = sum(turn.learned is not None for turn in run(logs, tmp_path / "all", plan))
    versions = VersionStore(tmp_path / "all").manifests()
    assert end(iter(()), tmp_path / "all") == wanted
    assert 1 < sum(m.base is None for m in versions) < len(versions) < steps - 4, "whole ones took several turns"
    total = counted(monkeypatch, run(logs, tmp_path / "once more", plan), -1, stop)
    for behind in (False, True):
        for at_change in range(int(behind), total, 31):
            folder = tmp_path / f"{behind}{at_change}"
            life = run(logs, folder, plan, WritesBehind() if behind else None)
            counted(monkeypatch, life, at_change, stop)
            assert end(run(logs, folder, plan), folder) == wanted, f"killed ahead of change {at_change}"
            shutil.rmtree(folder)
