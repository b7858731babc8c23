"""What an operator tells the guard, and what is seen of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from checkpoints.store import VersionStore
from headrace.guard_operations import GuardError, give, slice_of, standing
from headrace.guard_settings import Guard
from headrace.operations import Operator
from headrace.stream_settings import Label
from learners.guard_terms import terms_of
from learners.refusing import orders_at
from streams.decisions import Decision, DecisionLog
from streams.log import MemoryLogs
from tests.headrace.command_line import runner

ANA = Operator("ana", "a sale", 9)


def ground(*, begun: bool = True) -> tuple[MemoryLogs, DecisionLog]:
    logs = MemoryLogs()
    logs.open("events", 2).append(1, [b"a", b"b"], at=0)
    decisions = DecisionLog(logs.open("decisions", 1))
    if begun:
        decisions.decide(Decision("configure", 1, "up", "the first start", 0, settings={"join": "{}"}))
    return logs, decisions


def test_an_order_holds_from_where_the_log_ends() -> None:
    logs, decisions = ground()
    assert give("accept", ("producer", "web"), decisions=decisions, events=logs.open("events", 2), operator=ANA) == 1
    mask = decisions.fold.masking()
    assert orders_at(mask, {0: 0, 1: 2}) == []
    assert orders_at(mask, {0: 0, 1: 3}) == [("producer", "web", "accept")]


def test_the_same_order_twice_is_two_orders() -> None:
    logs, decisions = ground()
    for _ in range(2):
        give("refuse", ("", ""), decisions=decisions, events=logs.open("events", 2), operator=ANA)
    assert orders_at(decisions.fold.masking(), {1: 3}) == [("", "", "refuse")] * 2


def test_an_order_leaves_other_settings_as_they_are() -> None:
    logs, decisions = ground()
    give("accept", ("", ""), decisions=decisions, events=logs.open("events", 2), operator=ANA)
    assert decisions.fold.masking().settings("join", 1, 10) == "{}"


def test_trying_an_order_writes_nothing() -> None:
    logs, decisions = ground()
    told = give("accept", ("", ""), decisions=decisions, events=logs.open("events", 2), operator=ANA, dry_run=True)
    assert told is None
    assert decisions.fold.position == 1


def test_a_log_that_nothing_was_learned_from_takes_no_order() -> None:
    logs, decisions = ground(begun=False)
    with pytest.raises(GuardError, match="nothing is held"):
        give("accept", ("", ""), decisions=decisions, events=logs.open("events", 2), operator=ANA)


def test_a_slice_of_an_unknown_axis_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(GuardError, match="producer, app-version, surface"):
        slice_of("country=at")


def test_without_a_trainer_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert standing(VersionStore(tmp_path / "versions"), tmp_path / "run")["from"] is None
    status, out, _ = runner(tmp_path, monkeypatch, capsys)("guard", "status")
    assert (status, "No trainer" in out) == (0, True)


def label(mode: Literal["wait", "fast", "delayed"]) -> Label:
    return Label(event="click", window=5_000, mode=mode, surfaces={"mail": 60_000})


def test_a_label_whose_noes_are_told_at_once_is_not_judged() -> None:
    assert Guard().told({"click": label("delayed")}, grace=0) == {}
    with pytest.raises(ValueError, match="those that can: like"):
        Guard(label="click").told({"click": label("delayed"), "like": label("wait")}, grace=0)


def test_a_label_that_is_told_at_its_close_is_judged_before_one_that_is_told_at_once() -> None:
    told = Guard().told({"click": label("fast"), "like": label("wait")}, grace=0)
    assert (told["label"], "mode" in told) == ("like", False)


def test_of_a_label_that_is_told_at_once_the_guard_knows_when_it_closes() -> None:
    watch = terms_of(Guard(label="click").told({"click": label("fast")}, grace=500)).watch
    assert (watch.fast, watch.event) == (True, "click")
    assert (watch.close(0, "home"), watch.close(0, "mail")) == (5_500, 60_500)


def test_a_hold_that_nobody_learns_aside_can_not_be_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {"axis": "producer", "value": "web", "shadow": False}
    monkeypatch.setattr("headrace.guard_operations.standing", lambda *_: {"held": [held]})
    monkeypatch.setattr("headrace.guard_operations.give", lambda *_, **__: 3)
    _, out, _ = runner(tmp_path, monkeypatch, capsys)("guard", "accept", "producer=web", "--why", "a sale")
    assert "can't be accepted" in out
