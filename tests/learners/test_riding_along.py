"""Challengers, frozen copies and alarms beside a trainer: they outlive its death byte for byte, and never stop it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkpoints.store import VersionStore
from learners.challengers import LIVE
from learners.frozen_copies import FrozenCopies
from learners.learner import Learner, Scores
from learners.ordering import Batch, Example
from learners.plan import Plan, Trained
from learners.riding_along import COPIES, RIVALS, STATE, RidingAlong
from learners.river_linear import RiverFtrl
from learners.trainer import train
from streams.examples import Row, Shot
from tests.learners import row_lives
from tests.learners.lessons import forget, lesson, random_batch
from tests.learners.rate_learner import RateLearner
from tests.learners.small_training import PARTITIONS, logs_of, ticking

PLAN = Plan(
    partitions=PARTITIONS, bucket_ms=500, batch_size=16, commit_batches=3, read_frames=4,
    challenge_every=2, largest_copy=1 << 20, until_end=True,
)  # fmt: skip
AGES = {"young": 700, "old": 2_500}


@pytest.fixture(autouse=True)
def _short_ages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log spans seconds, not days; and copies of so small a model cost nothing."""
    monkeypatch.setattr(FrozenCopies.__init__, "__defaults__", (AGES,))
    monkeypatch.setitem(FrozenCopies.__init__.__kwdefaults__, "row", 1 << 30)


def run(folder: Path, *, kills: int = 0, make: Callable[[], Learner] = RateLearner) -> list[Trained]:
    logs, store, r = logs_of(4, rows=200), VersionStore(folder), random.Random(kills)
    for _ in range(kills):
        begun = train(logs, store, make, plan=replace(PLAN, until_end=False), clock=ticking())
        for _ in range(r.randrange(3, 20)):
            next(begun)
    return list(train(logs, store, make, plan=PLAN, clock=ticking()))


def kept(folder: Path) -> dict[int, dict[str, bytes]]:
    """What each version says of the challengers, by how many examples were learned."""
    store = VersionStore(folder)
    found = {}
    for manifest in store.manifests():
        place = store.folder(manifest.version)
        with np.load(place / STATE, allow_pickle=False) as arrays:
            told = {name: array.tobytes() for name, array in arrays.items() if "since" not in name}
        told |= {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.glob("frozen/*/*"))}
        found[manifest.examples] = told | {"drift": repr(manifest.metrics["click"]["drift"]).encode()}
    return found


def test_killed_and_resumed_its_challengers_and_copies_have_the_same_bytes(tmp_path: Path) -> None:
    run(tmp_path / "once")
    run(tmp_path / "killed", kills=5)
    once, killed = kept(tmp_path / "once"), kept(tmp_path / "killed")
    last = max(once)
    assert once[last] == killed[last]
    assert {name.split("/")[1] for name in once[last] if name.startswith("frozen/")} == {"0", "1"}
    assert len(set(once) & set(killed)) > 3
    for examples in set(once) & set(killed):
        assert once[examples] == killed[examples]


def test_the_table_names_everyone_with_a_verdict(tmp_path: Path) -> None:
    last = [turn for turn in run(tmp_path) if turn.challengers][-1]
    assert last.challengers is not None
    assert last.challenger is not None
    lines = {line["name"]: line for line in last.challengers["table"]}
    assert lines.keys() == {LIVE, "river ftrl", "popularity", *AGES}
    assert all(("verdict" in line) != (name == LIVE) for name, line in lines.items())
    assert last.challenger["young"]["n"] == lines["young"]["n"] > lines["old"]["n"] > 0
    assert last.drift_alarms == 0


def test_challengers_change_nothing_that_is_learned(tmp_path: Path) -> None:
    run(tmp_path / "with")
    plain = replace(PLAN, challenge_every=0)
    list(train(logs_of(4, rows=200), VersionStore(tmp_path / "without"), RateLearner, plan=plain, clock=ticking()))
    ends = [VersionStore(tmp_path / name).manifests()[-1] for name in ("with", "without")]
    assert ends[0].digest == ends[1].digest


class Broken(Exception):
    """Something nobody thought of."""


def test_a_challenger_that_errs_is_out_and_the_trainer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = itertools.count()

    def score(self: RiverFtrl, rows: list[list[str]]) -> np.ndarray:
        if next(calls) > 4:
            raise Broken("no more")
        return np.full(len(rows), 0.5)

    monkeypatch.setattr(RiverFtrl, "score", score)
    turns = run(tmp_path)
    assert turns[-1].ended
    table = {line["name"]: line for turn in turns if turn.challengers for line in turn.challengers["table"]}
    assert table["river ftrl"]["verdict"] == "out: Broken: no more"
    assert table["popularity"]["n"] == table[LIVE]["n"] > table["river ftrl"]["n"] > 0


