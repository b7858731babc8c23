"""The drawing of `--refresh`, and what is said where it can't be made."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.refresh_plot import check_plot, draw
from headrace.refresh_words import BadRefresh

WEEK = 1_650_000_000_000


def told(begin: int = WEEK) -> dict[str, Any]:
    def point(n: int) -> dict[str, Any]:
        auc = {name: {"auc": v, "low": v - 0.02, "high": v + 0.02} for name, v in (("never", 0.6), ("online", 0.7))}
        if n == 3:
            auc["never"] = {"auc": None, "low": None, "high": None}
        return {"at": begin + n * 3_600_000, "until": begin + (n + 1) * 3_600_000, "rows": 9, "auc": auc}

    cadences = [{"refresh": "never", "auc": 0.6}, {"refresh": "online", "auc": 0.7}]
    course = [point(n) for n in range(8)]
    return {"labels": {name: {"cadences": cadences, "course": course} for name in ("click", "long_view")}}


def drawn(file: Path, begin: int = WEEK) -> str:
    pytest.importorskip("matplotlib")
    draw(told(begin), "offers.csv, deepfm", file)
    return file.read_text()


def test_every_label_has_a_panel_and_every_cadence_a_line_with_its_figure(tmp_path: Path) -> None:
    text = drawn(tmp_path / "o.svg")
    assert text.startswith("<?xml")
    for wanted in ("AUC of click", "AUC of long_view", "never  0.6000", "online  0.7000", "offers.csv, deepfm", "UTC"):
        assert wanted in text


def test_times_that_are_no_dates_are_told_in_hours(tmp_path: Path) -> None:
    assert "event time, hours" in drawn(tmp_path / "o.svg", 0)


def test_the_same_figures_give_the_same_bytes(tmp_path: Path) -> None:
    assert drawn(tmp_path / "one.svg") == drawn(tmp_path / "other.svg")


def test_another_ending_and_a_missing_folder_are_refused_before_anything_is_learned(tmp_path: Path) -> None:
    with pytest.raises(BadRefresh, match="drawings are SVG"):
        check_plot(tmp_path / "o.png")
    with pytest.raises(BadRefresh, match=r"there is no folder .*nowhere"):
        check_plot(tmp_path / "nowhere" / "o.svg")


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadRefresh, match=r"comes with the extra `plot`: uv pip install 'headrace\[plot\]'"):
        check_plot(tmp_path / "o.svg")


def test_the_library_is_not_imported_until_something_is_drawn() -> None:
    code = "import sys, headrace.refresh_plot, headrace.rows_backtesting; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
