"""What people asked of late measures the next index: links that find less of it are not kept, and a walk gets wider."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from serving.build import WIDTHS, InlineBuilder, Rules
from serving.build_job import Built, Job
from serving.generation import Generation
from serving.generation_files import folder_of
from serving.hnsw_index import Shape
from serving.late_queries import FOLDER, LIFE, MOST, heard, leave
from tests.serving.plain_export import Floats, PlainScorer, crowd, drifted, names, unit, write_export

ITEMS = 9_000
COARSE = Rules(shape=Shape(m=4, ef_construction=16), links_from=500, gate=0.85)
"""A graph of few links: the narrowest search finds .9 near items, and .83 where the queries below stand."""


def nowhere(count: int, dim: int = 16) -> Floats:
    """Queries in any direction, far from items."""
    return unit(np.random.default_rng(0).normal(size=(count, dim)))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    generations = tmp_path / "generations"
    generations.mkdir()
    return generations


def built(place: Path, version: int, vec_ID: Floats, rules: Rules, *, previous: int | None = None) -> Built:
    """The generation of a version, in its place."""
    export = place.parent / f"export-{version}"
    write_export(export, version, names(len(vec_ID)), vec_ID)
    builder = InlineBuilder(PlainScorer.open, rules)
    before = None if previous is None else str(folder_of(place, previous))
    builder.begin(Job(version, str(export), str(folder_of(place, version)), previous, before))
    done = builder.poll()
    assert done is not None
    assert done.error == ""
    return done


def whole(place: Path, version: int = 1) -> None:
    """A generation that finds everything."""
    built(place, version, crowd(ITEMS), Rules(links_from=500))


def test_where_nobody_asked_the_canary_alone_measures(place: Path) -> None:
    whole(place)
    done = built(place, 2, crowd(ITEMS), COARSE)
    assert done.late is None
    assert Generation.open(folder_of(place, 2)).about.ef == WIDTHS[0]


def test_a_walk_gets_wider_until_queries_of_late_find_no_less_than_before(place: Path) -> None:
    whole(place)
    leave(place, 1, list(nowhere(64)))
    done = built(place, 2, crowd(ITEMS), COARSE)
    assert done.late is not None
    assert (done.late.before, done.late.asked) == (1.0, 64)
    assert done.late.recall > 0.99
    opened = Generation.open(folder_of(place, 2))
    assert opened.about.ef == WIDTHS[1]
    assert opened.about.late == pytest.approx(done.late.recall, abs=1e-5)


def test_hard_queries_are_no_fault_where_they_were_as_hard_before(place: Path) -> None:
    built(place, 1, crowd(ITEMS), COARSE)
    leave(place, 1, list(nowhere(64)))
    done = built(place, 2, drifted(crowd(ITEMS), 0.02), COARSE)
    assert done.late is not None
    assert done.late.before is not None
    assert done.recall > 0.85
    assert 0.75 < done.late.recall < 0.88
    assert abs(done.late.before - done.late.recall) < 0.03
    assert Generation.open(folder_of(place, 2)).about.ef == WIDTHS[0]


def test_links_that_find_less_of_what_is_asked_are_not_kept(place: Path) -> None:
    """The links of the version before are sound; those of the version that people asked find more."""
    built(place, 1, crowd(ITEMS), COARSE)
    whole(place, 2)
    assert built(place, 3, drifted(crowd(ITEMS), 0.02), COARSE, previous=1).reused
    leave(place, 2, list(nowhere(64)))
    done = built(place, 4, drifted(crowd(ITEMS), 0.02), COARSE, previous=1)
    assert not done.reused


def test_a_version_that_is_gone_back_to_is_compared_with_nothing(place: Path) -> None:
    whole(place, 5)
    leave(place, 5, list(nowhere(64)))
    done = built(place, 4, crowd(ITEMS), COARSE)
    assert done.late is not None
    assert done.late.before is None
    assert Generation.open(folder_of(place, 4)).about.ef == WIDTHS[0]


def test_queries_of_another_width_or_of_a_generation_that_is_gone_measure_nothing(place: Path) -> None:
    whole(place)
    leave(place, 1, list(nowhere(64, dim=8)))
    assert built(place, 2, crowd(ITEMS), COARSE).late is None
    assert built(place, 4, unit(np.ones((600, 8)) + crowd(600, dim=8)), COARSE).late is None
    leave(place, 9, list(nowhere(64)))
    assert built(place, 3, crowd(ITEMS), COARSE).late is None


def test_of_several_workers_the_version_that_answered_last_is_heard_and_each_of_them(place: Path) -> None:
    leave(place, 1, list(nowhere(3)))
    (mine,) = (place.parent / FOLDER).glob("*.npz")
    one = mine.rename(mine.with_name("one-1.npz"))
    os.utime(one, (time.time() - 60, time.time() - 60))
    leave(place, 2, [query_D * 1 for query_D in crowd(64, seed=1)])
    two = mine.rename(mine.with_name("two-1.npz"))
    leave(place, 2, [query_D * 1 for query_D in crowd(64, seed=2)])
    told = heard(place, now=time.time())
    assert told is not None
    assert told[0] == 2
    wanted = [*crowd(64, seed=1)[-MOST // 2 :].tolist(), *crowd(64, seed=2)[-MOST // 2 :].tolist()]
    assert sorted(told[1].tolist()) == sorted(wanted)
    two.write_bytes(b"torn")
    told = heard(place, now=time.time())
    assert told is not None
    assert told[1].tolist() == crowd(64, seed=2).tolist()


def test_after_an_hour_they_are_gone(place: Path) -> None:
    leave(place, 1, list(nowhere(3)))
    assert heard(place, now=time.time() + LIFE - 60) is not None
    assert heard(place, now=time.time() + LIFE + 60) is None
    assert not list((place.parent / FOLDER).iterdir())
