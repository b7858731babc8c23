"""Recall is measured while it serves, on what is asked, at its pace, and a fall is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest

from serving.build import Rules, make
from serving.build_job import Job
from serving.generation import Generation
from serving.live import Bundle, Live
from serving.recall_monitor import EVERY, FALL, LEAST, hidden_share, monitor
from serving.stock import Stock
from streams.events import Item
from tests.serving.plain_export import PlainScorer, crowd, names, write_export
from tests.worlds import Now

ITEMS = 900


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    write_export(tmp_path / "export", 7, names(ITEMS), crowd(ITEMS))
    job = Job(7, str(tmp_path / "export"), str(tmp_path / "00000007"))
    assert make(job, open_export=PlainScorer.open, rules=Rules(links_from=500)).linked
    generation = Generation.open(tmp_path / "00000007")
    return Bundle(7, PlainScorer.open(generation.export), generation)  # type: ignore[arg-type]


def test_one_check_a_second_tells_what_the_index_is_and_finds(bundle: Bundle) -> None:
    live, now = Live(), Now()
    turns = monitor(live, Stock(), clock=now)
    assert next(turns).idle
    live.swap(bundle)
    bundle.generation.searcher.delta.put(np.array([5]), crowd(1, seed=9))
    told = next(turns)
    assert (told.generation, told.delta_rows, told.hidden_share, told.cosine) == (7, 1, 0.0, 1.0)
    assert told.recall is not None
    assert told.recall >= 0.95
    assert next(turns).idle
    now.at += EVERY * 60
    assert not next(turns).idle


def test_the_queries_of_late_are_those_that_are_measured(bundle: Bundle) -> None:
    live, now, asked = Live(), Now(), np.zeros(16, np.float32)
    live.swap(bundle)
    asked[0] = 1.0
    bundle.generation.search(asked, 5)
    assert [query.tolist() for query in bundle.generation.asked] == [asked.tolist()]
    next(monitor(live, Stock(), clock=now))
    assert len(bundle.generation.asked) == 1, "the monitor's own searches are nobody's questions"


def test_a_fall_below_the_recall_of_the_build_is_told(bundle: Bundle) -> None:
    about = msgspec.structs.replace(bundle.generation.about, recall_built=1.0 + 2 * FALL)
    live, now, told = Live(), Now(), []
    live.swap(replace(bundle, generation=replace(bundle.generation, about=about)))
    turns = monitor(live, Stock(), clock=now)
    for _ in range(LEAST):
        told.append(next(turns).trouble)
        now.at += 100 * EVERY
    assert told[:-1] == [""] * (LEAST - 1)
    assert "headrace rollback" in told[-1]


def test_the_hidden_share_is_that_of_the_stock(bundle: Bundle) -> None:
    stock = Stock()
    for name in names(ITEMS)[: ITEMS // 2]:
        stock.put(Item("e", 5, name, deleted=True))
    assert hidden_share(bundle, stock, 10, Random(1)) == pytest.approx(0.5, abs=0.06)
