"""A version that an earlier release committed opens, foresees what it foresaw, and is gone on from.

`versions/NAME.tar.xz` holds one as it lay on the disk, the log of examples that it was learned from, and what that
release foresaw of the next batches. None is ever made anew: a release that writes others adds one of its own.
"""

from __future__ import annotations

import itertools
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from checkpoints.store import VersionStore
from learners.learned_state import State, States
from learners.plan import Plan
from learners.trainer import Trainer
from serving.scorer import Scorer
from streams.decisions import Decisions
from streams.log import Log, MemoryLogs
from tests.learners.joined_log import COME_AND_GO, PARTITIONS, fresh

KEPT = Path(__file__).parent / "versions"
NAMES = sorted(path.name for path in KEPT.glob("*.tar.xz"))
PLAN = Plan(
    partitions=PARTITIONS, bucket_ms=4_000, batch_size=16, commit_batches=4, until_end=True, config="golden",
    challenge_every=4, publish=False,
)  # fmt: skip
BATCHES = 6


class Left:
    """What a release left."""

    def __init__(self, name: str, folder: Path) -> None:
        with tarfile.open(KEPT / name) as packed:
            packed.extractall(folder, filter="data")
        self.told: dict[str, Any] = json.loads((folder / "told.json").read_text())
        self.store, self.logs = VersionStore(folder / "versions"), MemoryLogs()
        for p, frames in enumerate(json.loads((folder / "examples.json").read_text())):
            self.examples.append(p, [bytes.fromhex(frame) for frame in frames], at=0)

    @property
    def examples(self) -> Log:
        return self.logs.open("examples", PARTITIONS)

    def state(self) -> State:
        return States(Decisions(), self.store, lambda: fresh(COME_AND_GO), PLAN, None).newest(self.examples)


@pytest.fixture(params=NAMES)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Left:
    return Left(request.param, tmp_path)


def test_it_opens_and_foresees_what_it_foresaw(left: Left) -> None:
    state = left.state()
    assert [state.version, state.examples, state.steps] == [
        left.told[name] for name in ("version", "examples", "steps")
    ]
    found, decided = [], []
    for _ in range(BATCHES):
        while (batch := state.ordering.cut()) is None:
            partition, offset = state.ordering.wanted()
            state.ordering.feed(partition, left.examples.read(partition, offset, 100))
        scores = state.learner.score(batch)
        state.ordering.advance(batch)
        found += scores.probability_BL.tolist()
        decided += scores.decided_BL.tolist()
    assert decided == left.told["decided"]
    mask = np.array(decided)
    assert mask.sum() > 10
    np.testing.assert_allclose(np.array(found)[mask], np.array(left.told["probability"])[mask], rtol=2e-5)


def test_learning_goes_on_from_it(left: Left) -> None:
    trainer = Trainer(left.logs, left.store, lambda: fresh(COME_AND_GO), plan=PLAN, clock=itertools.count().__next__)
    while not trainer.done.ended:
        trainer.turn()
    newest = left.store.manifests()[-1]
    assert newest.version > left.told["version"]
    assert newest.examples > left.told["examples"]
    line = {m.version: m.parent for m in left.store.manifests()}
    at = newest.version
    while line[at] in line:
        at = line[at]  # type: ignore[assignment]
    assert at == left.told["version"], "nothing was learned twice"
    left.store.chain(newest.version)


def test_it_can_be_served(left: Left) -> None:
    scorer = Scorer.open(left.store.open(left.told["version"]) / "serving")
    assert scorer.tower_version == left.told["version"]
    assert len(scorer.item_ids) == len(scorer.item_vectors) > 0
    assert np.isfinite(scorer.item_vectors).all()


def test_a_version_of_other_settings_is_none_to_go_on_from(left: Left) -> None:
    """Broken on purpose: the test above proves something only where versions can be refused."""
    plan = replace(PLAN, config="others")
    with pytest.raises(Exception, match="made with settings golden"):
        States(Decisions(), left.store, lambda: fresh(COME_AND_GO), plan, None).newest(left.examples)
