"""The audit trail: complete, the same after every restart, and it says why what is void is void."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from headrace.audit import Audit, chosen_rows, decision_rows
from headrace.deployment import decision_log
from headrace.settings import Settings
from streams.decisions import Decision, DecisionLog, Kind
from streams.log import MemoryLog
from streams.mask import Entry
from tests.headrace.command_line import Headrace, runner


def decided(*lines: Decision) -> DecisionLog:
    log = DecisionLog(MemoryLog("decisions", 1))
    for line in lines:
        log.append(line)
    log.follow()
    return log


def line(kind: Kind, seen: int, **more: Any) -> Decision:
    return Decision(kind, 1000 + seen, "ana", "because", seen, **more)


def publish(version: int, seen: int, input: int, under: int = 0) -> Decision:
    return line("publish", seen, version=version, input={0: input}, mask_position=under)


BAD = Entry("q", {0: 5}, app_version="9")


def test_each_line_says_what_served_before_and_after_it() -> None:
    log = decided(
        publish(1, 0, 3), publish(2, 1, 9), line("rollback", 2, version=1, input={0: 3}), publish(3, 3, 4),
        line("resume", 4), publish(4, 5, 4), line("hold", 6, version=4), line("promote", 7, version=2, input={0: 9}),
    )  # fmt: skip
    rows = decision_rows(log)
    assert [(row["from"], row["to"]) for row in rows] == [
        (None, 1), (1, 2), (2, 1), (1, 1), (1, 1), (1, 4), (4, 3), (3, 2),
    ]  # fmt: skip
    assert rows[3]["did"] == "version 3 is published and does not serve: paused by decision 2"
    assert rows[6]["did"] == "version 4 is held; 3 serves"
    assert not any(row["void"] for row in rows)


def test_a_mask_below_the_floor_says_which_decision_set_it() -> None:
    log = decided(line("expire", 0, floor={0: 8}), line("mask", 1, add=(BAD,)))
    row = decision_rows(log)[1]
    assert (row["holds"], row["void"]) == (False, "it reaches below the floor that decision 0 set")


def test_a_floor_that_was_overtaken_says_by_what() -> None:
    log = decided(line("mask", 0, add=(BAD,)), line("expire", 0, floor={0: 8}))
    row = decision_rows(log)[1]
    assert row["void"] == "decision 0 changed the mask after its writer had read 0 lines"
    assert row["did"] == "nothing"


def test_a_tainted_version_that_is_published_says_what_it_learned_from() -> None:
    log = decided(publish(1, 0, 3), line("mask", 1, add=(BAD,)), publish(2, 1, 9))
    row = decision_rows(log)[2]
    assert (row["holds"], row["from"], row["to"]) == (True, 1, 1)
    assert row["void"] == "version 2 is no longer what the log gives: decision 1 changed what it learned from"


def test_the_mask_of_a_rollback_that_servers_passed_over_is_told() -> None:
    log = decided(publish(1, 0, 9), line("rollback", 1, version=1, input={0: 9}, add=(BAD,)))
    row = decision_rows(log)[1]
    assert "decision 1 changed" in row["void"]
    assert (row["did"], row["mask"]) == ("the mask is changed", "+q: events of app version 9")


def test_every_kind_of_line_is_told_in_words() -> None:
    more: dict[str, dict[str, Any]] = {
        "expire": {"floor": {0: 2}}, "configure": {"settings": {"join": "{}"}}, "mask": {"add": (BAD,)},
    }  # fmt: skip
    for kind in get_args(Kind):
        log = decided(publish(1, 0, 3), line(kind, 1, **({"version": 1} | more.get(kind, {}))))
        (row,) = decision_rows(log)[1:]
        assert row["did"]
        assert row["kind"] == kind


def test_it_goes_on_where_it_stood_and_says_the_same_as_one_that_begins_anew() -> None:
    lines = [publish(1, 0, 3), line("pause", 1), publish(2, 2, 5), line("resume", 3), publish(3, 4, 6)]
    log = decided()
    audit, rows = Audit(log.fold), list[dict[str, Any]]()
    for one in lines:
        log.append(one)
        log.follow()
        rows += audit.fresh()
    assert rows == decision_rows(log)
    assert [row["n"] for row in rows] == list(range(5))


def test_filters_take_by_kind_name_time_and_whether_it_is_void() -> None:
    rows = decision_rows(decided(line("expire", 0, floor={0: 8}), line("mask", 1, add=(BAD,)), line("pause", 2)))
    assert [row["n"] for row in chosen_rows(rows, kinds=["mask", "pause"])] == [1, 2]
    assert [row["n"] for row in chosen_rows(rows, since=1001, until=1002)] == [1]
    assert [row["n"] for row in chosen_rows(rows, void=True)] == [1]
    assert not list(chosen_rows(rows, who="bo"))


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def deployment(tmp_path: Path) -> Settings:
    settings = Settings(var=tmp_path / "var")
    with decision_log(settings) as log:
        log.append(publish(1, 0, 3))
        log.append(line("pause", 1))
    return settings


def test_the_command_filters_and_refuses_a_kind_that_is_none(deployment: Settings, headrace: Headrace) -> None:
    assert [row["n"] for row in json.loads(headrace("decisions", "--kind", "pause", "--json")[1])] == [1]
    assert [row["n"] for row in json.loads(headrace("decisions", "--who", "ANA", "--until", "now", "--json")[1])] == [
        0,
        1,
    ]
    assert "publishing is paused" in headrace("decisions")[1]
    assert headrace("decisions", "--kind", "pauses")[0] == 2


def test_following_tells_what_comes_meanwhile(
    deployment: Settings, headrace: Headrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = iter(range(3))

    def meanwhile(_: float) -> None:
        if next(waits) == 1:
            raise KeyboardInterrupt
        with decision_log(deployment) as log:
            log.append(line("resume", 2))

    monkeypatch.setattr("headrace.decision_commands.time.sleep", meanwhile)
    status, out, _ = headrace("decisions", "--follow", "--json")
    assert (status, [json.loads(row)["kind"] for row in out.splitlines()]) == (0, ["publish", "pause", "resume"])
