"""Each version that serves or will has its generation, whatever happens to the follower on the way."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from checkpoints.rocks_vectors import RocksVectors
from checkpoints.store import VersionStore
from checkpoints.vectors import MemoryVectors, Vectors
from serving import follower as follower_module
from serving.build import InlineBuilder, Rules
from serving.build_job import Builder, Built, Job
from serving.builder_child import ChildBuilder
from serving.follower import Followed, follow
from serving.generation import Generation
from serving.generation_files import folder_of, versions_in
from streams.decisions import DecisionLog
from streams.log import MemoryLog
from tests.serving.plain_export import Floats, PlainScorer, commit, crowd, drifted, names, say

CHILD = ("--export", "tests.serving.plain_export:PlainScorer.open", "--links-from", "200")


@dataclass
class Town:
    """A store, decisions and a place for generations; the clock moves by hand."""

    root: Path
    log: MemoryLog = field(default_factory=lambda: MemoryLog("decisions", 1))
    vectors: Vectors = field(default_factory=MemoryVectors)
    now: int = 0

    def __post_init__(self) -> None:
        self.store = VersionStore(self.root / "versions")
        self.generations = self.root / "generations"
        self.decisions = DecisionLog(self.log)

    def publish(self, vec_ID: Floats, ids: list[str] | None = None) -> int:
        version = commit(self.store, ids or names(len(vec_ID)), vec_ID)
        say(self.decisions, "publish", version)
        return version

    def follow(self, builder: Builder | None = None, keep: int = 5) -> Iterator[Followed]:
        return follow(
            DecisionLog(self.log),
            store=self.store,
            generations=self.generations,
            vectors=self.vectors,
            builder=builder or InlineBuilder(PlainScorer.open, Rules(links_from=200)),
            open_export=PlainScorer.open,
            clock=lambda: self.now,
            keep=keep,
        )

    def settle(self, reports: Iterator[Followed]) -> list[Followed]:
        """Turns until there is nothing to do; those that did something."""
        return list(until_idle(reports))

    def opened(self, version: int) -> Generation:
        return Generation.open(folder_of(self.generations, version))


def until_idle(reports: Iterator[Followed]) -> Iterator[Followed]:
    for report in reports:
        if report.idle:
            return
        yield report


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_published_version_becomes_a_generation(town: Town) -> None:
    with closing(town.follow()) as reports:
        assert town.settle(reports) == []
        town.publish(crowd(300))
        begun, placed = town.settle(reports)
    assert (begun.version, begun.rows_written, begun.built) == (1, 300, 0)
    assert (placed.version, placed.built, placed.reused, placed.linked, placed.error) == (1, 1, False, True, "")
    assert placed.recall is not None
    assert placed.recall >= 0.95
    assert town.opened(1).version == 1
    assert town.vectors.version == 1


def test_only_what_changed_is_written_and_what_left_gets_a_tombstone(town: Town) -> None:
    vec_ID = crowd(300)
    with closing(town.follow()) as reports:
        town.publish(vec_ID)
        town.settle(reports)
        now = vec_ID[:-1].copy()
        now[:5] = drifted(now[:5], 0.1)
        town.publish(now)
        assert [report.rows_written for report in town.settle(reports)] == [6, 0]
    gone = town.vectors.get("i299")
    assert gone is not None
    assert (gone.version, gone.vector) == (2, None)


def test_a_follower_that_is_behind_takes_the_live_version_and_skips_those_between(town: Town) -> None:
    for step in range(4):
        town.publish(drifted(crowd(300), 0.01 * step))
    with closing(town.follow()) as reports:
        town.settle(reports)
    assert versions_in(town.generations) == [4]


def test_after_a_rollback_the_version_gone_back_to_gets_its_generation_first(town: Town) -> None:
    for step in range(3):
        town.publish(drifted(crowd(300), 0.01 * step))
    say(town.decisions, "rollback", 1)
    with closing(town.follow()) as reports:
        first = next(iter(town.settle(reports)))
    assert first.version == 1
    assert versions_in(town.generations) == [1, 3]


class Slow:
    """A builder that is never done by itself."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.abandoned = 0

    def start(self) -> None:
        """Nothing to start."""

    def begin(self, job: Job) -> None:
        self.begun.append(job.version)

    def poll(self) -> Built | None:
        return None

    def abandon(self) -> None:
        self.abandoned += 1

    def close(self) -> None:
        self.abandoned += 1


def test_a_rollback_takes_the_builder_from_a_newer_version_but_a_publish_does_not(town: Town) -> None:
    slow = Slow()
    town.publish(crowd(300))
    town.publish(crowd(300))
    with closing(town.follow(slow)) as reports:
        next(reports)
        town.publish(crowd(300))
        assert all(next(reports).idle for _ in range(3))
        assert (slow.begun, slow.abandoned) == ([2], 0)
        say(town.decisions, "rollback", 1)
        assert "older version is live" in next(reports).error
        next(reports)
        assert (slow.begun, slow.abandoned) == ([2, 1], 1)


def test_old_generations_go_but_never_the_live_one_or_the_way_back(town: Town) -> None:
    with closing(town.follow(keep=2)) as reports:
        for step in range(5):
            town.publish(drifted(crowd(300), 0.01 * step))
            town.settle(reports)
        next(reports)
        assert versions_in(town.generations) == [4, 5]
        say(town.decisions, "rollback", 1)
        town.settle(reports)
        next(reports)
        assert versions_in(town.generations) == [1, 4, 5]
    assert not list(town.generations.glob(".*"))


