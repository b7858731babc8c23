"""From a click to its weights: the first answer counts whose version had wholly used the click's frame."""

from __future__ import annotations

from headrace.demo_delays import PATIENCE_MS, WeightDelays


def test_the_delay_runs_from_the_ack_to_the_first_answer_with_the_click_in_it() -> None:
    delays = WeightDelays()
    delays.acked("e", at=1_000)
    delays.framed(partition=1, offset=5, event_ids=["e"])
    delays.answered(2, at=2_000, used={0: 90, 1: 4})
    assert delays.measured == []
    delays.answered(3, at=4_500, used={0: 95, 1: 5})
    delays.answered(4, at=6_500, used={0: 99, 1: 9})
    assert delays.measured == [3_500]


def test_a_click_that_is_in_no_frame_yet_is_in_no_version() -> None:
    delays = WeightDelays()
    delays.acked("e", at=1_000)
    delays.answered(2, at=2_000, used={0: 10})
    delays.framed(partition=0, offset=3, event_ids=["e"])
    assert delays.measured == []
    delays.answered(3, at=5_000, used={0: 12})
    assert delays.measured == [4_000]


def test_a_repeat_of_the_event_in_a_later_frame_changes_nothing() -> None:
    delays = WeightDelays()
    delays.acked("e", at=0)
    delays.framed(partition=0, offset=3, event_ids=["e"])
    delays.framed(partition=0, offset=8, event_ids=["e"])
    delays.answered(1, at=10, used={0: 3})
    assert delays.measured == [10]


def test_clicks_that_were_not_sampled_are_not_measured() -> None:
    delays = WeightDelays()
    delays.framed(partition=0, offset=3, event_ids=["other"])
    delays.answered(1, at=10, used={0: 3})
    assert delays.measured == []


def test_a_click_that_no_version_ever_learns_counts_with_its_age() -> None:
    delays = WeightDelays()
    delays.acked("e", at=1_000)
    assert delays.overdue(1_000 + PATIENCE_MS) == []
    assert delays.overdue(1_001 + PATIENCE_MS) == [PATIENCE_MS + 1]
