"""Who serves what is the fold of the decisions, and of nothing else."""

from __future__ import annotations

from msgspec.structs import replace

from checkpoints.registry import Registry
from streams.decisions import Decision, Decisions, Kind
from streams.mask import Entry


def line(kind: Kind, version: int | None = None) -> Decision:
    return Decision(kind, at=0, who="ana", why="", seen=0, version=version, input={0: 10})


def folded(*lines: Decision) -> Registry:
    decisions = Decisions()
    for each in lines:
        decisions.feed(each)
    return Registry.of(decisions)


def test_the_newest_publish_serves() -> None:
    assert folded(line("publish", 1), line("publish", 2)).live == 2


def test_a_rollback_stands_until_resume_and_the_next_publish() -> None:
    back = [line("publish", 1), line("publish", 2), line("rollback", 1), line("publish", 3)]
    assert folded(*back).live == 1
    assert folded(*back, line("resume")).live == 1
    assert folded(*back, line("resume"), line("publish", 4)).live == 4


def test_a_rollback_with_a_replay_ends_with_the_first_version_that_has_caught_up() -> None:
    back = [line("publish", 1), line("publish", 2), replace(line("rollback", 1), until={0: 30})]
    behind = replace(line("publish", 3), until={0: 29})
    there = replace(line("publish", 4), until={0: 30})
    assert folded(*back, behind).live == 1
    ended = folded(*back, behind, there)
    assert (ended.live, ended.paused, ended.until) == (4, False, None)
    assert folded(*back, line("resume"), behind).live == 3


def test_a_version_that_was_left_behind_and_is_published_again_is_left_behind_no_more() -> None:
    back = [line("publish", 1), line("publish", 2), replace(line("rollback", 1), until={0: 30})]
    assert folded(*back, replace(line("publish", 2), until={0: 30})).standing(2) == "live"


def test_void_lines_move_nothing() -> None:
    floor = Decision("expire", at=0, who="retain", why="", seen=2, floor={0: 20})
    below = replace(line("rollback", 1), add=(Entry("q", start={0: 15}),))
    assert folded(line("publish", 1), line("publish", 2), floor, below).live == 2


def test_a_pause_keeps_what_serves() -> None:
    assert folded(line("publish", 1), line("pause"), line("publish", 2)).live == 1


def test_a_held_version_never_serves_until_promoted() -> None:
    held = [line("publish", 1), line("hold", 2), line("publish", 2)]
    assert folded(*held).live == 1
    assert folded(*held).standing(2) == "held"
    assert folded(*held, line("promote", 2)).live == 2


def test_a_tainted_version_published_after_a_quarantine_does_not_serve() -> None:
    mask = Decision("mask", at=0, who="ana", why="bad app", seen=0, add=(Entry("q", start={0: 5}),))
    late = Decision("publish", at=0, who="trainer", why="", seen=0, version=2, mask_position=0, input={0: 10})
    good = Decision("publish", at=0, who="trainer", why="", seen=2, version=3, mask_position=2, input={0: 10})
    assert folded(line("publish", 1), mask, late).live == 1
    assert folded(line("publish", 1), mask, late, good).live == 3


def test_following_line_by_line_is_folding_at_once() -> None:
    decisions, registry = Decisions(), Registry()
    for each in (line("publish", 1), line("rollback", 1), line("resume"), line("publish", 2)):
        decisions.feed(each)
        assert registry.follow(decisions)
    assert not registry.follow(decisions)
    assert registry == Registry.of(decisions)


def test_what_was_live_before_is_the_fallback() -> None:
    registry = Registry()
    for version in (1, 2, 2, 3):
        registry.feed(Decision("publish", 1, "trainer", "", 0, version=version))
    assert (registry.live, registry.fallback) == (3, 2)
    registry.feed(Decision("rollback", 1, "ana", "", 0, version=1))
    assert (registry.live, registry.fallback) == (1, 3)


def test_a_hold_of_what_serves_brings_back_the_newest_good_one_before_it() -> None:
    assert folded(line("publish", 1), line("publish", 2), line("hold", 2)).live == 1
    told = (line("publish", 1), line("publish", 2), line("publish", 3), line("hold", 2), line("hold", 3))
    assert folded(*told).live == 1
    assert folded(line("publish", 1), line("hold", 1)).live == 1  # better than nothing
    assert folded(*told, line("promote", 3)).live == 3
