"""A trainer under a mask: it goes back to what is valid, learns again, and comes back to the bytes it had."""

from __future__ import annotations

import random
from pathlib import Path

from checkpoints.store import VersionStore
from learners.trainer import train
from streams.decisions import Decision, DecisionLog
from streams.examples import ExampleFrame, encode
from streams.mask import Entry
from tests.learners.frames import frames_of, rows_of
from tests.learners.rate_learner import RateLearner
from tests.learners.small_training import FAR, PARTITIONS, PLAN, decide, logs_of, ticking, whole


def test_a_quarantine_takes_it_back_to_the_newest_version_that_is_valid(tmp_path: Path) -> None:
    logs = logs_of(4)
    store = VersionStore(tmp_path / "live")
    run = train(logs, store, RateLearner, plan=PLAN, clock=ticking())
    while not next(run).idle:
        pass
    cut = store.manifests()[2].input
    decide(logs, Decision("mask", at=1, who="ana", why="bad", seen=0, add=(Entry("q", start=cut),)))
    restored = next(run).restored
    assert restored == store.manifests()[2].version


def test_under_a_quarantine_it_learns_the_frames_of_the_new_lineage(tmp_path: Path) -> None:
    logs = logs_of(4)
    run = train(logs, VersionStore(tmp_path / "live"), RateLearner, plan=PLAN, clock=ticking())
    while not next(run).idle:
        pass
    decide(logs, Decision("mask", at=1, who="ana", why="bad", seen=0, add=(Entry("q", start={0: 9, 1: FAR, 2: FAR}),)))
    log = DecisionLog(logs.open("decisions", 1))
    log.follow()
    masking, examples = log.fold.masking(), logs.open("examples", PARTITIONS)
    frames = frames_of(rows_of(4, 0, 120), random.Random(4))
    again = [_stamped(frame, masking.lineage(0, frame.input)) for frame in frames if frame.input >= 9]
    examples.append(0, [encode(frame) for frame in again], at=0)
    while not (last := next(run)).idle:
        pass
    twin = whole(logs_of(4), tmp_path / "twin")
    assert (last.examples, last.steps) == (twin[-1].examples, twin[-1].steps)


def _stamped(frame: ExampleFrame, lineage: str) -> ExampleFrame:
    return ExampleFrame(
        lineage, frame.input, frame.prev, frame.watermark, frame.config, frame.rows, frame.shots, frame.attributes
    )


def test_after_a_lift_it_comes_to_the_bytes_it_had(tmp_path: Path) -> None:
    logs = logs_of(4)
    store = VersionStore(tmp_path)
    whole(logs, tmp_path)
    newest = store.manifests()[-1]
    run = train(logs, store, RateLearner, plan=PLAN, clock=ticking())
    next(run)
    decide(logs, Decision("mask", at=1, who="ana", why="bad", seen=0, add=(Entry("q", start={0: 3, 1: FAR, 2: FAR}),)))
    assert next(run).restored == 0
    decide(logs, Decision("mask", at=2, who="ana", why="was good", seen=1, remove=("q",)))
    while not next(run).idle:
        pass
    assert whole(logs, tmp_path)[-1].examples == newest.examples
    chain = {(manifest.examples, manifest.steps, manifest.digest) for manifest in store.manifests()}
    assert len(chain) == len({examples for examples, _, _ in chain})
    assert len(store.manifests()) > len(chain)
