"""Profiles: what a server knows of a user."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from serving.profiles import Profiles
from streams.examples import Past
from streams.histories import Histories
from streams.join_state import JoinState, MemoryStore


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), max_size=30), st.integers(0, 10))
def test_a_history_is_the_one_that_the_joiner_keeps(acts: list[tuple[str, int]], at: int) -> None:
    joiner, profiles = Histories(JoinState(MemoryStore()), size=4), Profiles(history=4, seen=9)
    for n, (user, ts) in enumerate(acts):
        past = Past(f"i{n}", "click", ts)
        joiner.add(user, past)
        profiles.act(user, past, wanted=True)
    for user in "ab":
        assert profiles.of(user).until(at) == joiner.before(user, at)


def test_what_lies_after_the_moment_of_asking_is_not_known() -> None:
    profiles = Profiles(history=9, seen=9)
    profiles.act("ana", Past("tea", "click", 10), wanted=True)
    assert profiles.of("ana").until(9) == ()
    assert profiles.of("ana").history_at == 10


def test_showings_are_counted_until_the_item_is_wanted() -> None:
    profiles = Profiles(history=9, seen=9)
    profiles.show("ana", ["tea", "jam"], 1)
    profiles.show("ana", ["tea"], 2)
    assert profiles.of("ana").seen == {"jam": (1, 1), "tea": (2, 2)}
    profiles.act("ana", Past("tea", "click", 3), wanted=True)
    assert profiles.of("ana").seen["tea"] == (0, 2)


def test_only_the_items_shown_last_are_remembered() -> None:
    profiles = Profiles(history=9, seen=2)
    for ts, item in enumerate(("tea", "jam", "tea", "oil")):
        profiles.show("ana", [item], ts)
    assert list(profiles.of("ana").seen) == ["tea", "oil"]


def test_nobody_is_known_before_anything_happened() -> None:
    assert Profiles(history=9, seen=9).of("ana").history_at is None
