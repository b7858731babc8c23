"""Collections of garbage stay short, and what they pass over is freed all the same."""

from __future__ import annotations

import gc
import os
import sys
import threading
import weakref
from collections.abc import Iterator

import pytest

from serving.short_turns import BEHIND, short_turns, standing_behind


class Held:
    """Something that could stand in a ring."""

    def __init__(self) -> None:
        self.other: Held | None = None


@pytest.fixture
def collections() -> Iterator[Iterator[object]]:
    interval = sys.getswitchinterval()
    yield short_turns()
    gc.unfreeze()
    sys.setswitchinterval(interval)


def test_what_makes_a_collection_long_is_looked_at_once(collections: Iterator[object]) -> None:
    next(collections)
    many = [Held() for _ in range(300_000)]
    passed = gc.get_freeze_count()
    assert next(collections).passed_over  # type: ignore[attr-defined]
    assert gc.get_freeze_count() > passed + len(many)
    assert len(gc.get_objects()) < len(many)


def test_what_was_passed_over_goes_with_whoever_held_it(collections: Iterator[object]) -> None:
    next(collections)
    many = [Held() for _ in range(300_000)]
    next(collections)
    left = weakref.ref(many[7])
    del many
    assert left() is None


def test_rings_that_came_since_are_freed(collections: Iterator[object]) -> None:
    next(collections)
    one, other = Held(), Held()
    one.other, other.other = other, one
    left = weakref.ref(one)
    del one, other
    next(collections)
    assert left() is None


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux alone")
def test_a_loop_that_stands_behind_leaves_the_other_threads_where_they_were() -> None:
    seen: list[tuple[int, int]] = []

    def work() -> None:
        reports = standing_behind(iter([1, 2]))
        thread = threading.get_native_id()
        seen.extend((report, os.getpriority(os.PRIO_PROCESS, thread)) for report in reports)

    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(1, min(19, own + BEHIND)), (2, min(19, own + BEHIND))]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own
