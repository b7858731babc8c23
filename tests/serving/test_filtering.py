"""What filters let through, held against a look at each item by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.filter_terms import AnyOf, BadFilter, Every, Filter, Has, Is, Not, Term, Within
from serving.filtering import MOST_CHANGES, Changes
from serving.filters import parsed
from serving.stock import Stock
from streams.events import Item

WORDS = ("a", "b", "c", "")
FIELDS = ("author", "categories", "tags", "price", "kind", "attributes.author", "available_from")
values = st.sampled_from(WORDS) | st.sampled_from((0.0, 1.0, 2.5))
fields = st.sampled_from(FIELDS)
conditions: st.SearchStrategy[Term] = st.one_of(
    st.builds(Is, fields, st.lists(values, min_size=1, max_size=3).map(tuple)),
    st.builds(Has, fields),
    st.builds(Within, fields, st.sampled_from(WORDS), st.none() | st.sampled_from(WORDS), st.booleans()),
    st.builds(Within, fields, st.none(), st.sampled_from((1.0, 2.0, *WORDS)), st.booleans()),
    st.builds(Within, fields, st.sampled_from((1.0, 2.0)), st.none() | st.sampled_from((1.0, 2.5)), st.booleans()),
)
terms = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Every, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
words = st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(tuple)
attributes = st.dictionaries(st.sampled_from(("price", "kind", "author")), values, max_size=3)
items = st.builds(
    lambda number, **fields: Item("e", 5, f"i{number}", **fields),
    st.integers(0, 9),
    author=st.none() | st.sampled_from(WORDS),
    categories=words,
    tags=words,
    attributes=attributes,
    available_from=st.none() | st.sampled_from((1, 3)),
    deleted=st.sampled_from((False, False, True)),
)


def told(item: Item | None, name: str) -> list[Any]:
    """The values of an item's field."""
    if item is None or item.deleted:
        return []
    if name in ("categories", "tags"):
        return list(getattr(item, name))
    if name.startswith("attributes.") or name in ("price", "kind"):
        value = item.attributes.get(name.removeprefix("attributes."))
    else:
        value = getattr(item, name)
    return [] if value is None else [value]


def within(value: Any, term: Within) -> bool:
    if any(isinstance(bound, str) != isinstance(value, str) for bound in (term.low, term.high) if bound is not None):
        return False
    above = term.low is None or (value > term.low if term.open else value >= term.low)
    return above and (term.high is None or (value < term.high if term.open else value <= term.high))


def holds(term: Term, item: Item | None) -> bool:
    match term:
        case Not():
            return not holds(term.term, item)
        case Every():
            return all(holds(one, item) for one in term.terms)
        case AnyOf():
            return any(holds(one, item) for one in term.terms)
        case Is():
            return any(value in term.values for value in told(item, term.name))
        case Has():
            return bool(told(item, term.name))
        case Within():
            return any(within(value, term) for value in told(item, term.name))


@settings(max_examples=120, deadline=None)
@given(st.lists(items, max_size=8), terms, st.lists(items, max_size=4), st.booleans())
def test_a_filter_lets_through_what_a_look_at_each_item_lets_through(
    first: list[Item], term: Term, later: list[Item], between: bool
) -> None:
    stock, now = Stock(), dict[str, Item]()
    wanted = Filter(repr(term), term)
    stock.put(Item("e", 0, "known", categories=WORDS, attributes={"price": 1.0, "kind": "a", "author": "a"}))
    now["known"] = stock.item("known")  # type: ignore[assignment]
    stock.code("never declared")
    for item in (*first, *later):
        stock.put(item)
        now[item.item_id] = item
        if between:
            stock.passing(wanted)
    stock.drop("i3")
    now.pop("i3", None)
    passing = stock.passing(wanted)
    names = [*[f"i{number}" for number in range(10)], "known", "never declared", "never heard of"]
    expected = [holds(term, now.get(name)) for name in names]
    assert passing.of(stock.codes(names)).tolist() == expected
    assert [passing.lets(stock.find(name)) for name in names] == expected


def test_many_items_give_what_few_give() -> None:
    stock = Stock()
    for number in range(3_000):
        stock.put(Item("e", 1, f"i{number}", tags=(f"t{number % 7}", f"u{number}"), attributes={"price": number % 10}))
    of = (("price", "3"), ("tags", "'t0'"), ("tags", "'u999'"))  # the least tag and the greatest
    bounds = [f"{name} {sign} {value}" for name, value in of for sign in ("<", "<=", ">", ">=")]
    for text in (*bounds, "price BETWEEN 2 AND 3", "tags = 't3'", "tags IN ('u17', 't5') AND price < 3", "EXISTS tags"):
        wanted = parsed(text)
        passing = stock.passing(wanted)
        assert passing.of(stock.codes(stock.item_ids)).tolist() == [
            holds(wanted.term, stock.item(name)) for name in stock.item_ids
        ]


def test_a_field_that_no_item_has_is_told_with_those_that_there_are() -> None:
    stock = Stock()
    stock.put(Item("e", 1, "tea", attributes={"price": 3.0}))
    with pytest.raises(BadFilter, match=r"at column 1 'pirce' is no field .* author, .*, price, tags"):
        stock.passing(parsed("pirce < 3"))
    assert stock.passing(parsed("attributes.pirce < 3")).lets(0) is False


def test_changes_that_went_are_looked_for_everywhere() -> None:
    changes = Changes()
    for code in range(3 * MOST_CHANGES):
        changes.tell(code)
    assert changes.since(changes.revision - 2) == [3 * MOST_CHANGES - 2, 3 * MOST_CHANGES - 1]
    assert changes.since(0) is None
