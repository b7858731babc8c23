"""What a user is told to be stands among the circumstances of what was shown from then on, and goes with the user."""

from __future__ import annotations

from streams.events import Event, Impression, Interaction, Shown, Tick, User
from streams.examples import Shot
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from streams.rules import Label, Rules

RULES = Rules((Label("click", event="click", window=10),), grace=0, out_of_orderness=0)
TOLD = User("p1", 5, "ana", {"age": 30.0, "country": "ch"})


def shown(at: int, **context: str | float) -> Impression:
    return Impression(f"v{at}", at, "ana", f"r{at}", (Shown("tea", 0),), context=context)


def shots(*events: Event) -> list[Shot]:
    joiner = Joiner(RULES, JoinState(MemoryStore()), partition=0, partitions=1)
    given = [joiner.feed(offset, [event]) for offset, event in enumerate([*events, Tick(10_000)])]
    return [shot for one in given if one is not None for shot in one.shots]


def contexts(*events: Event) -> list[dict[str, str | float]]:
    return [shot.context for shot in shots(*events)]


def test_an_impression_has_the_attributes_of_then() -> None:
    later = User("p2", 7, "ana", {"country": "de"})
    assert contexts(shown(6), TOLD, shown(8), later, shown(9)) == [
        {},
        {"user.age": 30.0, "user.country": "ch"},
        {"user.country": "de"},
    ]


def test_an_older_upsert_or_a_repeat_that_comes_later_changes_nothing() -> None:
    older = User("p9", 4, "ana", {"country": "fr"})
    assert contexts(TOLD, older, TOLD, shown(8)) == [{"user.age": 30.0, "user.country": "ch"}]


def test_what_a_request_says_by_itself_holds() -> None:
    assert contexts(TOLD, shown(8, **{"user.country": "it", "hour": 3.0})) == [
        {"user.age": 30.0, "user.country": "it", "hour": 3.0}
    ]


def test_an_organic_visit_has_them_too() -> None:
    assert contexts(TOLD, Interaction("c", 8, "ana", "click", item_id="tea")) == [
        {"user.age": 30.0, "user.country": "ch"}
    ]


def test_with_the_user_they_go_and_what_was_said_before_reopens_nothing() -> None:
    gone = User("f", 7, "ana", deleted=True)
    again = User("p3", 8, "ana", {"country": "at"})
    assert contexts(TOLD, gone, User("p2", 6, "ana", {"country": "de"}), shown(8)) == [{}]
    assert contexts(TOLD, gone, again, shown(9)) == [{"user.country": "at"}]
