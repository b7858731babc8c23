"""An order is resolved once into positions; versions fall by it, and by what they caused."""

from __future__ import annotations

from typing import Any

import pytest

from checkpoints.errors import BadOrder, VersionError
from checkpoints.good_versions import good, last_good
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.quarantine import (
    NEVER,
    Order,
    below_floor,
    closed,
    resolve,
    ripple,
    rippled,
    tainted,
    tainted_by,
)
from streams.decisions import Decision, Decisions
from streams.events import Impression, Interaction
from streams.log import MemoryLog
from streams.mask import Entry, Masking, equal_below

AHEAD = 5


def log(*, partitions: int = 2, frames: int = 10) -> MemoryLog:
    """Frame n of partition p was closed at 100 n + p."""
    made = MemoryLog("events", partitions)
    for p in range(partitions):
        for n in range(frames):
            made.append(p, [b""], at=100 * n + p)
    return made


def entry_of(order: Order, *, at: int = 2_000, **more: Any) -> Entry:
    return resolve(order, log(), ahead=AHEAD, at=at, id="q1", **more)


def manifest(version: int, *input: int, made_under: int = 0, verdict: Any = "pass") -> Manifest:
    positions = {p: TrainerPosition(input=offset) for p, offset in enumerate(input)}
    return Manifest(version, version - 1 or None, made_under, positions, examples=sum(input), verdict=verdict)


def fold(*lines: Decision) -> Decisions:
    decisions = Decisions()
    for line in lines:
        decisions.feed(line)
    return decisions


def line(kind: Any, version: int | None = None, *input: int, **more: Any) -> Decision:
    return Decision(kind, 1, "ana", "", 0, version=version, input=dict(enumerate(input)), **more)


def click(ts: int, *, version: int | None = None) -> Interaction:
    return Interaction("e", ts, "ana", "click", model_version=version)


def test_times_become_the_first_frames_that_could_hold_them() -> None:
    entry = entry_of(Order(t0=300, t1=600))
    assert (entry.start, entry.stop) == ({0: 3, 1: 3}, {0: 6, 1: 6})
    assert entry_of(Order(t0=305)).start == {0: 3, 1: 3}
    assert entry_of(Order(t0=306)).start == {0: 4, 1: 3}
    assert entry_of(Order(t0=300)).stop is None


def test_an_event_of_the_range_is_masked_however_late_it_comes() -> None:
    entry = entry_of(Order(t0=300, t1=600))
    assert [entry.covers(0, offset, click(400)) for offset in (2, 3, 5, 6, 900)] == [False, True, True, True, True]
    assert [entry.covers(0, offset, click(600)) for offset in (6, 900)] == [False, False]


def test_without_a_begin_it_holds_from_where_the_log_begins_or_from_the_floor() -> None:
    assert entry_of(Order(app_version="9")).start == {0: 0, 1: 0}
    assert entry_of(Order(app_version="9"), floor={0: 4, 1: 2}).start == {0: 4, 1: 2}
    assert entry_of(Order(t1=100), floor={0: 4, 1: 2}).stop == {0: 4, 1: 2}


def test_an_end_in_the_future_stops_at_the_end_of_the_log_and_masks_up_to_it() -> None:
    entry = entry_of(Order(t0=300, t1=5_000), at=1_000)
    assert entry.stop == {0: 10, 1: 10}
    assert (entry.covers(0, 12, click(4_999)), entry.covers(0, 12, click(5_000))) == (True, False)


def test_model_versions_are_a_filter_like_any_other() -> None:
    entry = entry_of(Order(model_versions=(7, 8)))
    assert [entry.covers(0, 0, click(1, version=v)) for v in (7, 8, 9, None)] == [True, True, False, False]
    assert entry.covers(0, 0, Impression("e", 1, "ana", "r", (), model_version=7))


def test_positions_leave_partitions_alone_that_they_do_not_name() -> None:
    entry = entry_of(Order(start={1: 3}, stop={1: 6}))
    assert [entry.covers(1, offset, click(1)) for offset in (2, 3, 5, 6)] == [False, True, True, False]
    assert not any(entry.covers(0, offset, click(1)) for offset in (0, 5, 1_000_000))
    assert entry.start[0] == NEVER
    assert equal_below(Masking([]), Masking([entry]), {0: 1 << 50, 1: 3})
    assert entry_of(Order(stop={1: 6})).start[1] == 0
    assert entry_of(Order(start={0: 3, 1: 5})).stop is None


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (Order(), "everything would be masked"),
        (Order(t0=500, t1=500), "not after its begin"),
        (Order(t0=500, t1=400), "swap"),
        (Order(t0=3_000), "nothing has happened yet"),
        (Order(t0=1, start={0: 1}), "both times and positions"),
        (Order(start={0: 1}), "must name all 2 partitions"),
        (Order(start={0: 5}, stop={0: 5}), "not after their begin"),
        (Order(start={0: 5}, stop={1: 9}), "but end in"),
        (Order(start={7: 5}, stop={7: 9}), "partition 7"),
        (Order(model_versions=()), "none is named"),
        (Order(t0=-1), "time -1 is none"),
        (Order(t0=1, t1=253_402_300_800_000), "time 253402300800000 is none"),
        (Order(start={0: -3}, stop={0: 5}), "position -3 is none"),
        (Order(start={0: 3}, stop={0: 1 << 44}), "position 17592186044416 is none"),
        (Order(model_versions=(3, 1 << 31)), "model version 2147483648 is none"),
    ],
)
def test_orders_that_say_too_little_or_contradict_themselves_are_refused(order: Order, told: str) -> None:
    with pytest.raises(BadOrder, match=told):
        entry_of(order)