def test_a_damaged_version_is_told_and_tried_again_later_while_others_go_on(town: Town) -> None:
    version = town.publish(crowd(300))
    path = town.store.folder(version) / "serving" / "items.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with closing(town.follow()) as reports:
        failed = next(reports)
        assert "items.npz" in failed.error
        assert next(reports).idle
        town.publish(crowd(300))
        town.settle(reports)
        assert versions_in(town.generations) == [2]
        path.write_bytes(whole)
        say(town.decisions, "rollback", 1)
        assert next(reports).idle
        town.now += 1_000
        town.settle(reports)
    assert versions_in(town.generations) == [1, 2]


def test_a_generation_with_a_damaged_file_is_built_anew_at_the_next_start(town: Town) -> None:
    town.publish(crowd(300))
    with closing(town.follow()) as reports:
        town.settle(reports)
    (folder_of(town.generations, 1) / "labels.npy").write_bytes(b"torn")
    with closing(town.follow()) as reports:
        assert "labels.npy" in town.settle(reports)[0].error
    assert town.opened(1).version == 1


def test_generations_of_other_versions_under_the_same_numbers_are_built_anew(town: Town) -> None:
    town.publish(crowd(300))
    with closing(town.follow()) as reports:
        town.settle(reports)
    shutil.rmtree(town.store.root)
    assert commit(town.store, names(40), crowd(40)) == 1
    with closing(town.follow()) as reports:
        assert "made anew" in town.settle(reports)[0].error
    assert town.opened(1).items == 40


class Died(Exception):
    """The process ends here."""


def test_a_follower_that_dies_at_any_effect_ends_up_where_an_undisturbed_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each effect on a disk, one after the other, is the last of a life; the next life finishes the work."""
    left, lives = 0, 0

    def dying(real):  # type: ignore[no-untyped-def]
        def call(*args, **kwargs):  # type: ignore[no-untyped-def]
            nonlocal left
            left -= 1
            if left == 0:
                raise Died
            done = real(*args, **kwargs)
            left -= 1
            if left == 0:
                raise Died
            return done

        return call

    monkeypatch.setattr(Path, "rename", dying(Path.rename))
    monkeypatch.setattr(follower_module, "sync_folder", dying(follower_module.sync_folder))
    monkeypatch.setattr(follower_module, "changes", dying(follower_module.changes))
    monkeypatch.setattr(MemoryVectors, "write", dying(MemoryVectors.write))
    monkeypatch.setattr(InlineBuilder, "begin", dying(InlineBuilder.begin))
    plain = InlineBuilder(PlainScorer.open)
    for stop_at in range(1, 22):
        town = Town(tmp_path / str(stop_at))
        ids, vec_ID = names(260), crowd(260)
        for step in range(2):
            left = -1
            town.publish(drifted(vec_ID, 0.02 * step), ids)
            left = stop_at
            for _ in range(3):
                try:
                    with closing(town.follow(plain, keep=1)) as reports:
                        town.settle(reports)
                        next(reports)
                    break
                except Died:
                    lives += 1
        left = -1
        assert town.opened(2).version == 2
        np.testing.assert_array_equal(np.sort(town.opened(2).searcher.graph.labels_R), np.arange(260))
        assert {s.item_id: s.vector is not None for s in town.vectors.scan()} == dict.fromkeys(ids, True)
        assert town.vectors.version == 2
        assert not list(town.generations.glob(".0*"))
    assert lives > 15


def test_the_whole_way_with_rocksdb_and_a_child_survives_restarts(tmp_path: Path) -> None:
    town = Town(tmp_path)
    for step in range(2):
        town.vectors = RocksVectors(tmp_path / "follow")
        town.publish(drifted(crowd(600), 0.03 * step))
        with closing(town.follow(ChildBuilder(CHILD))) as reports:
            for report in reports:
                assert report.error == ""
                if report.built:
                    assert report.reused is (step > 0)
                    break
                if report.idle:
                    time.sleep(0.005)
        assert town.vectors.version == step + 1
        town.vectors.close()
        assert town.opened(step + 1).recall() >= 0.95


def test_an_index_that_lost_its_items_is_held_until_an_operator_wants_it(town: Town) -> None:
    with closing(town.follow()) as reports:
        town.publish(crowd(300))
        town.settle(reports)
        town.publish(crowd(100))
        assert "100 items, the one before has 300" in town.settle(reports)[-1].error
        town.decisions.follow()
        assert [(one.kind, one.who) for one in town.decisions.fold.lines[-1:]] == [("hold", "follower")]
        town.now += 60_000
        assert town.settle(reports) == []  # the version before serves; nothing is tried again
        say(town.decisions, "promote", 2)
        assert town.settle(reports)[-1].built == 1


def test_a_slow_search_is_tried_again_before_its_version_is_held(town: Town) -> None:
    class Slow(InlineBuilder):
        def poll(self) -> Built | None:
            built = super().poll()
            return built and structs.replace(built, latency=900.0 if built.version == 2 else 0.0)

    with closing(town.follow(Slow(PlainScorer.open, Rules(links_from=200)))) as reports:
        for step in range(2):
            town.publish(drifted(crowd(300), 0.01 * step))
            town.settle(reports)
        kinds = []
        for _ in range(3):
            town.decisions.follow()
            kinds.append(town.decisions.fold.lines[-1].kind)
            town.now += 60_000
            town.settle(reports)
        town.decisions.follow()
        assert (kinds, town.decisions.fold.lines[-1].kind) == (["publish", "publish", "hold"], "hold")
