"""When frames come, in which pieces and from which partition first: nothing of it shows in what is learned, nor in a
byte of what is written."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from learners.plan import Plan
from streams.examples import encode
from streams.log import MemoryLogs
from tests.learners.joined_log import PARTITIONS, Frames, joined, logs_of, trainer_of

PLAN = Plan(partitions=PARTITIONS, bucket_ms=4_000, batch_size=16, commit_batches=10**6, until_end=True)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def frames() -> Frames:
    return joined()


@pytest.fixture(scope="module")
def once(frames: Frames, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The version of a trainer that finds the whole log there."""
    manifest = at_once(frames, tmp_path_factory.mktemp("once"))
    assert {name.partition("/")[0] for name in manifest.files} == {"learned", "serving", "evaluation.npz"}
    return manifest


def at_once(frames: Frames, folder: Path, read_frames: int = 256) -> Manifest:
    trainer = trainer_of(logs_of(frames), folder, replace(PLAN, read_frames=read_frames))
    while not trainer.turn().ended:
        pass
    (manifest,) = VersionStore(folder).manifests()
    return manifest


def by_and_by(frames: Frames, folder: Path, *, steps: int, seed: int) -> tuple[Manifest, int]:
    """What a trainer writes after so many steps if one partition at a time gets some more frames, and it turns now and
    then; and how often it had to wait."""
    logs, random, given, idle = MemoryLogs(), Random(seed), [0] * PARTITIONS, 0
    log = logs.open("examples", PARTITIONS)
    plan = replace(PLAN, commit_batches=steps, read_frames=random.choice((1, 2, 7, 1000)), until_end=False)
    trainer = trainer_of(logs, folder, plan)
    while behind := [p for p in range(PARTITIONS) if given[p] < len(frames[p])]:
        p = random.choice(behind)
        more = frames[p][given[p] : given[p] + random.choice((1, 1, 3, 40))]
        log.append(p, [encode(frame) for frame in more], at=random.randrange(10**6))
        given[p] += len(more)
        for _ in range(random.choice((0, 1, 5, 30))):
            idle += trainer.turn().idle
    while not trainer.turn().idle:
        pass
    (manifest,) = VersionStore(folder).manifests()
    return manifest, idle


@pytest.mark.parametrize("seed", range(8))
def test_a_log_that_comes_in_pieces_writes_the_files_of_one_that_is_all_there(
    seed: int, frames: Frames, once: Manifest, tmp_path: Path
) -> None:
    manifest, idle = by_and_by(frames, tmp_path, steps=once.steps, seed=seed)
    assert idle > 10, "it hardly ever had to wait"
    assert (manifest.files, manifest.positions) == (once.files, once.positions)


@pytest.mark.parametrize("read_frames", [1, 2, 5, 17, 10**6])
def test_how_much_is_read_at_once_shows_in_no_byte(
    read_frames: int, frames: Frames, once: Manifest, tmp_path: Path
) -> None:
    manifest = at_once(frames, tmp_path, read_frames)
    assert (manifest.files, manifest.positions) == (once.files, once.positions)


def test_another_process_with_other_hashes_writes_the_same_files(once: Manifest, tmp_path: Path) -> None:
    """Orders of sets differ between processes, not within one."""
    code = f"from tests.learners.test_order_polls import *; at_once(joined(), Path({str(tmp_path)!r}))"
    environ = os.environ | {"PYTHONHASHSEED": "12345"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=True)
    (manifest,) = VersionStore(tmp_path).manifests()
    assert (manifest.files, manifest.positions) == (once.files, once.positions)
