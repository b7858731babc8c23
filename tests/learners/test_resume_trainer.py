"""The trainer with the default learner, killed at fifty random points of a log of several partitions: every version
that it ever makes is the one that an undisturbed run has there, and so is all that follows from it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from learners.committing import Committed
from learners.keeping import kept
from learners.learner import Learner
from learners.plan import Plan
from learners.trainer import Trainer
from streams.log import MemoryLogs
from tests.learners.joined_log import COME_AND_GO, PARTITIONS, STAY, Frames, fresh, joined, logs_of, trainer_of

POINTS, FURTHER = 50, 12
SELDOM = Plan(partitions=PARTITIONS, bucket_ms=4_000, batch_size=16, commit_batches=10**6)
TO_THE_END = replace(SELDOM, commit_batches=1, until_end=True)


class Made:
    """Makes learners, and remembers the last one."""

    def __init__(self, terms: Mapping[str, Any]) -> None:
        self.terms = terms
        self.last = fresh(terms)

    def __call__(self) -> Learner:
        self.last = fresh(self.terms)
        return self.last


@dataclass(frozen=True)
class Undisturbed:
    """What a trainer is at each of its batch ends, by how many examples it has learned."""

    terms: Mapping[str, Any]
    states: dict[int, tuple[object, ...]]


def state(trainer: Trainer, learner: Learner) -> tuple[object, ...]:
    """All that a version says of what was learned so far."""
    told = trainer.report()
    figures = [(told[label]["n"], told[label]["auc"]) for label in learner.labels]
    return learner.digest(), trainer.done.steps, trainer.done.input, figures


def content(manifest: Manifest, labels: tuple[str, ...]) -> tuple[object, ...]:
    figures = [(manifest.metrics[label]["n"], manifest.metrics[label]["auc"]) for label in labels]
    return manifest.digest, manifest.steps, manifest.input, figures


def die(trainer: Trainer, *, steps: int, effects: int) -> None:
    """Run until so many steps are done and so many effects after them, or to the end."""
    while not trainer.done.ended:
        for _ in trainer.effects():
            effects -= trainer.done.steps >= steps
            if effects < 0:
                return


class Late:
    """A writer that is asked some times before it begins; with waiting, at once."""

    def __init__(self, times: int) -> None:
        self._times, self._asked = times, 0
        self._work: Callable[[], Committed] | None = None

    @property
    def busy(self) -> bool:
        return self._work is not None

    def begin(self, work: Callable[[], Committed]) -> None:
        self._work, self._asked = work, 0

    def ended(self, *, wait: bool) -> Committed | None:
        self._asked += 1
        if self._work is None or not (wait or self._asked > self._times):
            return None
        work, self._work = self._work, None
        return work()


def rows_of(store: VersionStore, version: int) -> set[tuple[int, int]]:
    """The ids that have a row in a version."""
    arrays, _ = kept(*(folder / "learned" for folder in store.chain(version)))
    return set(zip(arrays["ids.space"].tolist(), arrays["ids.key"].tolist(), strict=True))


@pytest.fixture(scope="module")
def frames() -> Frames:
    return joined()


@pytest.fixture(scope="module", params=[STAY, COME_AND_GO], ids=["rows stay", "rows come and go"])
def whole(request: pytest.FixtureRequest, frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    made, states, refused = Made(request.param), {}, 0
    trainer = trainer_of(logs_of(frames), None, SELDOM, made)
    while not trainer.turn().idle:
        if trainer.done.learned:
            states[trainer.done.examples] = state(trainer, made.last)
        refused += trainer.done.refused
    kinds = {row.kind for ones in frames for frame in ones for row in frame.rows}
    assert kinds == {"label", "correction", "organic", "item", "forget"}
    assert refused > 0
    assert len(states) > 2 * POINTS
    return Undisturbed(request.param, states)


@pytest.fixture(scope="module")
def killed(
    frames: Frames, whole: Undisturbed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[MemoryLogs, VersionStore]:
    """A log, and the versions of the trainers that died at fifty points of it, each at an effect of its own, and of
    the last, which lived. Some write whole versions, some chains; some have them written behind their back, and die
    before that was done."""
    logs, folder, random, made = logs_of(frames), tmp_path_factory.mktemp("killed"), Random(1), Made(whole.terms)
    for point in sorted(random.sample(range(1, 2 * POINTS), POINTS)):
        plan = replace(TO_THE_END, commit_batches=random.choice((1, 1, 2, 3)), read_frames=random.choice((1, 2, 9)))
        plan = replace(plan, chain=random.choice((0, 2, 5)))
        writer = Late(random.randrange(1, 4)) if random.random() < 0.5 else None
        die(trainer_of(logs, folder, plan, made, writer), steps=point, effects=random.randrange(1, 9))
    trainer = trainer_of(logs, folder, TO_THE_END, made)
    while not trainer.turn().ended:
        pass
    return logs, VersionStore(folder)


def test_killed_at_fifty_random_points_each_version_is_that_of_an_undisturbed_run(
    whole: Undisturbed, killed: tuple[MemoryLogs, VersionStore]
) -> None:
    labels, versions = fresh().labels, killed[1].manifests()
    for manifest in versions:
        assert content(manifest, labels) == whole.states[manifest.examples], f"version {manifest.version}"
    assert versions[-1].examples == max(whole.states)
    assert len(versions) >= POINTS


def test_from_fifty_random_versions_on_it_learns_the_same(
    whole: Undisturbed, killed: tuple[MemoryLogs, VersionStore], tmp_path: Path
) -> None:
    (logs, store), made = killed, Made(whole.terms)
    good = [manifest for manifest in store.manifests()[:-1] if manifest.verdict == "pass"]
    for manifest in Random(2).sample(good, POINTS):
        alone = VersionStore(tmp_path / str(manifest.version))
        for link in store.links(manifest.version):
            shutil.copytree(store.folder(link.version), alone.folder(link.version))
        trainer = trainer_of(logs, alone.root, replace(SELDOM, read_frames=1 + manifest.version % 20), made)
        assert trainer.turn().restored == manifest.version
        while trainer.done.steps < manifest.steps + FURTHER and not trainer.turn().idle:
            pass
        assert trainer.done.steps > manifest.steps
        assert state(trainer, made.last) == whole.states[trainer.done.examples]


def test_most_versions_stand_on_others(killed: tuple[MemoryLogs, VersionStore]) -> None:
    store = killed[1]
    lengths = [len(store.links(manifest.version)) for manifest in store.manifests()]
    assert max(lengths) == 5
    assert sum(length > 1 for length in lengths) > len(lengths) / 4


def test_ids_came_and_went_meanwhile(whole: Undisturbed, killed: tuple[MemoryLogs, VersionStore]) -> None:
    store = killed[1]
    rows = [rows_of(store, manifest.version) for manifest in store.manifests()]
    gone = [len(before - after) for before, after in itertools.pairwise(rows)]
    assert (sum(gone) > 30) == bool(whole.terms)
    assert max(map(len, rows)) > 30
