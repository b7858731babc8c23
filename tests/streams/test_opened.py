"""Openings that are too old to matter, and what stands in their place before a sweep came by."""

from __future__ import annotations

from streams.join_keys import OPEN, REQUEST, after_prefix, time_key
from streams.join_state import JoinState, MemoryStore
from streams.opened import Item, Openings, Record, Waiting

ANA, NAME = b"ana-------", b"ana-------first-----"
WAITING = Waiting(40, "click", None, "tea")


def opened(openings: Openings, at: int, *items: str) -> bytes:
    key, size = OPEN + time_key(at) + ANA, len(items)
    examples, nothing = b"".join(item.encode().ljust(10) for item in items), [b""] * size
    record = Record("home", at, True, b"", list(items), list(range(size)), examples, nothing, [bytes([1] * size)])
    openings.open(key, NAME, record, openings.asked(NAME))
    return key


def everything(state: JoinState) -> list[bytes]:
    return [key for family in (OPEN, REQUEST) for key, _ in state.scan(family, after_prefix(family))]


def test_what_is_too_old_is_neither_found_nor_in_the_way() -> None:
    openings = Openings(JoinState(MemoryStore()))
    opened(openings, 10, "tea", "jam")
    asked = openings.asked(NAME)
    assert asked is not None
    assert openings.open_items(asked, since=20) == set()
    assert openings.find(NAME, "tea", since=20) is None
    key = opened(openings, 30, "tea")
    found = openings.find(NAME, "tea", since=20)
    assert found is not None
    assert found.key == key


def test_what_goes_leaves_those_of_its_request_that_stay() -> None:
    state = JoinState(MemoryStore())
    openings = Openings(state)
    old, new = opened(openings, 10, "tea"), opened(openings, 30, "tea", "jam")
    told = state.get(old)
    assert told is not None
    openings.unlink(old, told)
    state.delete(old)
    assert openings.find(NAME, "jam", since=0) is not None
    told = state.get(new)
    assert told is not None
    openings.unlink(new, told)
    state.delete(new)
    assert everything(state) == []


def test_what_waited_is_given_once_to_the_impression_that_has_its_item() -> None:
    openings = Openings(JoinState(MemoryStore()))
    openings.wait(NAME, WAITING)
    openings.wait(NAME, Waiting(41, "click", None, "jam"))
    record = Record("", 1, True, b"", ["tea"], [0], b"tea-------", [b""], [b"\1"])
    key = OPEN + time_key(39) + ANA
    assert openings.open(key, NAME, record, openings.asked(NAME)) == [WAITING]
    asked = openings.asked(NAME)
    assert asked is not None
    assert [one.item_id for one in asked.waits] == ["jam"]
    assert openings.open_items(asked, since=5) == {"tea"}


def test_what_waits_goes_with_its_time_and_with_its_user() -> None:
    state = JoinState(MemoryStore())
    openings = Openings(state)
    openings.wait(NAME, WAITING)
    openings.wait(NAME, Waiting(60, "click", None, "jam"))
    (first, _), *_ = state.scan(b"\2", b"\3")
    assert openings.expire(first, since=50) == 1
    asked = openings.asked(NAME)
    assert asked is not None
    assert [one.ts for one in asked.waits] == [60]
    opened(openings, 55, "tea")
    openings.forget(ANA)
    assert everything(state) == []


def test_an_item_is_taken_out_and_put_back() -> None:
    record = Record("", 1, True, b"", ["tea", "jam"], [0, 1], bytes(20), [b"", b""], [b"\1\1", b"\1\2"])
    item = record.item(1)
    assert item == Item("jam", 1, bytes(10), b"", [1, 2])
    item.states = [3, 4]
    record.take(1, item)
    assert record.states == [b"\1\3", b"\1\4"]
