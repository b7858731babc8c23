"""Retrieval: what is considered, where it came from, and what never becomes a candidate."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.candidates import Candidates, Strangers
from serving.fold_rules import FoldRules
from serving.known import Known
from serving.live import Bundle
from serving.policy import Quotas
from serving.retrieval import retrieve
from serving.scorer import Asker
from serving.shelf import Shelf
from serving.stock import Stock
from streams.events import Event, Item
from streams.examples import Past
from tests.worlds import MemoryGeneration, MemoryScorer, Telling, bundle_of

AT = 2_000_000_000
NONE = dict.fromkeys((one.name for one in fields(Quotas)), 0) | {"vectors": 4}


def known_of(*events: Event) -> Known:
    known = Known(partitions=1, rules=FoldRules())
    known.parts[0].feed(0, 0, events)
    known.restock()
    known.refresh()
    return known


def found(known: Known, *, history: tuple[str, ...] = (), barred: set[str] = frozenset(), **quotas: int) -> Candidates:
    bundle = bundle_of(1)
    asker = Asker("u0", tuple(Past(item, "click", AT - 1) for item in history), "", {}, AT)
    chosen = Quotas(**(NONE | quotas))
    return retrieve(bundle, known, Shelf(bundle, known.stock), asker, barred=frozenset(barred), quotas=chosen)


def test_an_even_user_is_found_even_items() -> None:
    assert found(known_of()).item_ids == ["i0", "i2", "i4", "i6"]


def test_candidates_keep_the_source_that_found_them_first() -> None:
    tell = Telling()
    known = known_of(tell.click("u9", "i4"), tell.click("u9", "i9"), tell.item("new"))
    candidates = found(known, history=("i4",), covisited=5, popular=5, fresh=5)
    sources = dict(zip(candidates.item_ids, candidates.sources, strict=True))
    assert sources == {f"i{n}": "vectors" for n in (0, 2, 4, 6)} | {"i9": "covisited", "new": "fresh"}
    assert candidates.row_I.tolist()[-1] == -1


def test_neighbours_of_the_last_items_are_found() -> None:
    candidates = found(known_of(), history=("i2", "i3"), recent=6)
    assert set(candidates.sources) == {"vectors", "recent"}
    assert {"i0", "i2"} <= set(candidates.item_ids)


@given(st.sets(st.integers(0, 19)), st.sets(st.integers(0, 19)), st.sets(st.integers(0, 19)))
def test_what_is_gone_closed_or_barred_is_no_candidate(gone: set[int], closed: set[int], barred: set[int]) -> None:
    tell = Telling()
    events = [tell.click("u9", f"i{n}") for n in range(20)] + [tell.item(f"i{n}") for n in range(0, 20, 3)]
    events += [tell.gone(f"i{n}") for n in gone]
    events += [tell.item(f"i{n}", available_until=AT) for n in closed - gone]
    everything = {"vectors": 20, "recent": 60, "covisited": 60, "popular": 60, "trending": 60, "fresh": 60}
    everything |= {"similar": 60, "walked": 60, "categories": 60, "random": 60}
    candidates = found(known_of(*events), history=("i0", "i1"), barred={f"i{n}" for n in barred}, **everything)
    assert set(candidates.item_ids) == {f"i{n}" for n in set(range(20)) - gone - closed - barred}


def test_hiding_items_does_not_cost_places() -> None:
    tell = Telling()
    known = known_of(*[tell.gone(f"i{n}") for n in (0, 2, 4)])
    assert found(known).item_ids == ["i6", "i8", "i10", "i12"]


def test_a_delete_is_seen_by_a_shelf_that_was_asked_before() -> None:
    tell = Telling()
    known, bundle = known_of(tell.item("i0")), bundle_of(1)
    shelf = Shelf(bundle, known.stock)
    assert shelf.hidden(AT).sum() == 0
    known.parts[0].feed(0, 1, [tell.gone("i0"), tell.gone("i7")])
    known.restock()
    assert shelf.hidden(AT).nonzero()[0].tolist() == [0, 7]


@given(
    st.lists(
        st.tuples(st.integers(0, 39), st.sampled_from(["open", "closes", "opens", "gone", "drop", "version"])),
        max_size=60,
    )
)
def test_a_shelf_says_of_each_item_what_stock_and_version_say_of_it_alone(steps: list[tuple[int, str]]) -> None:
    """Items that no version knows, that the stock hears of late, that always may be shown again, and that a version
    has from the one before in another row, are among them."""
    stock, tell, bundle = Stock(), Telling(), bundle_of(3)
    shelf = Shelf(bundle, stock)
    spans: dict[str, dict[str, int]] = {
        "open": {},
        "closes": {"available_until": 500},
        "opens": {"available_from": 500},
    }
    for at, (number, step) in enumerate(steps):
        name = f"i{number}"
        if step == "version":
            scorer = MemoryScorer(at, [f"i{n}" for n in range(number, -1, -1)])
            bundle = Bundle(at, scorer, MemoryGeneration(at, scorer.item_vectors))
            shelf = Shelf(bundle, stock, shelf)
        elif step == "drop":
            stock.drop(name)
        else:
            item = tell.gone(name) if step == "gone" else tell.item(name, **spans[step])
            assert isinstance(item, Item)
            stock.put(item)
        for moment in (1_000 * at, 1_000 * at + 400) if at % 2 else (400, 800):
            wanted = [not stock.open_at(item_id, moment) for item_id in bundle.scorer.item_ids]
            assert shelf.hidden(moment).tolist() == wanted
            assert shelf.all_open(moment) == (not any(wanted))
        strangers = Strangers()
        keys = shelf.keys(np.arange(len(stock.item_ids)), strangers).tolist()
        offered = list(bundle.scorer.item_ids)
        assert [offered[key] if key >= 0 else strangers.item_id(key) for key in keys] == stock.item_ids
        assert [key >= 0 for key in keys] == [item_id in offered for item_id in stock.item_ids]


def test_an_item_that_was_numbered_since_is_called_by_its_row() -> None:
    known, bundle = known_of(), bundle_of(1)
    shelf = Shelf(bundle, known.stock)
    codes = np.array([known.stock.code(item_id) for item_id in ("i3", "new")])
    assert shelf.keys(codes, Strangers()).tolist() == [3, -1]
