"""Copies of what serves: which version is to be opened, which one goes, and what of it was foreseen."""

from __future__ import annotations

from checkpoints.manifest import Manifest, TrainerPosition
from learners.gate import Limits
from learners.live_copies import PACE, SOON, WINDOW, Copies, Copy, Stage, stage_of
from learners.named_learners import make_learner

LIMITS = Limits(every=1, rows=300)
LEARNER = make_learner(labels=("click",), context=(), seed=5)


def copy(version: int, *, rows: int = 0, examples: int = 9_000, at: int = 0, size: int = 0) -> Copy:
    one = Copy(version, LEARNER, Stage(examples, at), size)
    one.foresaw([0.5] * rows)
    return one


def copies(*those: Copy) -> Copies:
    found = Copies()
    for one in those:
        found.put(one)
    return found


def versions(of: Copies) -> list[int]:
    return [one.version for one in of.all]


def test_what_serves_is_opened_where_there_is_no_copy_and_never_twice() -> None:
    assert Copies().wanted(3, Stage(), LIMITS) == 3
    assert copies(copy(3, rows=9_999)).wanted(3, Stage(99_999, 10 * SOON), LIMITS) is None


def test_a_newer_version_is_opened_once_the_copy_is_behind_in_time_or_in_rows() -> None:
    soon, late = Stage(9_100, SOON - 1), Stage(9_100, SOON)
    assert [copies(copy(3)).wanted(4, now, LIMITS) for now in (soon, late)] == [None, 4]
    assert [copies(copy(3, rows=n)).wanted(4, soon, LIMITS) for n in (299, 300)] == [None, 4]
    large = copy(3, rows=300, size=60_000)
    assert copies(large).wanted(4, soon, LIMITS) is None, "to open it costs as much as to learn 1,000 rows"
    huge = copy(3, size=40_000 * PACE)
    assert [copies(huge).wanted(4, Stage(9_100, at), LIMITS) for at in (39_999, 40_000)] == [None, 4]


def test_an_older_version_that_serves_again_takes_the_place_of_all() -> None:
    of = copies(copy(3, rows=400), copy(6))
    assert [of.wanted(live, Stage(), LIMITS) for live in (2, 3, 5)] == [2, 3, 5]
    of.put(copy(3))
    assert versions(of) == [3]


def test_the_first_stands_for_a_window_while_the_newest_is_renewed() -> None:
    of = copies(copy(3, rows=400), copy(4), copy(5))
    assert versions(of) == [3, 5]
    of.follow(LIMITS)
    assert versions(of) == [3, 5]


def test_the_newest_stays_and_follows_a_first_that_is_full() -> None:
    of = copies(copy(3, rows=WINDOW), copy(4, rows=200))
    assert of.wanted(5, Stage(9_900, 10 * SOON), LIMITS) is None
    of.follow(LIMITS)
    assert versions(of) == [3, 4]
    of.all[1].foresaw([0.5] * 100)
    of.follow(LIMITS)
    assert versions(of) == [4]


def test_rows_that_came_before_it_was_opened_are_not_foreseen() -> None:
    one = Copy(3, LEARNER, Stage(), 0)
    one.told.extend([0.1, 0.2, 0.3])
    one.known = 3
    one.foresaw([0.4, 0.5])
    assert (one.blind, one.rows) == ([0.4, 0.5], 2)
    one.keep([0, 4, 6, 7], behind=8)  # the copy has the last five of eight: places 3 to 7
    assert (list(one.told), one.blind) == ([0.2, 0.4, 0.5], [0.4, 0.5])
    one.foresaw([0.6] * (WINDOW - 2))
    assert (len(one.told), len(one.blind)) == (WINDOW, WINDOW)


def test_a_stage_is_told_by_the_partition_that_is_furthest() -> None:
    positions = {0: TrainerPosition(watermark=70), 1: TrainerPosition()}
    assert stage_of(9, positions) == Stage(9, 70)
    assert Copy.of(Manifest(4, 3, 0, positions, examples=9), LEARNER, 0).stage == Stage(9, 70)
