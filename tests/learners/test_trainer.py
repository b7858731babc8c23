"""The trainer: the same bytes however it was stopped, published only as far as decisions allow."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import msgspec
import pytest

from checkpoints.store import VersionStore
from learners.errors import OtherSettings
from learners.plan import Plan
from learners.trainer import Trainer, train
from streams.decisions import Decision, DecisionLog
from streams.examples import Row, encode
from streams.log import MemoryLogs
from tests.learners.frames import frames_of, rows_of
from tests.learners.rate_learner import RateLearner
from tests.learners.small_training import PARTITIONS, PLAN, TO_THE_END, content, decide, logs_of, ticking, whole


@pytest.mark.parametrize("seed", range(10))
def test_killed_five_times_it_ends_with_the_same_bytes(seed: int, tmp_path: Path) -> None:
    logs, r = logs_of(seed), random.Random(seed)
    whole(logs, tmp_path / "once")
    store = VersionStore(tmp_path / "killed")
    for _ in range(5):
        run = train(logs, store, RateLearner, plan=PLAN, clock=ticking())
        for _ in range(r.randrange(1, 30)):
            next(run)
        del run
    whole(logs, tmp_path / "killed")
    once, killed = VersionStore(tmp_path / "once").manifests()[-1], store.manifests()[-1]
    assert content(killed) == content(once)


def test_from_fifty_random_versions_on_it_comes_to_the_same_digest(tmp_path: Path) -> None:
    logs = logs_of(3, rows=400)
    every_batch = Plan(partitions=PARTITIONS, bucket_ms=500, batch_size=16, commit_batches=1, until_end=True)
    seldom = Plan(partitions=PARTITIONS, bucket_ms=500, batch_size=16, commit_batches=10**6, until_end=True)
    whole(logs, tmp_path / "all", every_batch)
    store = VersionStore(tmp_path / "all")
    versions = store.manifests()
    for manifest in random.Random(1).sample(versions[:-1], 50):
        alone = VersionStore(tmp_path / f"from{manifest.version}")
        shutil.copytree(store.folder(manifest.version), alone.folder(manifest.version))
        assert whole(logs, alone.root, seldom)[0].restored == manifest.version
        assert content(alone.manifests()[-1]) == content(versions[-1])


class Killed(Exception):
    """A death between two effects."""


@pytest.mark.parametrize(
    ("place", "odds"), [("snapshot", 0.4), ("export", 0.4), ("digest", 0.4), ("learn", 0.08), ("score", 0.08)]
)
def test_a_death_inside_a_turn_loses_nothing(place: str, odds: float, tmp_path: Path) -> None:
    logs = logs_of(5)
    whole(logs, tmp_path / "once")
    store, r, deaths = VersionStore(tmp_path / "killed"), random.Random(place), 0

    class Dying(RateLearner):
        def __getattribute__(self, name: str) -> object:
            if name == place and r.random() < odds:
                raise Killed
            return object.__getattribute__(self, name)

    while True:
        try:
            reports = list(train(logs, store, Dying, plan=TO_THE_END, clock=ticking()))
            break
        except Killed:
            deaths += 1
    assert deaths
    assert reports[-1].ended
    assert content(store.manifests()[-1]) == content(VersionStore(tmp_path / "once").manifests()[-1])


def test_the_cadence_of_commits_does_not_show_in_what_is_learned(tmp_path: Path) -> None:
    logs = logs_of(9)
    often = Plan(partitions=PARTITIONS, bucket_ms=500, batch_size=16, commit_ms=1, until_end=True)
    seldom = Plan(partitions=PARTITIONS, bucket_ms=500, batch_size=16, commit_ms=10**9, until_end=True)
    first, second = whole(logs, tmp_path / "often", often), whole(logs, tmp_path / "seldom", seldom)
    assert first[-1].steps == second[-1].steps
    assert len(VersionStore(tmp_path / "seldom").manifests()) == 1
    assert (
        VersionStore(tmp_path / "often").manifests()[-1].digest
        == VersionStore(tmp_path / "seldom").manifests()[-1].digest
    )


def test_each_version_is_published_with_its_input_positions(tmp_path: Path) -> None:
    logs = logs_of(2)
    committed = [report.committed for report in whole(logs, tmp_path) if report.committed]
    lines = DecisionLog(logs.open("decisions", 1)).follow()
    assert [(line.kind, line.version, line.input) for line in lines] == [
        ("publish", manifest.version, manifest.input) for manifest in committed
    ]


def test_while_paused_it_commits_and_publishes_nothing(tmp_path: Path) -> None:
    logs = logs_of(2)
    decide(logs, Decision("pause", at=1, who="ana", why="looking", seen=0))
    reports = whole(logs, tmp_path)
    assert any(report.committed for report in reports)
    assert not any(report.published for report in reports)


def test_a_replay_ends_on_a_quiet_log_too(tmp_path: Path) -> None:
    """What is learned and committed already is published again, once nothing up to the line is left to learn."""
    logs, store = logs_of(5), VersionStore(tmp_path)
    trainer = Trainer(logs, store, RateLearner, plan=PLAN, clock=ticking())
    while not trainer.turn().idle:
        pass
    reached, input = trainer.done.reached, trainer.done.input
    assert any(reached[p] > input[p] for p in input), "positions alone stand still on a quiet log"
    whole(logs, tmp_path)
    newest, seen = store.manifests()[-1], DecisionLog(logs.open("decisions", 1))
    seen.follow()
    back = Decision("rollback", 1, "ana", "", seen=seen.fold.position, version=1, input=store.manifest(1).input)
    decide(logs, msgspec.structs.replace(back, until={p: offset + 1 for p, offset in reached.items()}))
    again = Trainer(logs, store, RateLearner, plan=PLAN, clock=ticking())
    assert not any(again.turn().published for _ in range(200)), "one frame is missing"
    decide(logs, msgspec.structs.replace(back, until=reached))
    assert any(again.turn().published for _ in range(3))
    seen.follow()
    assert (seen.fold.lines[-1].version, seen.fold.lines[-1].until) == (newest.version, reached)


def test_a_damaged_version_is_passed_over(tmp_path: Path) -> None:
    logs = logs_of(6)
    whole(logs, tmp_path)
    store = VersionStore(tmp_path)
    last, before = store.manifests()[-1], store.manifests()[-2]
    (store.folder(last.version) / "learned" / "rates.json").write_text("[]")
    reports = whole(logs, tmp_path)
    assert reports[0].restored == before.version
    assert content(store.manifests()[-1]) == content(last)


def test_a_version_of_other_settings_is_refused_with_the_way_out(tmp_path: Path) -> None:
    logs = logs_of(6)
    whole(logs, tmp_path)
    other = Plan(partitions=PARTITIONS, config="feed", until_end=True)
    with pytest.raises(OtherSettings, match="made with settings none, today's are feed"):
        whole(logs, tmp_path, other)


def test_a_batch_that_is_not_finite_is_passed_and_changes_nothing(tmp_path: Path) -> None:
    logs = MemoryLogs()
    rows = [(w, _broken(row) if row.sequence == 70 else row) for w, row in rows_of(8, 0, 120)]
    frames = frames_of(rows, random.Random(8))
    logs.open("examples", 1).append(0, [encode(frame) for frame in frames], at=0)
    reports = whole(logs, tmp_path, Plan(partitions=1, bucket_ms=10**6, batch_size=16, until_end=True))
    learned = [report.learned for report in reports if report.learned]
    assert [done.finite for done in learned].count(False) == 1
    assert sum(done.rows for done in learned) == reports[-1].examples - 16


def _broken(row: Row) -> Row:
    return msgspec.structs.replace(row, labels={"click": float("nan")})


def test_versions_of_scores_that_are_never_finite_fail_and_are_not_published(tmp_path: Path) -> None:
    class Poisoned(RateLearner):
        def _rate(self, item_id: str, label: str) -> float:
            return float("nan")

    logs = logs_of(2)
    reports = list(train(logs, VersionStore(tmp_path), Poisoned, plan=TO_THE_END, clock=ticking()))
    verdicts = {report.committed.verdict for report in reports if report.committed}
    assert (verdicts, any(report.published for report in reports)) == ({"fail"}, False)


def test_the_figures_go_on_over_a_restart(tmp_path: Path) -> None:
    logs = logs_of(7)
    once = Trainer(logs, VersionStore(tmp_path / "once"), RateLearner, plan=TO_THE_END, clock=ticking())
    while not once.turn().ended:
        pass
    first = Trainer(logs, VersionStore(tmp_path / "twice"), RateLearner, plan=PLAN, clock=ticking())
    while not first.turn().committed:
        pass
    second = Trainer(logs, VersionStore(tmp_path / "twice"), RateLearner, plan=TO_THE_END, clock=ticking())
    while not second.turn().ended:
        pass
    assert second.impressions == once.impressions > 0
    assert second.report()["click"]["auc"] == once.report()["click"]["auc"]
    assert second.report()["click"]["log_loss"] == pytest.approx(once.report()["click"]["log_loss"])


def test_it_learns_the_rule_of_its_world(tmp_path: Path) -> None:
    trainer = Trainer(logs_of(1, rows=900), VersionStore(tmp_path), RateLearner, plan=TO_THE_END, clock=ticking())
    while not trainer.turn().ended:
        pass
    click = trainer.report()["click"]
    assert click["auc"] > 0.8
    assert click["ne"] < 0.75
