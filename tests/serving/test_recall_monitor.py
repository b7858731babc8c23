"""Recall is measured while it serves, near items and where people ask, at its pace, and a fall is told."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest

from serving.build import Rules, make
from serving.build_job import Job
from serving.generation import Generation
from serving.hnsw_index import Shape
from serving.late_queries import heard
from serving.live import Bundle, Live
from serving.recall_monitor import EVERY, FALL, KEPT, LEAST, LEFT_EVERY, Checked, Mean, hidden_share, monitor
from serving.stock import Stock
from streams.events import Item
from tests.serving.plain_export import Floats, PlainScorer, crowd, names, unit, write_export
from tests.worlds import Now

ITEMS = 900


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return of_graph(tmp_path, crowd(ITEMS), Rules(links_from=500))


def of_graph(tmp_path: Path, vec_ID: Floats, rules: Rules) -> Bundle:
    """A bundle that serves from `tmp_path/generations`."""
    folder = tmp_path / "generations" / "00000007"
    write_export(tmp_path / "export", 7, names(len(vec_ID)), vec_ID)
    job = Job(7, str(tmp_path / "export"), str(folder))
    assert make(job, open_export=PlainScorer.open, rules=rules).linked
    generation = Generation.open(folder)
    return Bundle(7, PlainScorer.open(generation.export), generation)  # type: ignore[arg-type]


def checked(bundle: Bundle, checks: int) -> list[Checked]:
    """So many checks, far enough apart that each is due."""
    live, now = Live(), Now()
    live.swap(bundle)
    turns, told = monitor(live, Stock(), clock=now), []
    for _ in range(checks):
        told.append(next(turns))
        now.at += 100 * EVERY
    return told


def said(bundle: Bundle, **about: float) -> Bundle:
    """The same one, whose manifest says something else of its build."""
    changed = msgspec.structs.replace(bundle.generation.about, **about)
    return replace(bundle, generation=replace(bundle.generation, about=changed))


def test_one_check_a_second_tells_what_the_index_is_and_finds(bundle: Bundle) -> None:
    live, now = Live(), Now()
    turns = monitor(live, Stock(), clock=now)
    assert next(turns).idle
    live.swap(bundle)
    bundle.generation.searcher.delta.put(np.array([5]), crowd(1, seed=9))
    told = next(turns)
    assert (told.generation, told.delta_rows, told.hidden_share, told.cosine) == (7, 1, 0.0, 1.0)
    assert told.late_recall is None, "nobody asked yet"
    assert told.canary_recall is not None
    assert told.canary_recall >= 0.95
    assert next(turns).idle
    now.at += EVERY * 60
    assert not next(turns).idle


def test_queries_of_late_and_the_canarys_are_told_apart(tmp_path: Path) -> None:
    """Few links lead away from items: of a graph of those, less is found where people ask."""
    bundle = of_graph(tmp_path, crowd(9_000), Rules(shape=Shape(m=4, ef_construction=16), links_from=500, gate=0.85))
    generation = bundle.generation
    far_QD = unit(np.random.default_rng(0).normal(size=(64, 16)))
    for query_D in far_QD:
        generation.search(query_D, 5)
    last = checked(bundle, 200)[-1]
    assert last.late_recall == pytest.approx(0.835, abs=0.02)
    assert last.canary_recall == pytest.approx(generation.about.recall, abs=0.02)
    assert generation.about.recall > 0.87
    assert len(generation.asked) == 64, "the monitor's own searches are nobody's questions"


def test_a_fall_of_the_canary_is_told(bundle: Bundle) -> None:
    told = checked(said(bundle, recall_built=1.0 + 2 * FALL), LEAST)
    assert [one.trouble for one in told[:-1]] == [""] * (LEAST - 1)
    assert "near its items (canary)" in told[-1].trouble
    assert "headrace rollback" in told[-1].trouble


def test_a_fall_for_queries_of_late_is_measured_by_what_was_found_of_them(bundle: Bundle) -> None:
    bundle.generation.search(unit(np.ones(16)), 5)
    assert checked(bundle, 2 * LEAST)[-1].trouble == "", "nobody had asked when it was built: there is no bar"
    told = checked(said(bundle, late=1.0 + 2 * FALL), 2 * LEAST)
    assert "for queries of late" in told[-1].trouble
    assert checked(said(bundle, late=0.5), 2 * LEAST)[-1].trouble == "", "hard queries are no fault of the index"


def test_what_may_be_chance_is_no_trouble() -> None:
    """Half the queries find all, half nothing: the mean of a few of them is anywhere."""
    few, many = Mean(0.65), Mean(0.65)
    for turn in range(LEAST):
        few.add(turn % 2)
    for turn in range(KEPT):
        many.add(0.4 + 0.2 * (turn % 2))
    assert (few.recall, many.recall) == (0.5, 0.5)
    assert (few.fell(), many.fell()) == (False, True)
    a_little = Mean(0.51)
    for _ in range(KEPT):
        a_little.add(0.5)
    assert not a_little.fell()


def test_queries_of_late_are_left_for_the_builder(bundle: Bundle, tmp_path: Path) -> None:
    live, now = Live(), Now()
    live.swap(bundle)
    turns = monitor(live, Stock(), clock=now)
    next(turns)
    assert heard(bundle.generation.folder.parent, now=time.time()) is None, "nobody asked"
    asked = unit(np.arange(16.0))
    bundle.generation.search(asked, 5)
    now.at += LEFT_EVERY
    next(turns)
    told = heard(bundle.generation.folder.parent, now=time.time())
    assert told is not None
    assert told[0] == 7
    assert told[1].tolist() == [asked.tolist()]
    bundle.generation.search(-asked, 5)
    now.at += LEFT_EVERY - 1
    assert not next(turns).idle
    again = heard(bundle.generation.folder.parent, now=time.time())
    assert again is not None
    assert len(again[1]) == 1, "a file is written at its pace, not with each check"


def test_a_place_that_can_not_be_written_to_stops_no_monitor(bundle: Bundle) -> None:
    bundle.generation.search(unit(np.ones(16)), 5)
    place = bundle.generation.folder.parent.parent / "asked"
    place.write_text("a file, where the folder should be")
    assert checked(bundle, 3)[-1].late_recall is not None


def test_the_hidden_share_is_that_of_the_stock(bundle: Bundle) -> None:
    stock = Stock()
    for name in names(ITEMS)[: ITEMS // 2]:
        stock.put(Item("e", 5, name, deleted=True))
    assert hidden_share(bundle, stock, 10, Random(1)) == pytest.approx(0.5, abs=0.06)
