"""From a request to a lesson: what a server reads of an asker is what training reads once the slate was joined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from learners.ordering import Batch, Example
from serving.live import Bundle
from serving.scorer import Scorer
from streams.events import Event, Impression, Item, Tick, User
from streams.given import Given, resolved
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from streams.rules import Label, Rules
from tests.learners.declared import RICH, rich_batch, rich_learner
from tests.learners.lessons import batch, fact
from tests.serving.deployment import CALM, Deployment
from tests.worlds import MemoryGeneration

RULES = Rules((Label("click", event="click", window=10_000),), grace=0, out_of_orderness=0)
ATTRIBUTES: dict[str, str | float] = {"country": "ch"}


@pytest.fixture
def learner() -> Any:
    made = rich_learner()
    for number in range(6):
        made.learn(rich_batch(number))
    made.learn(batch(*[fact(item) for item in RICH.values()]))
    return made


def item_of(told: Any) -> Item:
    fields = {name: getattr(told, name) for name in told.__struct_fields__}
    return Item(f"of {told.item_id}", **fields)


def visited(learner: Any, folder: Path, *, logged: float, context: dict[str, str | float]) -> tuple[Batch, Any]:
    """One who was told of, and clicked before, asks a server; the page is shown; what the joiner makes of it all."""
    learner.export(folder / "export", version=1)
    scorer = Scorer.open(folder / "export")
    server = Deployment(folder / "folds")
    server.live.bundle = Bundle(1, scorer, MemoryGeneration(1, scorer.item_vectors))  # type: ignore[arg-type]
    server.recommender.policy = replace(CALM, logged=logged)
    tell = server.telling
    before: list[Event] = [*map(item_of, RICH.values()), User("p", tell.now(), "user2", ATTRIBUTES)]
    before += [tell.click("user2", item_id) for item_id in ("item1", "4", "item3")]
    server.tell(*before)
    server.fold()
    with server.served() as client:
        answer = client.recommend("user2", n=5, surface="home", context=context, query_text="green tea")
    (slate,) = server.slates()
    shown = Impression("v", slate.ts + 5, "user2", answer["request_id"], slate.items, "home")
    joiner = Joiner(RULES, JoinState(MemoryStore()), partition=0, partitions=1)
    given = [joiner.feed(n, [event]) for n, event in enumerate([*before, slate, shown, Tick(slate.ts + 99_000)])]
    told = [one.frame("", n, "") for n, one in enumerate(given) if isinstance(one, Given)]
    rows = [(row, shot, item) for row, shot, item in resolved(told) if row.kind == "label"]
    return batch(*[Example(row, shot, item, 0) for row, shot, item in rows]), slate


def test_nothing_differs_between_what_was_served_and_what_is_learned(learner: Any, tmp_path: Path) -> None:
    context: dict[str, str | float] = {"hour": 2.0, "basket": 30.0, "interests": "t1,t2"}
    made, _ = visited(learner, tmp_path, logged=1.0, context=context)
    assert len(made.examples) == 5
    learner.learn(made)
    report = learner.skew.report()
    assert {name for name, gap in report.items() if gap["differing"]} == set()
    assert {name: gap["compared"] for name, gap in report.items()} == dict.fromkeys(report, 1)
    assert report.keys() >= {*("history", "country", "basket", "liked", "asked_for"), "counters.item", "counters.user"}


def test_what_the_trainer_says_of_the_page_is_what_was_served(learner: Any, tmp_path: Path) -> None:
    made, slate = visited(learner, tmp_path, logged=0.0, context={"hour": 2.0, "basket": 30.0})
    for example in made.examples:
        assert example.shot is not None
        assert example.shot.context == {"hour": 2.0, "basket": 30.0, "user.country": "ch"}
    # the server has one label's weight each, and everyone at the first place
    first = batch(
        *[Example(msgspec.structs.replace(e.row, position=0), e.shot, e.attributes, 0) for e in made.examples]
    )
    ours = learner.score(first).probability_BL.sum(axis=1)
    served = {shown.item_id: shown.score for shown in slate.items}
    for example, score in zip(first.examples, ours.tolist(), strict=True):
        assert score == pytest.approx(served[example.row.item_id], abs=1e-5)


def test_a_page_without_marks_is_not_compared(learner: Any, tmp_path: Path) -> None:
    made, slate = visited(learner, tmp_path, logged=0.0, context={"hour": 2.0})
    learner.learn(made)
    assert learner.skew.report() == {}
    assert slate.context == {"hour": 2.0}
