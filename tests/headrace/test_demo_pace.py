"""The pace: down when the cores or the answers are slow, up to a ceiling when there is room."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from headrace.demo_pace import FASTEST, SLOWEST, Pace, TreeLoad, seconds_since_start

LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def test_with_room_it_rises_to_the_ceiling() -> None:
    pace = Pace()
    for _ in range(100):
        pace.adapt(busy=0.3, answer_ms=10.0)
    assert pace.rate == FASTEST


@pytest.mark.parametrize(("busy", "answer_ms"), [(0.95, 10.0), (0.2, 900.0), (None, 900.0)])
def test_without_room_it_falls_to_the_floor(busy: float | None, answer_ms: float) -> None:
    pace = Pace()
    for _ in range(100):
        pace.adapt(busy=busy, answer_ms=answer_ms)
    assert pace.rate == SLOWEST


def test_near_the_limit_it_stays() -> None:
    pace = Pace(start=60.0)
    assert pace.adapt(busy=0.68, answer_ms=20.0) == 60.0


def test_it_never_passes_the_fastest_that_was_asked_for() -> None:
    pace = Pace(start=40.0, fastest=45.0)
    assert [pace.adapt(busy=0.2, answer_ms=10.0) for _ in range(4)][-1] == 45.0


def test_without_any_measure_it_tries_more() -> None:
    assert Pace(start=60.0).adapt(busy=None, answer_ms=None) > 60.0


@LINUX
def test_a_busy_process_shows_in_the_load_of_its_tree() -> None:
    load = TreeLoad()
    assert load.look(time.monotonic()) is None
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    busy = load.look(time.monotonic())
    assert busy is not None
    assert 0.0 < busy <= 1.5 / (os.cpu_count() or 1) * 2


@LINUX
def test_the_age_of_this_process_is_known() -> None:
    assert seconds_since_start() > 0.0


def test_without_proc_nothing_is_claimed(tmp_path: Path) -> None:
    assert TreeLoad(tmp_path).look(1.0) is None
    assert seconds_since_start(tmp_path) == 0.0
