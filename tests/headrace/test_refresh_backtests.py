"""`headrace backtest --refresh`, of rows and of events, from the command line to table, report and drawing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.backtesting import backtest
from headrace.refresh_words import BadRefresh, compared
from tests.headrace.command_line import Headrace, runner
from tests.headrace.test_backtesting import PLAN, quiet, source
from tests.learners.rate_learner import RateLearner

SCHEMA = """
label = "clicked"
time = "at"
time_unit = "s"
features.shop.kind = "category"
"""
EVERY = "never,1d,1h,online"


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    (tmp_path / "schema.toml").write_text(SCHEMA)
    return runner(tmp_path, monkeypatch, capsys)


def shops(file: Path, *, rows: int = 6000, days: float = 3) -> None:
    """Which shops are good moves on every six hours."""
    random = np.random.default_rng(0)
    at_B = np.arange(rows) * int(days * 86_400) // rows
    shop_B = random.integers(0, 12, rows)
    good_B = (shop_B + at_B // 21_600) % 12 < 4
    yes_B = random.random(rows) < np.where(good_B, 0.8, 0.1)
    lines = [f"{int(yes)},{at},s{shop}" for yes, at, shop in zip(yes_B, at_B, shop_B, strict=True)]
    file.write_text("\n".join(["clicked,at,shop", *lines]) + "\n")


def run(headrace: Headrace, *words: str) -> tuple[dict[str, Any], str]:
    told = ("backtest", "--rows", "rows.csv", "--schema", "schema.toml", "--model", "logistic", "--batch", "32")
    status, out, err = headrace(*told, "--report", "out.json", *words)
    assert status == 0, err + out
    report: dict[str, Any] = json.loads(Path("out.json").read_text())
    return report, out


def refusal(headrace: Headrace, *words: str) -> str:
    status, _, err = headrace("backtest", "--rows", "rows.csv", "--schema", "schema.toml", "--model", "rate", *words)
    assert status == 1
    return " ".join(err.split())


def test_rows_are_answered_by_copies_of_every_age_in_one_pass(headrace: Headrace, tmp_path: Path) -> None:
    shops(tmp_path / "rows.csv")
    pytest.importorskip("matplotlib")
    report, out = run(headrace, "--refresh", "online,1h", "--refresh", "1d,never", "--plot", "o.svg")
    told = report["refresh"]["labels"]["clicked"]
    never, day, hour, online = [one["auc"] for one in told["cadences"]]
    assert hour > max(never, day)
    assert online == pytest.approx(hour, abs=0.02)
    assert told["gains"][1]["auc_low"] > 0
    assert (told["rows"], report["refresh"]["copies"]) == (pytest.approx(4000, abs=32), 48)
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("never", "1d", "1h", "online"))] == [
        "never", "1d", "1h", "online",
    ]  # fmt: skip
    assert "never" in Path("o.svg").read_text()


def test_comparing_changes_no_other_figure(headrace: Headrace, tmp_path: Path) -> None:
    shops(tmp_path / "rows.csv")
    assert run(headrace, "--refresh", EVERY)[0]["labels"] == run(headrace)[0]["labels"]


def test_held_out_rows_are_in_no_comparison(headrace: Headrace, tmp_path: Path) -> None:
    shops(tmp_path / "rows.csv")
    shops(tmp_path / "later.csv", rows=500)
    plain = run(headrace, "--refresh", EVERY)[0]
    tested = run(headrace, "--refresh", EVERY, "--test", "later.csv")[0]
    assert tested["refresh"] == plain["refresh"]
    assert tested["test"]["rows"] == 500


def test_without_a_column_of_times_it_is_refused(headrace: Headrace, tmp_path: Path) -> None:
    shops(tmp_path / "rows.csv", rows=100)
    (tmp_path / "schema.toml").write_text('label = "clicked"\nfeatures.shop.kind = "category"\n')
    assert 'names no column of times: add time = "COLUMN"' in refusal(headrace, "--refresh", EVERY)


def test_times_that_go_back_are_named_with_their_line(headrace: Headrace, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("clicked,at,shop\n1,100,a\n0,7300,a\n1,3700,a\n")
    told = refusal(headrace, "--refresh", EVERY)
    assert "line 4 is of 1970-01-01 01:01:40.000, the row before it of 1970-01-01 02:01:40.000" in told
    assert "sort the file by time" in told


def test_rows_that_end_before_the_first_copy_are_refused(headrace: Headrace, tmp_path: Path) -> None:
    shops(tmp_path / "rows.csv", rows=100, days=0.5)
    assert "all 100 rows fall into the first 1d" in refusal(headrace, "--refresh", EVERY)
    assert run(headrace, "--refresh", EVERY, "--refresh-after", "2h")[0]["refresh"]["after_ms"] == 7_200_000


def test_several_passes_and_wrong_words_are_refused(headrace: Headrace, tmp_path: Path) -> None:
    shops(tmp_path / "rows.csv", rows=100)
    assert "--epochs is 2: leave one out" in refusal(headrace, "--refresh", EVERY, "--epochs", "2")
    assert "'weekly' is none of never, online" in refusal(headrace, "--refresh", "weekly")
    assert "drawings are SVG" in refusal(headrace, "--refresh", EVERY, "--plot", "o.png")


def test_events_are_answered_by_copies_of_every_age(tmp_path: Path) -> None:
    told = compared(["never,10s,online"], "10s")
    report = backtest(source(tmp_path), RateLearner, plan=PLAN, compared=told, console=quiet())
    alone = backtest(source(tmp_path), RateLearner, plan=PLAN, console=quiet())
    click = report["refresh"]["labels"]["click"]
    assert [one["refresh"] for one in click["cadences"]] == ["never", "10s", "online"]
    assert 0.75 * 1000 < click["rows"] < 1000
    assert report["labels"] == alone["labels"]


def test_events_with_versions_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(BadRefresh, match="leave out --versions"):
        backtest(source(tmp_path), RateLearner, plan=PLAN, versions=tmp_path / "v", compared=compared(["1h"], "1d"),
                 console=quiet())  # fmt: skip
