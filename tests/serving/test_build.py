"""When links are kept, when they are built anew, when an index goes without; and a builder that may die at any time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from serving.build import InlineBuilder, Rules
from serving.build_job import Builder, Built, Job
from serving.builder_child import ChildBuilder
from serving.generation import Generation
from serving.generation_files import folder_of
from tests.serving.plain_export import Floats, PlainScorer, crowd, drifted, names, unit, write_export

ITEMS = 3_000
EXPORT = "tests.serving.plain_export:PlainScorer.open"
CHILD = ("--export", EXPORT, "--links-from", "500")


@pytest.fixture(scope="module", params=["inline", "child"])
def builder(request: pytest.FixtureRequest) -> Iterator[Builder]:
    """One for all tests: a child stays for many jobs."""
    made: Builder = ChildBuilder(CHILD) if request.param == "child" else inline()
    yield made
    made.close()


def inline(**rules: float) -> InlineBuilder:
    return InlineBuilder(PlainScorer.open, Rules(**{"links_from": 500, **rules}))  # type: ignore[arg-type]


def await_built(builder: Builder) -> Built:
    while (built := builder.poll()) is None:
        time.sleep(0.005)
    return built


def generation(
    builder: Builder,
    place: Path,
    version: int,
    vec_ID: Floats,
    *,
    ids: list[str] | None = None,
    previous: int | None = None,
) -> Built:
    """Build a version's generation straight into its place."""
    export, folder = place / f"export-{version}", folder_of(place, version)
    write_export(export, version, ids or names(len(vec_ID)), vec_ID)
    before = None if previous is None else str(folder_of(place, previous))
    builder.begin(Job(version, str(export), str(folder), previous, before))
    built = await_built(builder)
    assert built.error == ""
    assert Generation.open(folder).version == version
    return built


def test_small_moves_keep_the_links(builder: Builder, tmp_path: Path) -> None:
    first = generation(builder, tmp_path, 1, crowd(ITEMS))
    moved = drifted(crowd(ITEMS), 0.08)
    second = generation(builder, tmp_path, 2, moved, previous=1)
    assert (first.reused, second.reused, second.tail) == (False, True, 0)
    assert first.linked
    assert 0.99 <= second.cosine < 1
    assert second.recall >= 0.95
    opened = Generation.open(folder_of(tmp_path, 2))
    assert (opened.about.linked, opened.version) == (1, 2)
    for name in ("links.npy", "upper.npy", "uoff.npy", "base.npy"):
        assert os.path.samefile(folder_of(tmp_path, 1) / name, folder_of(tmp_path, 2) / name)
    assert all(opened.exact(vector, 1)[0][0] == row for row, vector in enumerate(moved[:50]))


def test_moves_add_up_until_the_links_are_built_anew(tmp_path: Path) -> None:
    """Each step is small; the distance is measured from what the links were built for."""
    builder, vec_ID = inline(), crowd(ITEMS)
    generation(builder, tmp_path, 1, vec_ID)
    reused = []
    for version in range(2, 8):
        vec_ID = drifted(vec_ID, 0.08, seed=version)
        reused.append(generation(builder, tmp_path, version, vec_ID, previous=version - 1).reused)
    assert reused[0] is True
    assert False in reused


def test_new_and_far_moved_items_are_found_at_once_without_links(builder: Builder, tmp_path: Path) -> None:
    vec_ID = crowd(ITEMS)
    generation(builder, tmp_path, 1, vec_ID)
    now = np.concatenate([drifted(vec_ID, 0.02), crowd(20, seed=8)])
    now[:10] = unit(-now[:10])
    built = generation(builder, tmp_path, 2, now, previous=1)
    assert (built.reused, built.tail) == (True, 30)
    opened = Generation.open(folder_of(tmp_path, 2))
    for row in [*range(10), *range(ITEMS, ITEMS + 20)]:
        assert opened.search(now[row], 1)[0].tolist() == [row]


def test_items_that_left_are_never_found_and_others_change_their_rows(builder: Builder, tmp_path: Path) -> None:
    vec_ID, ids = crowd(ITEMS), names(ITEMS)
    generation(builder, tmp_path, 1, vec_ID)
    stay = [row for row in range(ITEMS) if row % 20]
    built = generation(builder, tmp_path, 2, vec_ID[stay], ids=[ids[row] for row in stay], previous=1)
    assert built.reused
    opened = Generation.open(folder_of(tmp_path, 2))
    assert opened.items == len(stay)
    for row in range(0, len(stay), 50):
        assert opened.search(vec_ID[stay[row]], 1)[0].tolist() == [row]
    assert sorted(opened.search(vec_ID[0], len(stay))[0].tolist()) == list(range(len(stay)))


