"""The AUC of all cadences over time as one drawing. The only file that imports matplotlib, and only when asked.

The same figures give the same bytes of SVG: no date, no random names of parts.
"""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace.refresh_words import BadRefresh

COLOURS = ("#5b6770", "#c2571a", "#8a6d00", "#1a6fc2", "#2e8540", "#7a3fa0")
DAY_S = 86_400


def check_plot(file: Path) -> None:
    """Before anything is learned: whether it can be drawn. Raises BadRefresh."""
    if file.suffix.lower() != ".svg":
        raise BadRefresh(f"--plot {file.name}: drawings are SVG; choose a name that ends in .svg")
    if not file.resolve().parent.is_dir():
        raise BadRefresh(f"--plot {file}: there is no folder {file.resolve().parent}; make it first")
    if importlib.util.find_spec("matplotlib") is None:
        raise BadRefresh(
            "--plot draws with matplotlib, which is not installed here. It comes with the extra `plot`: "
            "uv pip install 'headrace[plot]'; without --plot the figures are the same"
        )


def draw(told: dict[str, Any], title: str, file: Path) -> None:
    """One panel for each label: a line for each cadence, with its 95 % as a band. `told` is `refresh` of a report."""
    import matplotlib
    from matplotlib.figure import Figure

    labels = {label: one for label, one in told["labels"].items() if one["course"]}
    with matplotlib.rc_context({"svg.hashsalt": "headrace", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, 0.6 + 3.2 * len(labels)), layout="constrained")
        for axes, (label, one) in zip(figure.subplots(len(labels), squeeze=False)[:, 0], labels.items(), strict=True):
            _panel(axes, label, one)
        figure.suptitle(title)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": "headrace"})


def _panel(axes: Any, label: str, told: dict[str, Any]) -> None:
    course = told["course"]
    time = [(point["at"] + point["until"]) / 2000 for point in course]
    dated = time[0] > 365 * DAY_S
    x = [datetime.fromtimestamp(at, UTC) if dated else at / 3600 for at in time]
    for n, one in enumerate(told["cadences"]):
        name, colour = one["refresh"], COLOURS[n % len(COLOURS)]
        auc, low, high = ([_or_gap(point["auc"][name][key]) for point in course] for key in ("auc", "low", "high"))
        axes.plot(x, auc, color=colour, linewidth=1.4, label=f"{name}  {_figure(one['auc'])}")
        axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set_ylabel(f"AUC of {label}")
    axes.set_xlabel("event time, UTC" if dated else "event time, hours")
    axes.grid(alpha=0.25)
    axes.legend(title="refreshed", loc="best", frameon=False)
    if dated:
        axes.tick_params(axis="x", labelrotation=20)


def _or_gap(value: float | None) -> float:
    return float("nan") if value is None else value


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
