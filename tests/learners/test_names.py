"""Texts and their keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from learners.names import Names
from learners.schema import number_of


def test_strings_that_look_like_numbers_are_other_ids() -> None:
    texts = ["7", "007", "+7", " 7", "7 ", "7.0", "-7", "-07", "-0", "0", "00", "1_000", "1000", "٧", "७", "٣٤"]
    texts += [str(2**63 - 1), str(2**63), str(-(2**63)), str(-(2**63) - 1), "9" * 30]
    names = Names(("item",))
    assert len({names.code(0, text) for text in texts}) == len(texts)


@given(st.lists(st.text(max_size=20) | st.integers().map(str)))
def test_two_texts_never_share_a_key(texts: list[str]) -> None:
    names = Names(("item",))
    first = {text: names.code(0, text) for text in texts}
    assert len(set(first.values())) == len(first)
    assert all(names.code(0, text) == code for text, code in first.items())


def test_a_number_is_itself() -> None:
    assert number_of(str(-(2**63))) == -(2**63)
    assert Names(("user",)).code(0, "-5") == (0, -5)


def test_what_was_withdrawn_was_never_named() -> None:
    names = Names(("user", "item"))
    names.code(0, "ana")
    names.settle()
    names.code(0, "bob")
    names.code(1, "tea")
    names.withdraw()
    assert names.dump() == {"user": ["ana"], "item": []}
    assert names.code(0, "cleo") == (1, 1)


def test_a_forgotten_text_is_gone_and_its_number_is_not_given_again() -> None:
    names = Names(("user",))
    names.code(0, "ana")
    names.code(0, "bob")
    assert names.forget(0, "ana") == (1, 0)
    assert "ana" not in str(names.dump())
    assert names.code(0, "ana") == (1, 2)
    restored = Names(("user",))
    restored.load(names.dump())
    assert restored.code(0, "ana") == (1, 2)
    assert restored.code(0, "bob") == (1, 1)
