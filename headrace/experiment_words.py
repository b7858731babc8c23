"""Experiments as people read them."""

from __future__ import annotations

from typing import Any

from headrace.terminal import moment, say, tell_table
from serving.arm_figures import Reading
from streams.experiments import Experiment


def cells_of(row: dict[str, Any]) -> tuple[object, ...]:
    """One line of the list."""
    began = moment(row["started_at"])
    return row["name"], _state(row), _tries(row), row.get("share"), row.get("metric") or "-", began, row["why"]


def _state(row: dict[str, Any]) -> str:
    return "not served" if row["state"] == "running" and not row["served"] else str(row["state"])


def _tries(row: dict[str, Any]) -> str:
    version = [] if row["version"] is None else [f"version {row['version']}"]
    return ", ".join([*version, *(f"{key}={value}" for key, value in row["settings"].items())])


def tell(one: Experiment, row: dict[str, Any], found: Reading) -> None:
    """A table by arm, and what to think of it."""
    beside = " (mirrored)" if one.trial.mirror else ""
    say(f"{one.name}{beside}: {_tries(row)} for {one.trial.share:.1%} of the users since {moment(one.started_at)}")
    if one.trial.mirror:
        say(f"{one.state}; {found.why}")
        return
    cells = [
        (figure.metric, figure.on, figure.off, _percent(figure.change), _between(figure.low, figure.high))
        for figure in found.figures
    ]
    held = "at the horizon" if one.trial.horizon else "at every look"
    tell_table(("metric", "on", "off", "change", f"95 % {held}"), cells, nothing="")
    users = " and ".join(f"{count * found.of_users:,}" for count in found.users)
    about = "about " if found.of_users > 1 else ""
    say(f"Pages {found.pages[0]:,} and {found.pages[1]:,}; users {about}{users}; p95 {found.p95_ms[0]} and "
        f"{found.p95_ms[1]} ms; users split like this by chance: p = {found.split:.3g}.")  # fmt: skip
    if found.crossed or found.early:
        say(f"Seen in both arms: {found.crossed:,} users; let go before their time: {found.early:,} pages or visits.")
    say(f"{one.state}; {found.verdict}: {found.why}")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1%}"


def _between(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:+.1%} to {high:+.1%}"