def test_closing_masks_nothing_new_and_changes_nothing_before_the_ends() -> None:
    opened = entry_of(Order(t0=300, app_version="9"))
    shut = closed(opened, log(), at=1_000)
    assert (shut.id, shut.stop, shut.t1) == ("q1", {0: 10, 1: 10}, 1_000)
    assert equal_below(Masking([opened]), Masking([shut]), {0: 10, 1: 10})
    assert not equal_below(Masking([opened]), Masking([shut]), {0: 11, 1: 10})
    with pytest.raises(BadOrder, match="closed already"):
        closed(shut, log(), at=1_100)


def test_versions_fall_that_learned_beyond_an_edge_and_rise_again_with_a_lift() -> None:
    versions = [manifest(1, 3, 3), manifest(2, 4, 3), manifest(3, 9, 9)]
    bad = Entry("q1", start={0: 3, 1: 3})
    assert tainted(fold(), Masking([bad]), versions, []) == (2, 3)
    masked = fold(line("mask", add=(bad,)))
    after = manifest(4, 9, 9, made_under=1)
    assert tainted(masked, masked.masking(), [*versions, after], []) == (2, 3)
    assert tainted(masked, masked.masking().changed(remove=["q1"]), [*versions, after], []) == (4,)


def test_versions_that_serve_but_left_the_store_fall_too() -> None:
    decisions = fold(line("publish", 1, 3, 3), line("publish", 2, 9, 9), line("hold", 3, 9, 9))
    assert tainted(decisions, Masking([Entry("q", start={0: 3, 1: 3})]), [], decisions.lines) == (2,)


def test_a_version_counts_as_tainted_by_the_entry_that_it_had_read_over() -> None:
    early, late = Entry("q1", start={0: 3}), Entry("q2", start={0: 8})
    decisions = fold(line("mask", add=(early,)), line("mask", add=(late,)))
    versions = [manifest(1, 5), manifest(2, 9, made_under=1)]
    assert [tainted_by(entry, decisions, versions) for entry in (early, late)] == [(1,), (2,)]


def test_a_ripple_begins_where_the_first_entry_does_and_stays_open() -> None:
    made = ripple([Entry("q1", start={0: 5, 1: 9}), Entry("q2", start={0: 7, 1: 2})], (3, 4), "q1.ripple")
    assert (made.start, made.stop, made.model_versions) == ({0: 5, 1: 2}, None, (3, 4))


def test_a_ripple_of_positions_reaches_the_partitions_that_they_left_alone() -> None:
    entry = entry_of(Order(start={0: 3}, stop={0: 6}))
    versions = [manifest(1, 3, 2), manifest(2, 5, 4), manifest(3, 9, 9)]
    made = rippled([entry], fold(), versions, [], "q1.ripple")
    assert made is not None
    assert (made.start, made.model_versions) == ({0: 3, 1: 4}, (2, 3))
    assert tainted(fold(), Masking([entry, made]), versions, []) == (2, 3)


def test_where_no_version_falls_there_is_nothing_to_ripple() -> None:
    assert rippled([Entry("q1", start={0: 5})], fold(), [manifest(1, 5)], [], "q1.ripple") is None


def test_the_last_good_version_has_most_examples_of_those_that_passed_and_are_valid() -> None:
    versions = [manifest(1, 3), manifest(2, 5), manifest(3, 6, verdict="fail"), manifest(4, 9)]
    assert last_good(versions, fold(), Masking([Entry("q", start={0: 7})])).version == 2
    assert last_good(versions, fold(), Masking([])).version == 4
    with pytest.raises(VersionError, match="no version that passed is valid"):
        last_good(versions, fold(), Masking([Entry("q", start={0: 2})]))


def test_what_was_held_or_rolled_back_is_not_good_and_what_never_served_comes_last() -> None:
    versions = [manifest(v, 2 * v) for v in range(1, 6)]
    decisions = fold(*(line("publish", v, 2 * v) for v in range(1, 5)), line("hold", 3, 6), line("rollback", 2, 4))
    assert [m.version for m in good(versions, decisions, Masking([]))] == [2, 1, 5]


def test_a_change_above_the_floor_holds_and_one_below_would_be_void() -> None:
    decisions = fold(line("expire", floor={0: 4, 1: 4}))
    at, below = Masking([Entry("q", start={0: 4, 1: 4})]), Masking([Entry("q", start={0: 4, 1: 3})])
    assert (below_floor(decisions, at), below_floor(decisions, below)) == (False, True)
    assert not below_floor(fold(), below)


def test_a_ripple_leaves_alone_what_fell_earlier() -> None:
    """An old incident must not drag a new ripple back to its own begin."""
    old = Decision("mask", 1, "ana", "", 0, add=(Entry("q0", start={0: 2, 1: 2}, stop={0: 3, 1: 3}),))
    versions = [manifest(1, 5, 5), manifest(2, 20, 20, made_under=1), manifest(3, 40, 40, made_under=1)]
    entry = Entry("q1", start={0: 30, 1: NEVER}, stop={0: 35, 1: NEVER})
    made = rippled([entry], fold(old), versions, [], "q1.ripple")
    assert made is not None
    assert made.model_versions == (3,)
    assert made.start == {0: 30, 1: 40}
