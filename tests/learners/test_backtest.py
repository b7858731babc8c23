"""The trainer over a replay: the same as over a log, and gone on from any version."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkpoints.store import VersionStore
from learners.backtest import Frames, ReplayedLog, ReplayedLogs, report_of, to_the_end
from learners.plan import Plan
from learners.trainer import Trainer
from streams.examples import ExampleFrame
from tests.learners.frames import frames_of, rows_of
from tests.learners.rate_learner import RateLearner

PLAN = to_the_end(Plan(partitions=2, bucket_ms=500, batch_size=16, commit_batches=2))


def frames(seed: int) -> Frames:
    """Frames of two partitions, mingled as a replay would."""
    parts = [iter(frames_of(rows_of(seed, p, 150), random.Random(seed + p))) for p in range(2)]
    return _mingled(parts, random.Random(seed))


def _mingled(parts: list[Iterator[ExampleFrame]], r: random.Random) -> Frames:
    left = {0, 1}
    while left:
        p = r.choice(sorted(left))
        frame = next(parts[p], None)
        if frame is None:
            left.discard(p)
        else:
            yield p, frame


def trainer(seed: int, store: VersionStore | None) -> Trainer:
    log = ReplayedLog(frames(seed), partitions=2, bucket_ms=PLAN.bucket_ms)
    return Trainer(ReplayedLogs(log), store, RateLearner, plan=PLAN, clock=lambda: 0)


def finished(run: Trainer) -> Trainer:
    while not run.turn().ended:
        pass
    return run


@pytest.mark.parametrize("seed", range(4))
def test_every_row_is_learned_also_those_of_the_last_bucket(seed: int) -> None:
    assert finished(trainer(seed, None)).impressions == 300


def test_a_killed_backtest_goes_on_to_the_same_digest(tmp_path: Path) -> None:
    once, killed = VersionStore(tmp_path / "once"), VersionStore(tmp_path / "killed")
    finished(trainer(3, once))
    r = random.Random(3)
    for _ in range(5):
        run = trainer(3, killed)
        for _ in range(r.randrange(20, 120)):
            run.turn()
    last = finished(trainer(3, killed))
    assert last.impressions == 300
    wanted = once.manifests()[-1]
    assert (wanted.examples, wanted.digest) in {(m.examples, m.digest) for m in killed.manifests()}
    assert max(m.examples for m in killed.manifests()) == wanted.examples


def test_a_finished_backtest_has_nothing_left_to_do(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    finished(trainer(3, store))
    before = len(store.manifests())
    again = finished(trainer(3, store))
    assert (again.impressions, len(store.manifests())) == (300, before)


def test_without_a_store_nothing_is_kept(tmp_path: Path) -> None:
    finished(trainer(1, None))
    assert not list(tmp_path.iterdir())


def test_the_report_names_its_protocol_and_counts_what_this_run_learned(tmp_path: Path) -> None:
    run = finished(trainer(1, None))
    report = report_of(run, PLAN, seconds=2.0, learned=100, seed=7)
    assert (report["rows"], report["rows_per_second"], report["seed"]) == (300, 50.0, 7)
    assert "progressive" in report["protocol"]
    assert {"auc", "log_loss", "ne", "calibration", "ece", "n"} <= report["labels"]["click"].keys()


def test_a_replayed_topic_is_written_by_its_replay_alone() -> None:
    log = ReplayedLog(frames(1), partitions=2, bucket_ms=1)
    with pytest.raises(NotImplementedError):
        log.append(0, [b""], at=0)
    assert (log.begin(0), log.offset_at(0, 9)) == (0, 0)
    log.close()
    ReplayedLogs(log).close()
