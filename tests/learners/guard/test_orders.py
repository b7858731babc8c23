"""What an operator orders in every state of a hold: before it, in a hold of each kind, in two at once, just after."""

from __future__ import annotations

import pytest

from learners.guard.words import Order
from learners.guarded_columns import GuardedColumns
from tests.learners.guard.states import ROWS, START, STATES, State, batch, forked, taught, until_held

ORDERS: tuple[Order, ...] = ("accept", "refuse")
SINGLE = [name for name, state in STATES.items() if len(state.held) == 1]
LASTS = 60
"""Batches of a fault that outlasts every patience."""


@pytest.fixture(scope="module")
def before() -> GuardedColumns:
    return taught()


@pytest.mark.parametrize("order", ORDERS)
def test_before_a_hold_there_is_nothing_to_order(before: GuardedColumns, order: Order) -> None:
    with pytest.raises(ValueError, match="is not held"):
        forked(before).guard.order(0, order)


@pytest.mark.parametrize("name", SINGLE)
def test_an_accepted_hold_is_learned_as_if_it_had_never_been(before: GuardedColumns, name: str) -> None:
    shell, state = forked(before), STATES[name]
    plain = shell.live.copy()
    stop = until_held(shell, state)
    shell.guard.order(state.held[0], "accept")
    batch(stop, state).pass_to(shell)
    for number in range(START, stop + 1):
        plain.learn(batch(number, state).columns)
    assert (shell.guard.held, shell.shadow, len(shell.waiting)) == ((), None, 0)
    if state.held == (0,):
        assert shell.live.digest() == plain.digest()
    assert shell.live.rows_learned == plain.rows_learned


@pytest.mark.parametrize("name", ["level", "lost"])
def test_what_was_accepted_is_not_held_again_while_it_lasts(before: GuardedColumns, name: str) -> None:
    shell, state = forked(before), STATES[name]
    stop = until_held(shell, state)
    shell.guard.order(0, "accept")
    passed = [batch(number, state).pass_to(shell) for number in range(stop, stop + 12)]
    assert [event.verdict for one in passed for event in one.events] == ["accept"]


def test_of_two_holds_the_accepted_one_ends_and_the_other_stays(before: GuardedColumns) -> None:
    shell, state = forked(before), STATES["two"]
    stop = until_held(shell, state)
    shell.guard.order(5, "accept")
    told = batch(stop, state)
    events = told.pass_to(shell).events
    assert [(event.verdict, event.group) for event in events] == [("accept", 5)]
    assert [view.group for view in shell.guard.held] == [2]
    assert (shell.guard.holds(told.group_BA) == (told.group_BA == 2).any(axis=1)).all()


def test_two_holds_that_are_accepted_leave_no_row_behind(before: GuardedColumns) -> None:
    shell, state = forked(before), STATES["two"]
    stop = until_held(shell, state)
    shell.guard.order(5, "accept")
    batch(stop, state).pass_to(shell)
    shell.guard.order(2, "accept")
    batch(stop + 1, state).pass_to(shell)
    assert (shell.guard.held, shell.shadow, len(shell.waiting)) == ((), None, 0)
    assert shell.live.rows_learned == ROWS * (stop + 2)


@pytest.mark.parametrize("name", STATES)
def test_a_refused_hold_lasts_as_long_as_its_fault_and_then_ends_by_itself(before: GuardedColumns, name: str) -> None:
    shell, state = forked(before), STATES[name]
    stop, end = until_held(shell, state), START + LASTS
    for group in state.held:
        shell.guard.order(group, "refuse")
    learned = [batch(number, state).pass_to(shell) for number in range(stop, end)]
    assert {event.verdict for one in learned for event in one.events} <= {"ask"}
    assert {view.group for view in shell.guard.held} == set(state.held)
    after = [batch(number).pass_to(shell) for number in range(end, end + 6)]
    ended = [event for one in after for event in one.events]
    assert {(event.verdict, event.group) for event in ended} == {("return", group) for group in state.held}
    assert all(event.clean >= end for event in ended)
    assert (shell.guard.held, shell.shadow, len(shell.waiting)) == ((), None, 0)


@pytest.mark.parametrize("name", ["level", "rank", "lost"])
def test_a_refused_hold_of_everyone_teaches_nothing(before: GuardedColumns, name: str) -> None:
    shell, state = forked(before), STATES[name]
    stop = until_held(shell, state)
    shell.guard.order(0, "refuse")
    digest = shell.live.digest()
    for number in range(stop, START + LASTS):
        batch(number, state).pass_to(shell)
    assert shell.live.digest() == digest


def test_an_order_that_is_taken_back_leaves_the_hold_to_itself(before: GuardedColumns) -> None:
    shell, state = forked(before), STATES["level"]
    stop = until_held(shell, state)
    shell.guard.order(0, "refuse")
    for number in range(stop, START + 30):
        batch(number, state).pass_to(shell)
    shell.guard.order(0, None)
    events = [event for number in range(START + 30, START + 34) for event in batch(number, state).pass_to(shell).events]
    assert [event.verdict for event in events] == ["accept"]


def test_an_accept_that_is_taken_back_in_time_changes_nothing(before: GuardedColumns) -> None:
    one, other, state = forked(before), forked(before), STATES["rank"]
    stop = until_held(one, state)
    until_held(other, state)
    one.guard.order(0, "accept")
    one.guard.order(0, None)
    for number in range(stop, stop + 4):
        assert batch(number, state).pass_to(one) == batch(number, state).pass_to(other)
    assert one.live.digest() == other.live.digest()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", STATES)
def test_of_a_hold_that_has_just_returned_there_is_nothing_to_order(
    before: GuardedColumns, name: str, order: Order
) -> None:
    shell, state = forked(before), STATES[name]
    stop = until_held(shell, state)
    while shell.guard.held:
        batch(stop).pass_to(shell)
        stop += 1
        assert stop < START + 30
    for group in state.held:
        with pytest.raises(ValueError, match="may have ended"):
            shell.guard.order(group, order)
    assert batch(stop).pass_to(shell).learned == ROWS


def test_an_order_for_one_state_is_none_for_another(before: GuardedColumns) -> None:
    """A fault that comes again after its hold was refused and returned is a new hold, which nobody ordered."""
    shell, state = forked(before), State((0,), level=1.0)
    stop = until_held(shell, state)
    shell.guard.order(0, "refuse")
    while shell.guard.held:
        batch(stop).pass_to(shell)
        stop += 1
    while not shell.guard.held:
        batch(stop, state).pass_to(shell)
        stop += 1
        assert stop < START + 30
    assert [view.order for view in shell.guard.held] == [None]