@pytest.mark.parametrize(("place", "name"), [("_renew", COPIES), ("_meet", RIVALS), ("_compare", COPIES)])
def test_whatever_errs_the_trainer_goes_on(
    place: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(*_: object) -> None:
        raise Broken("no more")

    monkeypatch.setattr(RidingAlong, place, act)
    turns = run(tmp_path)
    assert turns[-1].ended
    table = [turn.challengers["table"] for turn in turns if turn.challengers][-1]
    assert {line["name"]: line["verdict"] for line in table if line.get("verdict", "").startswith("out")} == {
        name: "out: Broken: no more"
    }


def test_a_state_that_cannot_be_read_begins_anew_and_says_so(tmp_path: Path) -> None:
    riding = RidingAlong("click")
    (tmp_path / STATE).write_bytes(b"half a file")
    riding.restore(tmp_path)
    assert riding.table()[-1]["verdict"].startswith("out: ")
    assert riding.challengers.table()[0]["n"] == 0


def example(user: str, at: int, kind: str = "label") -> Example:
    name = user if kind == "forget" else f"{user}-{at}"
    shot = None if kind == "forget" else Shot(user, at, surface="home")
    return Example(Row(at, at, kind, name, {"click": float(at % 2)}, item_id="tea", first=True), shot, None, 0)  # type: ignore[arg-type]


def see(riding: RidingAlong, learner: Learner, *examples: Example) -> Scores:
    batch = Batch(examples, 0)
    scores = learner.score(batch)
    learner.learn(batch)
    riding.see(batch, scores, learner)
    return scores


def test_a_model_larger_than_its_copies_may_be_has_none_and_says_so() -> None:
    riding = RidingAlong("click", every=1, frozen=FrozenCopies(RateLearner, {"young": 10}, largest=8))
    learner = RateLearner()
    for at in (5, 15, 25):
        see(riding, learner, example("ana", at))
    assert "may be 8" in riding.out[COPIES]
    assert riding.table()[-1]["name"] == COPIES


def test_a_model_that_knows_its_size_is_not_written_to_find_it_out() -> None:
    class Heavy(RateLearner):
        bulk = 100

        def snapshot(self, folder: Path) -> None:
            raise Broken("it took long")

    riding, learner = RidingAlong("click", every=1, frozen=FrozenCopies(Heavy, {"young": 10}, largest=99)), Heavy()
    for at in (5, 15):
        see(riding, learner, example("ana", at))
    assert "100 bytes, copies may be 99" in riding.out[COPIES]


def test_a_copy_is_taken_once_and_anew_where_someone_in_it_is_forgotten(tmp_path: Path) -> None:
    def make() -> Any:
        return row_lives.fresh(row_lives.TERMS)

    frozen, learner = FrozenCopies(make, {"young": 10}, row=1 << 30), make()
    for number in range(3):
        learner.learn(row_lives.at(10 * number, lesson("ana"), *random_batch(number, rows=20).examples))
        frozen.learned(learner, 10 * number + 5)
    assert frozen.ahead() is not None
    ((_, first),) = frozen.held()
    assert (frozen.ahead(), frozen.held()[0][1] is first) == (None, True)
    for name in ("0", "1"):
        first.write(tmp_path / name, None)
    again = FrozenCopies(make, {"young": 10})
    again.load(frozen.state(), tmp_path)
    for copies, place in ((frozen, "a"), (again, "b")):
        copies.forget(Batch((forget("ana"),), 0))
        assert copies.held()[0][1] is not first
        copies.held()[0][1].write(tmp_path / place, None)
    files = [{file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in "01ab"]
    assert files[0] == files[1] != files[2] == files[3]


def test_copies_wait_where_taking_one_costs_more_than_was_learned() -> None:
    frozen, learner = FrozenCopies(RateLearner, {"young": 10}, row=1), RateLearner()
    taken = []
    for at in range(0, 400, 10):
        learner.learn(Batch((example("ana", at),), 0))
        before = frozen.copies.get("young")
        frozen.learned(learner, at)
        taken.append(frozen.copies.get("young") is not before)
    assert taken.count(True) == 1
    frozen = FrozenCopies(RateLearner, {"young": 10}, row=1 << 30)
    for at in range(0, 400, 10):
        frozen.learned(learner, at)
    assert frozen.copies["young"].rows_learned == learner.rows_learned


def test_copies_stand_still_until_their_time_comes() -> None:
    riding = RidingAlong("click", every=1, frozen=FrozenCopies(RateLearner, {"young": 10}, row=1 << 30))
    learner, known = RateLearner(), []
    for at in (3, 9, 12, 19, 21):
        see(riding, learner, example("ana", at))
        copies = riding._frozen.copies if riding._frozen else {}
        known.append(copies["young"].rows_learned if copies else None)
    assert known == [None, None, 3, 3, 5]


def test_a_user_who_is_forgotten_is_in_no_challenger(tmp_path: Path) -> None:
    riding = RidingAlong("click", every=1)
    learner = RateLearner()
    see(riding, learner, example("ana", 5), example("bob", 6))
    assert b"user=ana" in riding.state()["river ftrl/learned/names"].tobytes()
    see(riding, learner, example("ana", 7, "forget"))
    names = riding.state()["river ftrl/learned/names"].tobytes()
    assert b"ana" not in names
    assert b"user=bob" in names


def test_after_a_change_of_settings_rows_are_told_by_the_new_ones() -> None:
    old, new = RidingAlong("click", every=1, context=("hour",)), RidingAlong("click", every=1, context=("day",))
    shot = Shot("ana", 5, context={"hour": 1.0, "day": 2.0})
    row = Example(Row(0, 5, "label", "e", {"click": 1.0}, item_id="tea"), shot, None, 0)
    see(old, learner := RateLearner(), row)
    new.carry(old)
    see(new, learner, row)
    names = new.state()["river ftrl/learned/names"].tobytes()
    assert b"hour=1" in names
    assert b"day=2" in names
    assert new.table()[0]["n"] == 2
