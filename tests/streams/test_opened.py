"""Openings that are too old to matter, and what stands in their place before a sweep came by."""

from __future__ import annotations

from streams.examples import Shot
from streams.join_keys import EXAMPLE, OF_USER, OPEN, SHOT, after_prefix, time_key
from streams.join_state import JoinState, MemoryStore
from streams.opened import Item, Openings, Record, Waiting

TEA, JAM, ANA = b"tea-------", b"jam-------", b"ana-------"
WAITING = Waiting(40, "click", None, ANA)


def opened(openings: Openings, at: int, *examples: bytes) -> bytes:
    key = OPEN + time_key(at) + ANA
    record = Record("home", ANA, at, [Item("i", 0, example, b"", [1]) for example in examples])
    openings.open(key, record, Shot("ana", at), slated=True)
    return key


def everything(state: JoinState) -> list[bytes]:
    return [key for family in (OPEN, SHOT, EXAMPLE, OF_USER) for key, _ in state.scan(family, after_prefix(family))]


def test_what_opens_again_takes_the_place_of_what_is_too_old_whole() -> None:
    state = JoinState(MemoryStore())
    openings = Openings(state)
    opened(openings, 10, TEA, JAM)
    assert openings.look(TEA, since=20) == []
    assert everything(state) == []
    key = opened(openings, 30, TEA)
    found = openings.find(TEA, since=20)
    assert found is not None
    assert found.key == key


def test_what_waits_takes_the_place_of_what_is_too_old_whole() -> None:
    state = JoinState(MemoryStore())
    openings = Openings(state)
    opened(openings, 10, TEA, JAM)
    assert openings.find(TEA, since=20) is None
    openings.wait(TEA, WAITING)
    openings.wait(TEA, WAITING)
    assert state.get(OPEN + time_key(10) + ANA) is None
    assert openings.look(JAM, since=20) == []
    assert openings.take_waiting(TEA) == [WAITING, WAITING]


def test_an_open_example_is_told_apart_from_a_new_one() -> None:
    openings = Openings(JoinState(MemoryStore()))
    opened(openings, 10, TEA)
    assert openings.look(TEA, since=5) is None
    assert openings.look(JAM, since=5) == []
