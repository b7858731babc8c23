"""The way back, measured: every answer counts, whoever asked, and only a version that caught up ends it."""

from __future__ import annotations

import msgspec
import pytest

from headrace.demo_return import Command, Return, measured
from streams.decisions import Decision

COMMAND = Command(at=1_000, line=40, version=7, until={0: 50, 1: 60}, tainted=5)


def answers(**last: int) -> dict[int, int]:
    return {int(name[1:]): at for name, at in last.items()}


def test_an_answer_that_was_under_way_at_the_command_counts() -> None:
    found = measured(COMMAND, first={7: 500}, last=answers(v7=1_300, v12=1_050), caught_up=[])
    assert found == Return(50, None)


def test_where_no_other_version_answered_after_the_command_it_took_no_time() -> None:
    assert measured(COMMAND, first={}, last=answers(v7=1_300, v12=990), caught_up=[]).to_old_version == 0


def test_a_tainted_version_that_comes_again_before_the_end_counts_to_its_last_answer() -> None:
    last = answers(v7=3_900, v12=3_950, v20=9_000)
    assert measured(COMMAND, first={20: 4_000}, last=last, caught_up=[20]) == Return(2_950, 3_000)


def test_the_versions_after_the_one_that_caught_up_count_as_it_does() -> None:
    last = answers(v7=3_900, v12=1_200, v20=5_900, v21=8_000)
    assert measured(COMMAND, first={20: 4_000, 21: 6_000}, last=last, caught_up=[20, 21]) == Return(200, 3_000)


def test_a_way_back_that_nobody_saw_is_none() -> None:
    assert measured(COMMAND, first={}, last=answers(v7=900, v12=1_200), caught_up=[]) == Return(None, None)


@pytest.mark.parametrize(
    ("inputs", "reached", "over"),
    [((50, 60), None, True), ((50, 59), None, False), ((9, 9), (50, 60), True), ((90, 90), (50, 59), False)],
)
def test_only_a_line_that_publishes_what_has_caught_up_ends_the_replay(
    inputs: tuple[int, int], reached: tuple[int, int] | None, over: bool
) -> None:
    until = None if reached is None else dict(enumerate(reached))
    line = Decision("publish", 1, "trainer", "", seen=41, version=20, input=dict(enumerate(inputs)), until=until)
    assert COMMAND.ended_by(line) is over
    assert not COMMAND.ended_by(msgspec.structs.replace(line, kind="hold"))