@pytest.mark.parametrize(
    ("cause", "after"),
    [
        ("everything moved far", lambda vec: drifted(vec, 0.6)),
        ("another tower", lambda vec: unit(vec @ np.random.default_rng(1).normal(size=(16, 16)))),
        ("another width", lambda vec: unit(np.concatenate([vec, vec], axis=1))),
        ("a tenth of the items left", lambda vec: vec[: ITEMS * 8 // 10]),
        ("too many are new", lambda vec: np.concatenate([vec, crowd(2_100, seed=8)])),
    ],
)
def test_links_are_built_anew(tmp_path: Path, cause: str, after: Callable[[Floats], Floats]) -> None:
    builder, vec_ID = inline(), crowd(ITEMS)
    generation(builder, tmp_path, 1, vec_ID)
    built = generation(builder, tmp_path, 2, after(vec_ID), previous=1)
    assert (built.reused, built.linked, built.tail) == (False, True, 0), cause


def test_few_items_go_without_links(tmp_path: Path) -> None:
    built = generation(inline(links_from=ITEMS + 1), tmp_path, 1, crowd(ITEMS))
    assert (built.linked, built.recall, built.tail) == (False, 1.0, ITEMS)


def test_links_that_find_too_little_are_not_used(tmp_path: Path) -> None:
    built = generation(inline(gate=1.01), tmp_path, 1, crowd(ITEMS))
    assert (built.linked, built.recall) == (False, 1.0)
    assert Generation.open(folder_of(tmp_path, 1)).recall() == 1.0


def test_a_damaged_previous_generation_is_no_obstacle(tmp_path: Path) -> None:
    builder = inline()
    generation(builder, tmp_path, 1, crowd(ITEMS))
    (folder_of(tmp_path, 1) / "links.npy").unlink()
    assert not generation(builder, tmp_path, 2, crowd(ITEMS), previous=1).reused


def test_the_stamp_is_the_vectors_own(builder: Builder, tmp_path: Path) -> None:
    write_export(tmp_path / "export", 4, names(10), crowd(10))
    builder.begin(Job(5, str(tmp_path / "export"), str(tmp_path / "aside")))
    built = await_built(builder)
    assert "are of version 4, not 5" in built.error
    assert not (tmp_path / "aside").exists()


def test_one_bad_job_does_not_end_the_builder(builder: Builder, tmp_path: Path) -> None:
    builder.begin(Job(1, str(tmp_path / "nowhere"), str(tmp_path / "aside")))
    assert "FileNotFoundError" in await_built(builder).error
    assert not generation(builder, tmp_path, 2, crowd(50)).linked


def test_a_builder_killed_in_its_work_leaves_nothing_in_place_and_is_replaced(tmp_path: Path) -> None:
    builder = ChildBuilder(CHILD)
    try:
        generation(builder, tmp_path, 1, crowd(600))
        write_export(tmp_path / "large", 2, names(40_000), crowd(40_000))
        builder.begin(Job(2, str(tmp_path / "large"), str(tmp_path / ".00000002")))
        time.sleep(0.3)
        assert builder.poll() is None
        assert builder.pid is not None
        os.kill(builder.pid, signal.SIGKILL)
        assert "ended with status -9" in await_built(builder).error
        assert not folder_of(tmp_path, 2).exists()
        assert Generation.open(folder_of(tmp_path, 1)).version == 1
        generation(builder, tmp_path, 3, crowd(600), previous=1)
    finally:
        builder.close()


def test_an_abandoned_job_makes_way_for_the_next(tmp_path: Path) -> None:
    builder = ChildBuilder(CHILD)
    try:
        write_export(tmp_path / "large", 2, names(40_000), crowd(40_000))
        builder.begin(Job(2, str(tmp_path / "large"), str(tmp_path / ".00000002")))
        with pytest.raises(RuntimeError, match="version 2 is being built"):
            builder.begin(Job(3, "", ""))
        builder.abandon()
        assert builder.poll() is None
        generation(builder, tmp_path, 3, crowd(600))
    finally:
        builder.close()


PARENT = """
import sys, time
from serving.build_job import Job
from serving.builder_child import ChildBuilder
builder = ChildBuilder(sys.argv[2:])
builder.begin(Job(1, sys.argv[1], sys.argv[1] + "-aside"))
print(builder.pid, flush=True)
time.sleep(60)
"""


def test_the_child_dies_with_its_parent_also_after_a_kill(tmp_path: Path) -> None:
    home = {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", PARENT, str(tmp_path / "none"), *CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | home) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.kill()
        parent.wait()
    while Path(f"/proc/{child}/status").exists():
        state = Path(f"/proc/{child}/status").read_text().split("State:")[1].split()[0]
        if state in "ZX":  # dead, and waiting for whoever inherited it
            break
        time.sleep(0.02)
