"""Sources of candidates: who likes two things is brought both, and chance is that of who asks and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from serving.candidates import Candidates
from serving.policy import Quotas
from serving.retrieval import retrieve
from serving.scorer import Asker
from serving.shelf import Shelf
from streams.examples import Past
from tests.serving.test_retrieval import AT, NONE, known_of
from tests.worlds import Telling, bundle_of, even

HOUR = 3_600_000
ASKER = Asker("u0", (), "", {}, AT)


def found(*events: object, asker: Asker = ASKER, barred: frozenset[str] = frozenset(), **quotas: int) -> Candidates:
    known, bundle = known_of(*events), bundle_of(1)
    quotas = {**NONE, "vectors": 0, **quotas}
    return retrieve(bundle, known, Shelf(bundle, known.stock), asker, barred=barred, quotas=Quotas(**quotas))


def after(*pasts: str, type: str = "click", **more: object) -> Asker:
    """Somebody who did this, oldest first, an hour between each."""
    history = tuple(Past(name, type, AT - HOUR * (len(pasts) - n)) for n, name in enumerate(pasts))
    return replace(ASKER, history=history, **more)


def by_source(candidates: Candidates) -> Mapping[str, list[str]]:
    told: dict[str, list[str]] = {}
    for item_id, source in zip(candidates.item_ids, candidates.sources, strict=True):
        told.setdefault(source, []).append(item_id)
    return told


def test_two_tastes_both_bring_candidates() -> None:
    brought = by_source(found(asker=after("i3", "i2", "i4", "i6", "i8"), recent=10))["recent"]
    assert {even(item) for item in brought} == {True, False}


def test_an_interest_brings_by_its_weight() -> None:
    brought = by_source(found(asker=after("i3", "i2", "i4", "i6"), recent=10))["recent"]
    assert sum(even(item) for item in brought) > 5


@pytest.mark.parametrize("type", ["dismiss", "report"])
def test_what_was_dismissed_is_no_interest(type: str) -> None:
    assert by_source(found(asker=after("i3", "i5", type=type), recent=10, categories=5)) == {}


def test_an_item_that_is_asked_about_brings_those_like_it() -> None:
    brought = by_source(found(asker=replace(ASKER, query_item_id="i5"), barred=frozenset({"i5"}), similar=4))
    assert brought == {"similar": ["i1", "i3", "i7", "i9"]}


def test_walks_reach_what_no_start_touches() -> None:
    tell = Telling()
    pairs = [("i3", "i11"), ("i11", "i15"), ("i15", "i17")]
    events = [event for n, (a, b) in enumerate(pairs) for event in (tell.click(f"v{n}", a), tell.click(f"v{n}", b))]
    brought = by_source(found(*events, asker=after("i3"), covisited=9, walked=9))
    assert brought == {"covisited": ["i11"], "walked": ["i3", "i15", "i17"]} or brought["walked"] == ["i15", "i17"]


def test_categories_of_wanted_items_and_followed_ones_bring_their_best() -> None:
    tell = Telling()
    kinds = {"i1": "tea", "i2": "tea", "i3": "jam", "i4": "jam", "i5": "oil"}
    events = [tell.item(name, categories=(kind,)) for name, kind in kinds.items()]
    events += [tell.shown("v", "i1", "i2", "i3", "i4"), tell.click("v", "i2"), tell.click("v", "i4")]
    brought = by_source(found(*events, asker=after("i1", context={"follows": " jam, salt "}), categories=9))
    assert brought["categories"] == ["i4", "i2", "i3", "i1"]


def test_a_category_brings_nothing_that_is_gone() -> None:
    tell = Telling()
    events = [tell.item("i1", categories=("tea",)), tell.item("i2", categories=("tea",)), tell.gone("i2")]
    assert by_source(found(*events, asker=after("i1"), categories=9)) == {"categories": ["i1"]}


def test_chance_is_of_who_asks_and_when_and_brings_only_what_is_open() -> None:
    tell = Telling()
    gone = [tell.gone(f"i{n}") for n in range(0, 20, 2)]
    first = found(*gone, random=5)
    assert first.item_ids == found(*gone, random=5).item_ids
    assert first.item_ids != found(*gone, random=5, asker=replace(ASKER, at=AT + 1)).item_ids
    assert [even(item) for item in first.item_ids] == [False] * 5
    assert set(first.sources) == {"random"}
