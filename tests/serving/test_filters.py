"""Filters as text: what they say, and what is wrong with those that say nothing."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.filter_terms import AnyOf, BadFilter, Every, Has, Is, Not, Within
from serving.filters import MAX_CHARACTERS, MAX_DEPTH, parsed


def test_and_binds_closer_than_or_and_not_closer_than_both() -> None:
    assert parsed("a = 1 OR NOT b = 2 AND c = 3").term == AnyOf(
        (Is("a", (1.0,)), Every((Not(Is("b", (2.0,))), Is("c", (3.0,)))))
    )


def test_words_are_read_in_any_case_and_names_may_begin_with_them() -> None:
    assert parsed("android = 1 and not notice in (2)").term == Every((Is("android", (1.0,)), Not(Is("notice", (2.0,)))))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("price < 5", Within("price", None, 5.0, open=True)),
        ("price >= -5e2", Within("price", -500.0, None)),
        ("price BETWEEN 1 AND 2", Within("price", 1.0, 2.0)),
        ("EXISTS `unit price`", Has("unit price")),
        ("sold = TRUE", Is("sold", (1.0,))),
        ("tags NOT IN ('a', \"b\")", Not(Is("tags", ("a", "b")))),
        ("author != 'it\\'s \\\\ me'", Not(Is("author", ("it's \\ me",)))),
        ("available_until > '1970-01-01T00:00:01Z'", Within("available_until", 1_000.0, None, open=True)),
        ("available_until > '1970-01-01T00:00:01'", Within("available_until", 1_000.0, None, open=True)),
        ("available_until > '1970-01-01T02:00:01+02:00'", Within("available_until", 1_000.0, None, open=True)),
        ("available_from <= 7", Within("available_from", None, 7.0)),
    ],
)
def test_a_condition_says(text: str, term: object) -> None:
    assert parsed(text).term == term


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        ("price <", "at column 8 the filter ends, but FALSE, TRUE, a number or a text in quotes was expected"),
        ("price < 5 5", "at column 11 stands '5', but AND, OR or the end was expected"),
        ("price ~ 5", "at column 7 stands '~', but BETWEEN, IN, NOT or one of = != < <= > >= was expected"),
        ("a = 1 AND (b = 2", "at column 17 the filter ends, but "),
        ("author = 7", 'at column 10 stands 7, but author holds text: write "7"'),
        ("available_from >= 'noon'", "at column 19 available_from is compared with 'noon'"),
        ("a BETWEEN 1 AND 'x'", "at column 1 a is between a number and a text"),
        ("a = 1e999", "at column 5 1e999 is too large"),
        ("NOT " * 30 + "a = 1", "is nested more than 20 deep"),
        ("a = 1 OR " * MAX_CHARACTERS, "has 45,000 characters; at most 5,000 are taken"),
    ],
)
def test_a_filter_that_says_nothing_is_told_where(text: str, what: str) -> None:
    with pytest.raises(BadFilter) as bad:
        parsed(text)
    assert what in str(bad.value)


def test_a_filter_may_be_as_long_and_as_deep_as_is_said_and_no_longer() -> None:
    longest = "a = 1".ljust(MAX_CHARACTERS)
    assert parsed(longest).term == Is("a", (1.0,))
    deepest = "NOT " * MAX_DEPTH + "a = 1"
    assert parsed(deepest).term == parsed(f"NOT ({deepest.removeprefix('NOT ')})").term
    for beyond, what in ((f"{longest} ", "characters"), (f"NOT {deepest}", "nested")):
        with pytest.raises(BadFilter, match=what):
            parsed(beyond)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.lists(st.sampled_from(["a", "=", "1", "'x'", "(", ")", "NOT", "AND", "IN", ","])))
def test_any_text_is_a_filter_or_is_told_what_is_wrong(text: str | list[str]) -> None:
    with suppress(BadFilter):
        parsed(text if isinstance(text, str) else " ".join(text))
