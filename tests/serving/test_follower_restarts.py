"""Whatever happens to the follower on the way, each version that serves has its generation."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from checkpoints.rocks_vectors import RocksVectors
from checkpoints.vectors import MemoryVectors
from serving import generation_folders, newest_vectors
from serving.build import InlineBuilder
from serving.builder_child import ChildBuilder
from serving.generation_files import folder_of, versions_in
from tests.serving.follower_town import Town
from tests.serving.plain_export import PlainScorer, commit, crowd, drifted, names, say

CHILD = ("--export", "tests.serving.plain_export:PlainScorer.open", "--links-from", "200")


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


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
    monkeypatch.setattr(generation_folders, "sync_folder", dying(generation_folders.sync_folder))
    monkeypatch.setattr(newest_vectors, "changes", dying(newest_vectors.changes))
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
