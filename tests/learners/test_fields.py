"""Declarations: what can't be meant is told with its name, its fault and what would do."""

from __future__ import annotations

import re

import msgspec
import pytest

from learners.fields import Declared, check
from learners.schema import Schema
from tests.learners.declared import FEATURES

WRONG = {
    "an unknown place": (Declared("number", "item.price"), "can't be from 'item.price'"),
    "a place of another kind": (Declared("vector", "item.text", length=3), "can't be from 'item.text'"),
    "a key that is missing": (Declared("category", "context."), "can't be from 'context.'"),
    "an option of another kind": (Declared("number", "context.age", buckets=7), "buckets means nothing for a number"),
    "a vector without length": (Declared("vector", "item.vector"), "length is 0"),
    "too many values": (Declared("many", "item.tags", most=5000), "most is 5000; it is from 0 to 1000"),
    "a long separator": (Declared("many", "context.tags", separator=", "), "it is one character"),
    "nothing left out": (Declared("none"), "leaves out a feature that is always there"),
    "a space that is not there": (Declared("category", "context.mood", space="moods"), "no space of names is 'moods'"),
    "a space of buckets": (Declared("category", "context.mood", space="words"), "no space of names is 'words'"),
}


@pytest.mark.parametrize(("told", "fault"), WRONG.values(), ids=WRONG.keys())
def test_what_can_not_be_meant_is_told_by_name(told: Declared, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)) as raised:
        Schema(("click",), (), {"mood": told, "words": Declared("text", "query_text")})
    assert str(raised.value).startswith("features.mood: ")


@pytest.mark.parametrize("name", ["Mood", "2nd", "a.b", ""])
def test_a_name_is_a_small_word(name: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        check(name, Declared("text", "query_text"))


@pytest.mark.parametrize("name", ["user", "tags", "position", "category"])
def test_the_names_of_what_is_always_there_are_taken(name: str) -> None:
    with pytest.raises(ValueError, match="taken"):
        Schema(("click",), (), {name: Declared("category", "context.mood")})


def test_fields_stand_by_side_and_name_whatever_the_order_of_their_declarations() -> None:
    turned = dict(reversed(FEATURES.items()))
    one, other = Schema(("click",), ("hour",), FEATURES), Schema(("click",), ("hour",), turned)
    assert one.fields == other.fields
    assert one.spaces == other.spaces
    assert one.told == other.told
    added = [*one.asker_fields[6:], *one.item_fields[4:]]
    assert added == [
        *("asked_for", "basket", "clicked_tags", "country", "interests", "liked"),
        *("brand", "picture", "price", "title"),
    ]


def test_what_shares_a_space_neither_counts_in_it_nor_brings_its_weights() -> None:
    schema = Schema(("click",), ("hour",), FEATURES)
    readers = {field.name for field in (*schema.askers, *schema.items) if field.reads}
    assert readers == {"interests", "clicked_tags", "liked"}
    assert {schema.fields[place] for place in schema.readers} == readers
    uncounted = {field.name for field in (*schema.askers, *schema.items) if not field.counted}
    assert uncounted == readers | {"history", "history_tags", "query", "basket", "price", "picture"}


def test_a_schema_is_written_and_read_back() -> None:
    schema = Schema(("click",), ("hour",), FEATURES)
    assert Schema.of(msgspec.json.decode(msgspec.json.encode(schema.told))) == schema


@pytest.mark.parametrize("name", ["user", "surface", "context"])
def test_only_a_history_that_is_there_by_itself_can_be_declared_by_its_name(name: str) -> None:
    assert Schema(("click",), (), {"history": Declared("history", "history")}).readers
    with pytest.raises(ValueError, match=r"taken|can't be from"):
        Schema(("click",), (), {name: Declared("category", "surface" if name != "context" else "history")})
