"""What a comparison of cadences says of itself: its part of the report, and the table that is shown."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table as Shown

from headrace.durations import written
from headrace.refresh_plot import draw
from headrace.refresh_words import Compared, nothing_after

PROTOCOL = (
    "one learner goes through the rows once; each row is answered by the copy of it that would have served then, and "
    "learned by the learner afterwards. Copies are renewed when event time (UTC) goes over a whole multiple of their "
    "age, before the batch that brings it there"
)


def report_of_refresh(told: Compared, labels: dict[str, dict[str, Any]], *, rows: int, copies: int) -> dict[str, Any]:
    """The part `refresh` of a report. Raises BadRefresh where no row came after the first copies."""
    if not any(one["rows"] for one in labels.values()):
        raise nothing_after(told.first_ms, rows)
    return {
        "protocol": f"{PROTOCOL}; figures are over the rows after the first {written(told.first_ms)}, with 95 %",
        "after_ms": told.first_ms,
        "copies": copies,
        "labels": labels,
    }


def tell_refresh(told: Compared, report: dict[str, Any], console: Console, title: str) -> None:
    """The table of each label, and the drawing where one is wanted."""
    for label, one in report["labels"].items():
        console.print(
            f"{label}, refreshed now and then: {one['rows']:,} rows after the first {written(told.first_ms)}, "
            f"{report['copies']:,} copies; 95 % in brackets, gains are over the line above",
            highlight=False,
            soft_wrap=True,
        )
        console.print(_table(one))
    if told.plot is not None:
        draw(report, title, told.plot)
        console.print(f"drawn: {told.plot}", highlight=False, soft_wrap=True, markup=False)


def _table(told: dict[str, Any]) -> Shown:
    shown = Shown("refresh", "AUC", "NE", "AUC gained", box=None, pad_edge=False, header_style="bold")
    gains = {gain["to"]: gain for gain in reversed(told["gains"])}
    for one in told["cadences"]:
        gain = gains.get(one["refresh"], {})
        shown.add_row(one["refresh"], cell(one, "auc"), _only(one["ne"]), cell(gain, "auc", "+"))
    return shown


def cell(told: dict[str, Any], name: str, sign: str = "") -> str:
    """A figure and its interval, as short as a terminal wants them.

    >>> cell({"auc": 0.71, "auc_low": 0.7, "auc_high": 0.72}, "auc"), cell({"ne": 1.02}, "ne"), cell({}, "auc")
    ('.7100 (.7000 to .7200)', '1.0200', '-')
    """
    value, low, high = (told.get(key) for key in (name, f"{name}_low", f"{name}_high"))
    if value is None:
        return "-"
    around = "" if low is None or high is None else f" ({_short(low)} to {_short(high)})"
    return _short(value, sign) + around


def _only(value: float | None) -> str:
    return "-" if value is None else _short(value)


def _short(value: float, sign: str = "") -> str:
    told = f"{value:{sign}.4f}"
    return told.replace("0.", ".", 1) if abs(value) < 1 else told
