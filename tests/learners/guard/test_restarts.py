"""A restart in any state of a hold changes nothing: the same decisions, the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from learners.guard.words import Order
from learners.guarded_columns import GuardedColumns
from tests.learners.guard.states import START, STATES, State, batch, forked, fresh, taught, until_held


@pytest.fixture(scope="module")
def before() -> GuardedColumns:
    return taught()


def restarted(shell: GuardedColumns, folder: Path) -> GuardedColumns:
    shell.snapshot(folder)
    other = fresh()
    other.restore(folder)
    return other


def go_on_alike(one: GuardedColumns, other: GuardedColumns, first: int, stop: int, state: State | None) -> None:
    for number in range(first, stop):
        assert batch(number, state).pass_to(one) == batch(number, state).pass_to(other)
    assert one.live.digest() == other.live.digest()
    mine, theirs = one.guard.state(), other.guard.state()
    assert {name: array.tobytes() for name, array in mine.items()} == {
        name: array.tobytes() for name, array in theirs.items()
    }


def test_a_restart_before_a_hold(before: GuardedColumns, tmp_path: Path) -> None:
    shell, state = forked(before), STATES["rank"]
    go_on_alike(shell, restarted(shell, tmp_path), START, START + 6, state)


@pytest.mark.parametrize("more", [0, 3])
@pytest.mark.parametrize("name", STATES)
def test_a_restart_inside_a_hold_that_returns(before: GuardedColumns, tmp_path: Path, name: str, more: int) -> None:
    shell = forked(before)
    stop = until_held(shell, STATES[name], more=more)
    other = restarted(shell, tmp_path)
    go_on_alike(shell, other, stop, stop + 2, STATES[name])
    go_on_alike(shell, other, stop + 2, stop + 10, None)
    assert shell.guard.held == ()


def test_a_restart_inside_a_hold_that_is_learned(before: GuardedColumns, tmp_path: Path) -> None:
    shell, state = forked(before), STATES["level"]
    stop = until_held(shell, state)
    go_on_alike(shell, restarted(shell, tmp_path), stop, START + 20, state)
    assert shell.guard.held == ()


@pytest.mark.parametrize("order", ["accept", "refuse"])
@pytest.mark.parametrize("name", STATES)
def test_a_restart_between_an_order_and_its_batch(
    before: GuardedColumns, tmp_path: Path, name: str, order: Order
) -> None:
    shell, state = forked(before), STATES[name]
    stop = until_held(shell, state)
    shell.guard.order(state.held[0], order)
    go_on_alike(shell, restarted(shell, tmp_path), stop, stop + 4, state)


@pytest.mark.parametrize("after", ["return", "accept"])
def test_a_restart_just_after_a_hold(before: GuardedColumns, tmp_path: Path, after: str) -> None:
    shell, state = forked(before), STATES["level"]
    stop = until_held(shell, state)
    if after == "accept":
        shell.guard.order(0, "accept")
    ends: Callable[[], bool] = lambda: not shell.guard.held  # noqa: E731
    while not ends():
        batch(stop, state if after == "accept" else None).pass_to(shell)
        stop += 1
        assert stop < START + 30
    go_on_alike(shell, restarted(shell, tmp_path), stop, stop + 4, state if after == "accept" else None)


def test_a_restart_loses_no_row_that_waits(before: GuardedColumns, tmp_path: Path) -> None:
    shell, state = forked(before), STATES["two"]
    until_held(shell, state)
    other = restarted(shell, tmp_path)
    assert len(other.waiting) == len(shell.waiting) > 0
    assert (other.shadow is None) == (shell.shadow is None)
    assert other.shadow is not None
    assert shell.shadow is not None
    assert other.shadow.digest() == shell.shadow.digest()
