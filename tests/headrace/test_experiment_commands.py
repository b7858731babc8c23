"""Experiments on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.deployment import open_logs
from streams.events import Tick
from streams.frames import EventFrame, encode_frame
from streams.positions import partition_of
from tests.headrace import deployments
from tests.headrace.command_line import Headrace, runner
from tests.headrace.experiment_ground import HOUR, pages


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    deployments.published(deployments.of(tmp_path / "var"), versions=2)
    return runner(tmp_path, monkeypatch, capsys)


def test_the_whole_life_of_an_experiment_on_the_command_line(headrace: Headrace, tmp_path: Path) -> None:
    words = ("--set", "serving.diversity=.2", "--share", ".5", "--metric", "page_ctr", "--why", "try")
    status, out, err = headrace("experiment", "start", "bold", *words)
    assert (status, err) == (0, "")
    assert "bold runs (decision 2)" in out
    with open_logs(deployments.of(tmp_path / "var")) as logs:
        log = logs.open("events", 4)
        for p in range(4):
            events = [e for e in pages("bold", share=0.5, on=0.6, off=0.3) if partition_of(e.user_id, 4) == p]  # type: ignore[union-attr]
            log.append(p, [encode_frame(EventFrame((*events, Tick(HOUR))))], at=1)
    (row,) = json.loads(headrace("experiment", "list", "--json")[1])
    assert (row["name"], row["state"], row["served"]) == ("bold", "running", True)
    assert "serving.diversity=0.2" in headrace("experiment", "list")[1]
    told = json.loads(headrace("experiment", "show", "bold", "--json")[1])
    assert (told["verdict"], told["figures"][0]["metric"], sum(told["users"])) == ("better", "page_ctr", 600)
    out = headrace("experiment", "show", "bold")[1]
    assert "page_ctr" in out
    assert "running; better" in out
    assert json.loads(headrace("experiment", "pause", "bold", "--why", "x", "--json")[1])["line"] == 3
    assert headrace("experiment", "start", "bold", "--why", "on")[0] == 0
    out = headrace("experiment", "promote", "bold", "--why", "better")[1]
    assert "diversity = 0.2" in out
    assert headrace("experiment", "abort", "bold", "--why", "no")[0] == 0
    assert [row["kind"] for row in json.loads(headrace("decisions", "--json")[1])][2:] == ["experiment"] * 5


def test_a_start_without_a_metric_is_one_paragraph(headrace: Headrace) -> None:
    status, _, err = headrace(
        "experiment", "start", "bold", "--set", "serving.diversity=.2", "--share", ".5", "--why", "x"
    )
    assert (status, "needs a metric that stops it, and none is named" in err.replace("\n", " ")) == (1, True)


def test_a_horizon_is_said_loudly(headrace: Headrace) -> None:
    words = ("--set", "serving.diversity=.2", "--share", ".5", "--metric", "page_ctr", "--horizon", "7d", "--why", "x")
    assert "read ONCE, 7d from now" in headrace("experiment", "start", "bold", *words)[1]
