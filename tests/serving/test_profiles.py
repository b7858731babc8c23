"""Profiles: what a server knows of a user."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.fold_rules import FoldRules
from serving.part import Part
from serving.profiles import Profiles
from streams.examples import Past
from streams.histories import Histories
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from tests.streams.messy_logs import any_rules, messy_log, shares


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.sampled_from(("click", "purchase"))), max_size=30),
    st.integers(0, 10),
    st.sampled_from(({}, {"purchase": 2})),
)
def test_a_history_is_the_one_that_the_joiner_keeps(
    acts: list[tuple[str, int, str]], at: int, history_of: dict[str, int]
) -> None:
    joiner = Histories(JoinState(MemoryStore()), size=4, size_of=history_of)
    profiles = Profiles(history=4, history_of=history_of, seen=9)
    for n, (user, ts, kind) in enumerate(acts):
        past = Past(f"i{n}", kind, ts)
        joiner.add(user, past)
        profiles.act(user, past, wanted=True)
    for user in "ab":
        assert profiles.of(user).until(at) == joiner.before(user, at)


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 15))
def test_a_server_that_folds_the_log_of_a_joiner_keeps_its_histories(random: Random, visits: int) -> None:
    rules, events = any_rules(random), shares(messy_log(random, visits, busy=True), 1)[0]
    state = JoinState(MemoryStore())
    joiner = Joiner(rules, state, partition=0, partitions=1)
    part = Part(
        0,
        1,
        FoldRules(
            history=rules.history,
            history_of=rules.history_of,
            out_of_orderness=rules.out_of_orderness,
            horizon=rules.lifespan,
        ),
    )
    for offset, event in enumerate(events):
        joiner.feed(offset, [event])
        part.feed(0, offset, [event])
    histories = Histories(state, size=rules.history, size_of=rules.history_of)
    for user in (f"u{n}" for n in range(5)):
        assert part.profiles.of(user).until(300_000) == histories.before(user, 300_000)


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
