"""Two stores of vectors, one contract."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from checkpoints.rocks_vectors import RocksVectors
from checkpoints.vectors import Held, MemoryVectors, Vectors, changes

A, B, C = np.eye(3, dtype=np.float32)


@pytest.fixture(params=["memory", "rocks"])
def vectors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Vectors]:
    made: Vectors = MemoryVectors() if request.param == "memory" else RocksVectors(tmp_path / "follow")
    yield made
    made.close()


def read(vectors: Vectors) -> list[tuple[str, int, list[float] | None]]:
    return [(s.item_id, s.version, None if s.vector is None else s.vector.tolist()) for s in vectors.scan()]


def test_nothing_was_written_at_first(vectors: Vectors) -> None:
    assert vectors.version is None
    assert read(vectors) == []
    assert vectors.get("tea") is None


def test_the_newest_vector_of_each_item_stands_with_the_version_that_changed_it(vectors: Vectors) -> None:
    vectors.write(1, ["tea", "jam"], np.stack([A, B]))
    vectors.write(4, ["jam", "öl"], np.stack([C, A]))
    assert vectors.version == 4
    assert read(vectors) == [("jam", 4, C.tolist()), ("tea", 1, A.tolist()), ("öl", 4, A.tolist())]
    stored = vectors.get("tea")
    assert stored is not None
    assert stored.vector is not None
    np.testing.assert_array_equal(stored.vector, A)


def test_an_item_that_left_keeps_a_tombstone_and_may_come_back(vectors: Vectors) -> None:
    vectors.write(1, ["tea"], A[None])
    vectors.write(2, [], np.zeros((0, 3), np.float32), gone=["tea"])
    assert read(vectors) == [("tea", 2, None)]
    assert Held.of(vectors).item_ids == []
    vectors.write(3, ["tea"], B[None])
    assert read(vectors) == [("tea", 3, B.tolist())]


def test_ids_that_look_like_the_stamp_or_hold_anything_are_just_ids(vectors: Vectors) -> None:
    ids = ["!version", "v", "", "\x00", "日本", "version"]
    vectors.write(1, ids, np.repeat(A[None], len(ids), axis=0))
    assert sorted(s.item_id for s in vectors.scan()) == sorted(ids)
    assert vectors.version == 1


def test_what_is_held_comes_back_after_a_restart(tmp_path: Path) -> None:
    vectors = RocksVectors(tmp_path)
    vectors.write(7, ["tea", "jam"], np.stack([A, B]))
    vectors.close()
    vectors.close()
    again = RocksVectors(tmp_path)
    assert again.version == 7
    held = Held.of(again)
    assert changes(held, ["tea", "jam"], np.stack([A, B])).row_C.tolist() == []
    again.close()
    with pytest.raises(RuntimeError, match="closed"):
        again.get("tea")


def test_only_changed_rows_are_told(vectors: Vectors) -> None:
    vectors.write(1, ["tea", "jam", "oil"], np.stack([A, B, C]))
    found = changes(Held.of(vectors), ["oil", "tea", "rum"], np.stack([C, B, A]))
    assert found.row_C.tolist() == [1, 2]
    assert found.gone == ("jam",)


def test_vectors_of_another_width_are_all_changed(vectors: Vectors) -> None:
    vectors.write(1, ["tea"], A[None])
    assert changes(Held.of(vectors), ["tea"], np.ones((1, 8), np.float32)).row_C.tolist() == [0]


KILLED_IN_A_WRITE = """
import sys, numpy as np
from pathlib import Path
from checkpoints.rocks_vectors import RocksVectors
vectors = RocksVectors(Path(sys.argv[1]))
ids = [str(n) for n in range(2000)]
for version in range(1, 10**6):
    vectors.write(version, ids, np.full((2000, 8), version, np.float32))
    if version == 3:
        print("going", flush=True)
"""


def test_a_kill_in_the_middle_of_writes_leaves_one_whole_version(tmp_path: Path) -> None:
    home = {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", KILLED_IN_A_WRITE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | home) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"going\n"
        process.kill()
    vectors = RocksVectors(tmp_path)
    stored = list(vectors.scan())
    assert len(stored) == 2000
    assert {s.version for s in stored} == {vectors.version}
    assert all(s.vector is not None and (s.vector == vectors.version).all() for s in stored)
    vectors.close()
