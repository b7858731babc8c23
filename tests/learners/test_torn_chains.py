"""A trainer that writes chains, beside someone who makes them short, someone who takes old versions away, deaths, and a
disk that tears files: what is learned in the end is what an undisturbed trainer learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from checkpoints.chain_plan import to_compact
from checkpoints.compaction import compact
from checkpoints.floors import Policy
from checkpoints.registry import Registry
from checkpoints.staying import Shelf, gone, stay
from checkpoints.store import VersionStore
from learners.plan import Plan
from learners.trainer import Trainer
from streams.decisions import DecisionLog
from tests.learners.joined_log import COME_AND_GO, PARTITIONS, Frames, fresh, joined, logs_of

CHAIN = 6
PLAN = Plan(
    partitions=PARTITIONS, bucket_ms=4_000, batch_size=16, commit_batches=1, chain=CHAIN, until_end=True, publish=False
)


@pytest.fixture(scope="module")
def frames() -> Frames:
    return joined(visits=90)


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def run(trainer: Trainer) -> None:
    while not trainer.done.ended:
        trainer.turn()


class Site:
    """Everything durable, and those who work on it."""

    def __init__(self, folder: Path, frames: Frames, seed: int) -> None:
        self.logs, self.store, self.random = logs_of(frames), VersionStore(folder), Random(seed)
        self.damaged: set[str] = set()
        self.torn = 0

    def trainer(self) -> Trainer:
        return Trainer(
            self.logs, VersionStore(self.store.root), lambda: fresh(COME_AND_GO), plan=PLAN, clock=count().__next__
        )

    def train(self) -> Trainer:
        """Until death, or the end of the log."""
        trainer, left = self.trainer(), self.random.randrange(10, 90)
        while not trainer.done.ended:
            for _ in trainer.effects():
                left -= 1
                if left < 0:
                    self.damaged |= set(trainer.done.damaged)
                    return trainer
            self.damaged |= set(trainer.done.damaged)
        return trainer

    def shorten(self) -> None:
        shelf = Shelf(self.store.manifests(), self.store.compacted())
        version = to_compact(shelf.chains, CHAIN)
        if version is not None:
            compact(self.store, version)

    def take_away(self) -> None:
        decisions = DecisionLog(self.logs.open("decisions", 1)).fold
        shelf = Shelf(self.store.manifests(), self.store.compacted())
        for version in gone(shelf, stay(shelf, None, decisions, Registry(), Policy(versions=4))):
            self.store.remove(version)

    def tear(self) -> None:
        """One of the files that the newest versions stand on, but for those of the oldest chain there is."""
        manifests = self.store.manifests()
        young = [m for m in manifests[len(manifests) // 2 :] if m.base is not None]
        if not young:
            return
        manifest = self.random.choice(young)
        path = self.store.folder(manifest.version) / self.random.choice(sorted(manifest.files))
        data = bytearray(path.read_bytes())
        data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        path.write_bytes(data)
        self.torn += 1


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_torn_taken_away_or_killed_the_same_is_learned(seed: int, frames: Frames, quick: Path) -> None:
    whole = Site(quick / "whole", frames, seed)
    run(
        Trainer(
            whole.logs, whole.store, lambda: fresh(COME_AND_GO), plan=replace(PLAN, chain=0), clock=count().__next__
        )
    )
    wanted = whole.store.manifests()[-1]
    site, trainer = Site(quick / "torn", frames, seed), None
    for _ in range(60):
        trainer = site.train()
        if trainer.done.ended:
            break
        for act in site.random.sample([site.shorten, site.take_away, site.tear], k=site.random.randrange(3)):
            try:
                act()
            except Exception as error:
                assert "torn or changed" in str(error)  # noqa: PT017
    assert trainer is not None
    assert trainer.done.ended
    found = max(site.store.manifests(), key=lambda m: (m.examples, m.version))
    assert (found.examples, found.steps, found.digest) == (wanted.examples, wanted.steps, wanted.digest)
    assert len(site.store.manifests()) > 2
    assert site.torn == 0 or site.damaged, "what was passed over is told"
