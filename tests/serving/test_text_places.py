"""Places of texts that stand as bytes: those that a dictionary of the same texts gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import text_places
from serving.exported import texts_of
from serving.text_places import TextPlaces
from serving.texts import Texts

NAMES = st.lists(st.text("aäbc0", max_size=3), max_size=60)
ASKED = st.lists(st.text("aäbc0\ud800", max_size=3), max_size=60)


@given(NAMES, ASKED)
def test_places_are_those_of_a_dictionary(names: list[str], asked: list[str]) -> None:
    """Of the same texts the last stands, and nothing is called ""."""
    wanted = {name: place for place, name in enumerate(names) if name}
    places = TextPlaces(Texts.of(names))
    for _ in ("looked up", "remembered"):
        assert places.of(asked) == [wanted.get(name, -1) for name in asked]
    assert places.of_all(Texts.of(names)).tolist() == [wanted.get(name, -1) for name in names]


@given(NAMES, st.integers(-70, 70), st.integers(-70, 70), st.sampled_from([-2, -1, 1, 3]))
def test_texts_are_a_sequence_as_a_list_is(names: list[str], first: int, last: int, step: int) -> None:
    texts = Texts.of(names)
    assert list(texts) == names
    assert [texts[at] for at in range(-len(names), len(names))] == names + names
    assert texts[first:last:step] == names[first:last:step]
    assert list(texts.first(max(0, last))) == names[: max(0, last)]


def test_what_is_remembered_of_many_askers_stays_small_and_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_places, "MET", 50)
    names = [f"i{n}" for n in range(5_000)]
    places = TextPlaces(Texts.of(names))
    for first in range(0, 5_000, 7):
        assert places.of([*names[first : first + 7], "never"]) == [*range(first, min(first + 7, 5_000)), -1]
    assert places.of(names) == list(range(5_000))
    assert len(places._met) <= 50


@pytest.mark.parametrize("ends", [[3, 2, 6], [-1, 6], [3, 7], [3, 5]])
def test_ends_that_do_not_lie_in_the_bytes_are_refused(ends: list[int]) -> None:
    with pytest.raises(ValueError, match="6 bytes"):
        texts_of({"a.bytes": np.frombuffer(b"teapot", np.uint8), "a.ends": np.array(ends)}, "a")
