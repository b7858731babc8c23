"""Edges say all there is to say: masks whose edges agree below an offset hide the same events below it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from msgspec import UNSET

from streams.events import Event, Impression, Interaction, Item
from streams.mask import Entry, Masking, equal_below

OFFSETS = range(10)
EVENTS: tuple[Event, ...] = (
    *(Interaction("e", ts, "ana", "click", app_version=app) for ts in (5, 12, 17, 22, 30) for app in ("1", "9")),
    *(Item("x", ts, "tea") for ts in (5, 12, 17, 22, 30)),
)
SHOWN = [Impression("v", ts, "ana", "r", (), app_version=app) for ts in (5, 12, 17, 22, 30) for app in ("1", "9")]


def some_mask(random: Random) -> Masking:
    return Masking(some_entry(random, f"q{n}") for n in range(random.randrange(4)))


def some_entry(random: Random, name: str) -> Entry:
    stop, t0, t1 = random.choice((None, 0, 4, 7, 9)), random.choice((None, 10, 20)), random.choice((None, 15, 25))
    app, labels = random.choice((None, "9")), random.choice((UNSET, UNSET, ("buy",), ("click", "buy")))
    if stop is None:
        return Entry(name, {0: random.choice((2, 5))}, t0=t0, app_version=app, labels=labels)
    return Entry(name, {0: random.choice((2, 5))}, {0: stop}, t0, t1, app_version=app, labels=labels)


def hidden(mask: Masking, offset: int) -> tuple[list[bool], dict[int, frozenset[str]]]:
    return [mask.hides(0, offset, event) for event in EVENTS], dict(mask.shut(0, offset, SHOWN))


def pairs(random: Random) -> Iterator[tuple[Masking, Masking]]:
    for _ in range(2000):
        yield some_mask(random), some_mask(random)


@pytest.mark.parametrize("seed", range(3))
def test_where_edges_agree_the_same_is_hidden(seed: int) -> None:
    agreed = 0
    for left, right in pairs(Random(seed)):
        below = max(x for x in range(len(OFFSETS) + 1) if equal_below(left, right, {0: x}))
        agreed += below > 2
        for offset in OFFSETS[:below]:
            assert hidden(left, offset) == hidden(right, offset), (left.entries, right.entries, offset)
    assert agreed > 50


@pytest.mark.parametrize("seed", range(3))
def test_under_one_lineage_the_same_is_hidden(seed: int) -> None:
    for left, right in pairs(Random(seed)):
        for offset in OFFSETS:
            if left.lineage(0, offset) == right.lineage(0, offset):
                assert hidden(left, offset) == hidden(right, offset), (left.entries, right.entries, offset)


def test_a_longer_entry_beside_a_shorter_one_is_a_change_where_the_shorter_one_ends() -> None:
    short, long = Entry("q1", {0: 2}, {0: 4}, app_version="9"), Entry("q2", {0: 2}, {0: 7}, app_version="9")
    assert equal_below(Masking([short]), Masking([short, long]), {0: 4})
    assert not equal_below(Masking([short]), Masking([short, long]), {0: 5})


def test_an_open_entry_beside_a_closed_one_is_a_change_where_the_closed_one_ends() -> None:
    ended, still = Entry("q1", {0: 2}, {0: 4}, app_version="9"), Entry("q2", {0: 2}, app_version="9")
    assert not equal_below(Masking([ended]), Masking([ended, still]), {0: 5})
    assert equal_below(Masking([still]), Masking([ended, still]), {0: 10**6})


def test_an_end_without_a_time_brings_items_back_from_the_begin_on() -> None:
    still, ended = Entry("q", {0: 2}, t0=10), Entry("q", {0: 2}, {0: 9}, t0=10)
    assert not equal_below(Masking([still]), Masking([ended]), {0: 3})
