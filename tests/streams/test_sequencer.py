"""When the sequencer closes frames, when it ticks, and what times it gives them."""

from __future__ import annotations

from itertools import islice

import pytest

from streams.events import Tick, User
from streams.log import MemoryLogs
from tests.streams.raw_topics import (
    Clock,
    click,
    frames,
    put,
    settle,
    ticks,
    turns,
)


@pytest.mark.parametrize(("events", "sizes"), [(250, [100, 100, 50]), (100, [100]), (1, [1])])
def test_frames_hold_at_most_a_hundred_events(events: int, sizes: list[int]) -> None:
    logs = MemoryLogs()
    for n in range(events):
        put(logs, 0, click(n), 1_000)
    settle(logs, Clock())
    held = [len(frame.events) for _, frame in frames(logs, 0) if not any(isinstance(e, Tick) for e in frame.events)]
    assert held == sizes


def test_a_few_events_wait_for_the_frame_to_be_due_and_a_hundred_do_not() -> None:
    logs, clock = MemoryLogs(), Clock()
    running = turns(logs, clock, tick_ms=10**9)
    put(logs, 0, click(0), clock.now)
    assert next(running).idle
    clock.now += 19
    assert next(running).idle
    clock.now += 1
    assert next(running).frames == 1
    for n in range(100):
        put(logs, 0, click(n), clock.now)
    assert next(running).frames == 1


def test_ticks_come_each_second_while_it_is_quiet() -> None:
    logs, clock = MemoryLogs(), Clock()
    running = turns(logs, clock)
    begun = clock.now
    for _ in range(500):
        next(running)
        clock.now += 10
    assert ticks(logs, 0) == ticks(logs, 1) == [begun + 1_000 * n for n in range(5)]


def test_no_tick_while_events_come() -> None:
    logs, clock = MemoryLogs(), Clock()
    running = turns(logs, clock)
    next(running)
    for n in range(300):
        put(logs, 0, click(n), clock.now)
        next(running)
        clock.now += 10
    assert len(ticks(logs, 0)) == 1
    assert len(ticks(logs, 1)) == 3


def test_items_and_users_move_no_time_so_ticks_go_on_beside_them() -> None:
    logs, clock = MemoryLogs(), Clock()
    running = turns(logs, clock)
    for n in range(300):
        put(logs, 0, User(f"e{n}", 5, "ana"), clock.now)
        next(running)
        clock.now += 10
    assert len(ticks(logs, 0)) >= 2


def test_no_tick_before_the_sources_are_read_to_their_ends() -> None:
    logs, clock = MemoryLogs(), Clock(step=500)
    for n in range(50):
        put(logs, 0, User(f"e{n}", 5, "ana"), 1_000)
    for report in islice(turns(logs, clock, read_limit=2), 20):
        assert report.behind
    assert ticks(logs, 0) == []
    assert len(ticks(logs, 1)) > 5


def test_the_record_time_is_that_of_closing_and_never_goes_back() -> None:
    logs, clock = MemoryLogs(), Clock(now=50_000)
    put(logs, 0, click(0), 1_000)
    settle(logs, clock, tick_ms=10**9)
    put(logs, 0, click(1), 1_000)
    settle(logs, Clock(now=20_000), tick_ms=10**9)
    put(logs, 0, click(2), 1_000)
    settle(logs, Clock(now=90_000), tick_ms=10**9)
    assert [at for at, _ in frames(logs, 0)] == [50_020, 50_020, 90_020]
