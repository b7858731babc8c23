"""Looking back: offline against live gains, and two versions interleaved over pages that were shown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from headrace.experiment_gains import gains
from headrace.experiment_terms import Ground, Wanted
from headrace.experiments import start
from headrace.interleaving import Scores, pages_of
from headrace.operations import Operator
from headrace.settings import Serving
from serving.askers import Asker
from serving.fold_rules import FoldRules
from serving.interleaving import replayed
from streams.decisions import Decision, DecisionLog
from streams.events import Event, Interaction, Shown, Slate, Tick
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLogs
from streams.mask import Entry

HOUR = 3_600_000
ITEMS = [f"i{n}" for n in range(6)]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    logs = MemoryLogs()
    store, decisions = VersionStore(tmp_path / "versions"), DecisionLog(logs.open("decisions", 1))
    write: Any = lambda aside: (aside / "weights").write_text("w")  # noqa: E731
    for version, figure in ((1, 0.70), (2, 0.74), (3, None)):
        told: dict[str, Any] = {"auc": 0.1, "ne": 0.9, "window": {"auc": figure}} if figure else {}
        draft = Manifest(0, None, 0, {0: TrainerPosition(input=5)}, examples=5, verdict="pass", metrics={"click": told})
        store.commit(version, write, draft)
    decisions.decide(Decision("publish", 1, "trainer", "passed", 0, version=1, input={0: 5}))
    return Ground(decisions, logs.open("events", 1), store, Serving(), ("click",), keep=6)


def test_each_version_that_was_tried_has_its_promise_beside_what_came_of_it(ground: Ground) -> None:
    ana = Operator("ana", "try", 5)
    start(Wanted("two", 2, share=0.5, metric="page_ctr"), ground, ana)
    ground.decisions.decide(Decision("publish", 6, "trainer", "passed", 2, version=2, input={0: 5}))
    (row,) = gains(ground, now=HOUR)
    assert (row["version"], row["against"], row["auc"], row["ne"]) == (2, 1, pytest.approx(0.04), 0.0)
    assert (row["metric"], row["change"]) == ("page_ctr", None)


def test_a_manifest_that_says_nothing_leaves_the_promise_empty(ground: Ground) -> None:
    start(Wanted("three", 3, share=0.5, metric="page_ctr"), ground, Operator("ana", "try", 5))
    assert [(row["auc"], row["ne"]) for row in gains(ground, now=HOUR)] == [(None, None)]


class ByNumber:
    """Scores items by their number, up or down; knows i0 to i4."""

    labels: Sequence[str] = ("click",)

    def __init__(self, sign: float) -> None:
        self.sign = sign
        self.asked: list[Asker] = []

    def rows_of(self, item_ids: Sequence[str], /) -> NDArray[np.int32]:
        return np.array([-1 if name == "i5" else int(name[1:]) for name in item_ids], np.int32)

    def score(self, asker: Asker, rows: NDArray[np.int32], /) -> NDArray[np.float32]:
        self.asked.append(asker)
        return (self.sign * rows[:, None]).astype(np.float32)


def tell(ground: Ground, pages: int = 40) -> None:
    """People click on the item of the highest number that is known: frame n has page n and its click."""
    shown = tuple(Shown(name, n) for n, name in enumerate(ITEMS))
    for n in range(pages):
        events: tuple[Event, ...] = (
            Slate(f"s{n}", 1_000 * n, "ana", f"r{n}", shown),
            Interaction(f"c{n}", 1_000 * n + 5, "ana", "click", item_id="i4", request_id=f"r{n}"),
        )
        ground.events.append(0, [encode_frame(EventFrame(events))], at=1)
    ground.events.append(0, [encode_frame(EventFrame((Tick(HOUR),)))], at=1)


def read(ground: Ground, scorers: tuple[Scores, Scores], since: int = 0, most: int = 100) -> Any:
    return list(pages_of(ground.events, ground.decisions, FoldRules(), scorers, {}, since={0: since}, most=most))


def test_the_version_that_ranks_what_is_clicked_higher_is_preferred(ground: Ground) -> None:
    tell(ground)
    pages = read(ground, (ByNumber(-1), ByNumber(1)))
    assert (pages[0].left, pages[0].right) == (
        ["i0", "i1", "i2", "i3", "i4", "i5"],
        ["i4", "i3", "i2", "i1", "i0", "i5"],
    )
    found = replayed(pages, count=2)
    assert (found.pages, found.preference, found.p < 0.001) == (40, 1.0, True)


def test_pages_are_scored_with_the_history_of_their_time(ground: Ground) -> None:
    tell(ground, pages=3)
    scorer = ByNumber(1)
    read(ground, (scorer, ByNumber(1)))
    assert [[past.item_id for past in asker.history] for asker in scorer.asked] == [[], ["i4"], ["i4", "i4"]]


def test_only_pages_behind_both_versions_count_and_masked_ones_never(ground: Ground) -> None:
    tell(ground)
    scorers = (ByNumber(-1), ByNumber(1))
    assert len(read(ground, scorers, since=30)) == 10
    assert len(read(ground, scorers, most=7)) == 7
    ground.decisions.decide(Decision("mask", 2, "ana", "bad", 1, add=(Entry("q", start={0: 35}),)))
    assert len(read(ground, scorers, since=30)) == 5
