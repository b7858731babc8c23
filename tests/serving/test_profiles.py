"""Profiles: what a server knows of a user."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.answers import Ask
from serving.fold_rules import FoldRules
from serving.model_rung import asker_of
from serving.part import Part
from serving.part_files import restore, snapshot
from serving.profiles import Profiles
from streams.events import User
from streams.examples import Past
from streams.histories import Histories
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from streams.known_users import KnownUsers
from tests.streams.messy_logs import any_rules, messy_log, shares, told_users


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
    log = messy_log(random, visits, busy=True) + told_users(random, visits)
    rules, events = any_rules(random), shares(sorted(log, key=lambda arrival: arrival[0]), 1)[0]
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
    histories, users = Histories(state, size=rules.history, size_of=rules.history_of), KnownUsers(state)
    for user in (f"u{n}" for n in range(5)):
        assert part.profiles.of(user).until(300_000) == histories.before(user, 300_000)
        assert part.profiles.of(user).circumstances == users.of(user)


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


def test_an_asker_says_what_the_joiner_says_of_the_user(tmp_path: Path) -> None:
    part = Part(0, 1, FoldRules())
    part.feed(0, 0, [User("p", 5, "ana", {"country": "ch", "age": 30.0})])
    assert asker_of(Ask("ana", 1, at=9, context={"hour": 3.0}), part.profiles.of("ana")).context == {
        "user.age": 30.0,
        "user.country": "ch",
        "hour": 3.0,
    }
    again = Part(0, 1, FoldRules())
    restore(again, snapshot(part, tmp_path))
    assert again.profiles.of("ana").circumstances == part.profiles.of("ana").circumstances
    part.feed(0, 1, [User("f", 6, "ana", deleted=True), User("p", 5, "ana", {"country": "ch"})])
    assert part.profiles.of("ana").circumstances == {}
