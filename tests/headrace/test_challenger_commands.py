"""Who wins, as people see it: a command, the status, gauges."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checkpoints.manifest import Manifest
from checkpoints.store import VersionStore
from headrace.challenger_commands import standing
from headrace.figures import figures
from headrace.telemetry import Telemetry
from learners.standings import gauges, standings
from tests.headrace.command_line import runner

AGAINST = {"gap": -0.01, "low": -0.02, "high": -0.005, "blocks": 40, "better": "live"}
FULL = [
    {"name": "live", "n": 900, "auc": 0.71, "log_loss": 0.3, "ne": 0.9, "calibration": 1.0, "faded": {"ne": 0.88}},
    {"name": "popularity", "n": 900, "auc": 0.6, "against": AGAINST, "verdict": "the live model is better"},
]
TABLE = standings(FULL)
TOLD = {
    "label": "click", "table": TABLE, "alarms": {"batches": 7, "count": 1, "newest": ["slow drift: it went up"]},
}  # fmt: skip


@dataclass(frozen=True)
class Turn:
    idle: bool
    challengers: dict[str, Any]
    challenger: dict[str, dict[str, float]]
    drift_alarms: int


def told(run: Path) -> Telemetry:
    telemetry = Telemetry("train", run, clock=lambda: 5_000)
    telemetry.take(Turn(False, TOLD, gauges(TABLE), 1))
    return telemetry


def test_the_trainers_last_word_is_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    headrace = runner(tmp_path, monkeypatch, capsys)
    told(tmp_path / "var" / "run")
    status, out, _ = headrace("challengers")
    assert status == 0
    assert all(word in out for word in ("popularity", "-0.0200 to -0.0050", "the live model is better", "it went up"))
    assert json.loads(headrace("challengers", "--json")[1])["table"] == TABLE
    assert "the live model is better" in headrace("status")[1]


def test_without_a_trainer_the_newest_version_tells(tmp_path: Path) -> None:
    store = VersionStore(tmp_path / "versions")
    metrics = {"click": {"challengers": FULL, "drift": {"batches": 3, "alarms": 2, "newest": []}}}
    store.commit(store.reserve(), lambda folder: None, Manifest(1, None, 0, {}, metrics=metrics))
    found = standing(store, tmp_path / "run")
    assert (found["from"], found["label"], found["table"], found["alarms"]["count"]) == ("version 1", "click", TABLE, 2)


def test_where_nothing_was_seen_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert standing(VersionStore(tmp_path / "versions"), tmp_path / "run")["from"] is None
    status, out, _ = runner(tmp_path, monkeypatch, capsys)("challengers")
    assert (status, "No challenger was seen yet" in out) == (0, True)


def test_every_figure_is_a_gauge_by_name(tmp_path: Path) -> None:
    found = {(name, *labels.values()): value for name, labels, value, _ in figures({"train": told(tmp_path).status()})}
    assert found["train_challenger", "popularity", "low"] == -0.02
    assert found["train_challenger", "live", "faded_ne"] == 0.88
    assert found["train_drift_alarms",] == 1
    assert not any(name == "train_challengers" for name, *_ in found)
