"""The reader rule: one chain of frames in force, whatever else the topic holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.decisions import Decision, Decisions
from streams.errors import FramesDiffer, FramesLost
from streams.examples import ExampleFrame, encode
from streams.in_force import REMEMBERED, InForce
from streams.mask import Entry


def frame(input_offset: int, prev: int, lineage: str = "", watermark: int = 0) -> ExampleFrame:
    return ExampleFrame(lineage, input_offset, prev, watermark, "c")


def masked(*entries: Entry, remove: tuple[str, ...] = ()) -> Decision:
    return Decision("mask", at=0, who="ana", why="", seen=0, add=entries, remove=remove)


def test_frames_are_accepted_once_and_in_order() -> None:
    rule = InForce(0, Decisions())
    frames = [frame(2, -1), frame(5, 2), frame(2, -1), frame(5, 2), frame(6, 5)]
    assert [rule.accept(i, f) for i, f in enumerate(frames)] == [True, True, False, False, True]


def test_a_gap_in_the_chain_is_told_with_both_facts() -> None:
    rule = InForce(1, Decisions(), last=4)
    with pytest.raises(FramesLost, match=r"examples\[1\].*follows input 6.*accepted was 4"):
        rule.accept(0, frame(7, 6))


def test_a_repeat_with_other_bytes_stops_the_reader() -> None:
    rule = InForce(0, Decisions())
    rule.accept(0, frame(2, -1))
    with pytest.raises(FramesDiffer, match="input 2"):
        rule.accept(1, frame(2, -1, watermark=9))


def test_bytes_at_hand_count_like_bytes_made() -> None:
    rule = InForce(0, Decisions())
    assert rule.accept(0, frame(2, -1), encode(frame(2, -1)))
    assert not rule.accept(1, frame(2, -1))


def test_a_frame_of_another_mask_is_skipped_and_moves_nothing() -> None:
    rule = InForce(0, Decisions())
    assert not rule.accept(0, frame(2, -1, lineage="feed"))
    assert rule.last == -1


def test_after_a_quarantine_the_old_frames_above_the_cut_are_dead_and_those_below_stand() -> None:
    decisions = Decisions()
    decisions.feed(masked(Entry("q", start={0: 5})))
    above = decisions.masking().lineage(0, 6)
    rule = InForce(0, decisions)
    frames = [frame(3, -1), frame(6, 3), frame(6, 3, above), frame(8, 6, above)]
    assert [rule.accept(i, f) for i, f in enumerate(frames)] == [True, False, True, True]


def test_a_lift_makes_old_frames_good_again() -> None:
    decisions = Decisions()
    decisions.feed(masked(Entry("q", start={0: 5})))
    decisions.feed(masked(remove=("q",)))
    rule = InForce(0, decisions)
    assert rule.accept(0, frame(9, -1))


def test_memory_of_repeats_is_bounded() -> None:
    rule = InForce(0, Decisions())
    for i in range(REMEMBERED + 50):
        rule.accept(i, frame(i, i - 1))
    assert len(rule._seen) == REMEMBERED
    assert not rule.accept(REMEMBERED + 50, frame(0, -1, watermark=77))


@given(
    edges=st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(0, 30))), max_size=4),
    offsets=st.lists(st.integers(0, 40), max_size=20),
)
def test_the_kept_lineages_are_those_of_the_mask(edges: list[tuple[int, int | None]], offsets: list[int]) -> None:
    decisions = Decisions()
    rule = InForce(0, decisions)
    for i, (start, stop) in enumerate(edges):
        decisions.feed(masked(Entry(f"q{i}", start={0: start}, stop=None if stop is None else {0: stop})))
        assert [rule.lineage(o) for o in offsets] == [decisions.masking().lineage(0, o) for o in offsets]
