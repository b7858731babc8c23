"""What frames of examples count: every interaction that came, once, and what sources announced of them."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from streams.counters import KEPT_MS, Counters
from streams.decisions import Decision
from streams.events import Announcement, Arrival, Event, Impression, Interaction, Shown, Tick
from streams.examples import ExampleFrame
from streams.frames import EventFrame, encode_frame
from streams.join_head import Head
from streams.join_state import JoinState, MemoryStore
from streams.mask import Entry
from streams.rules import Label, Rules
from tests.streams.join_runs import World, frames_in_force

RULES = Rules((Label("click", event="click", window=100),), grace=10, out_of_orderness=20)


def click(n: int, producer: str = "web") -> Interaction:
    return Interaction(f"c{n}", 1000 + n * 10, "ana", "click", "tea", f"r{n}", producer=producer)


def said(n: int, total: int, source: str = "page-1", producer: str = "web") -> Announcement:
    return Announcement(f"a{n}", 1000 + n * 10, source, 1000, {"click": total, "impression": 9}, producer)


LOG: list[Arrival] = [Impression("i0", 1000, "ana", "r0", (Shown("tea", 0),), producer="web")]
LOG += [one for n in range(40) for one in (click(n), said(n, n + 1 + n // 10))]
LOG += [click(39), Tick(90_000)]  # one that comes twice, and the end
"""Forty clicks, three of which more were announced than came."""


def world(size: int, entry: Entry | None = None) -> World:
    """The log in frames of so many events, perhaps with a mask."""
    made, events, aside = [], list[Event](), list[tuple[int, Announcement]]()
    for n, one in enumerate(LOG, 1):
        if isinstance(one, Announcement):
            aside.append((len(events), one))
        else:
            events.append(one)
        if n % size == 0 or n == len(LOG):
            made.append(encode_frame(EventFrame(tuple(events), announced=tuple(aside))))
            events, aside = [], []
    there = World([], rules=RULES)
    there.events.append(0, made, at=0)
    if entry is not None:
        there.decisions.decide(Decision("mask", 1, "ana", "bad", 0, add=(entry,)))
    there.drain()
    return there


def summed(frames: list[ExampleFrame]) -> dict[tuple[str, str], tuple[int, int]]:
    announced, delivered = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for frame in frames:
        for one in frame.counted:
            announced[one.producer, one.type] += one.announced
            delivered[one.producer, one.type] += one.delivered
    return {kind: (announced[kind], delivered[kind]) for kind in delivered}


@pytest.mark.parametrize("size", [1, 7, 100])
def test_each_interaction_is_counted_once_however_the_log_is_framed(size: int) -> None:
    assert summed(frames_in_force(world(size))) == {("web", "click"): (43, 40)}


def test_what_is_masked_did_come() -> None:
    masked = world(7, Entry("q", start={0: 2}, producer="web"))
    assert summed(frames_in_force(masked))["web", "click"][0] == 43
    assert summed(frames_in_force(masked))["web", "click"][1] >= 40


def test_a_frame_that_counts_nothing_says_nothing() -> None:
    quiet = World([[Tick(2000)], [Tick(9000)]], rules=RULES)
    quiet.drain()
    assert [frame.counted for frame in frames_in_force(quiet)] == [(), ()]


def test_a_source_is_forgotten_an_hour_after_it_fell_silent_and_then_taken_for_an_old_one() -> None:
    head, state = Head(counting=0, watermark=60_000), JoinState(MemoryStore())
    counters = Counters(state, head)
    counters.announced(said(1, 5))
    ((marker, _),) = state.scan(b"\x06", b"\x07")
    counters.expire(marker)
    head.purged = KEPT_MS + 2_000
    counters.announced(said(2, 9))
    counters.announced(said(3, 11))
    assert counters.take()[0].announced == 5 + 2


def test_a_source_that_was_heard_since_is_kept() -> None:
    head, state = Head(counting=0, watermark=60_000), JoinState(MemoryStore())
    counters = Counters(state, head)
    counters.announced(said(1, 5))
    ((marker, _),) = state.scan(b"\x06", b"\x07")
    head.watermark = 200_000
    counters.announced(said(2, 6))
    counters.expire(marker)
    counters.announced(said(3, 8))
    assert counters.take()[0].announced == 8


def test_the_head_of_before_counts_from_now_on() -> None:
    older = {
        name: value for name, value in msgspec.to_builtins(Head(watermark=5)).items() if not name.startswith("count")
    }
    assert msgspec.convert(older, Head).counting == -1
