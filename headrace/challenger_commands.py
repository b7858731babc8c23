"""The command about challengers: who foresees better than the live model, and what drifts slowly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from checkpoints.store import VersionStore
from headrace.deployment import run_folder, version_store
from headrace.options import AsJson, LogUrl, SettingsFile, Var, chosen
from headrace.telemetry import read_status
from headrace.terminal import moment, say, tell_json, tell_table

COLUMNS = ("who", "rows", "auc", "log loss", "ne", "faded ne", "calibration", "gap", "95 %", "verdict")
NOTHING = "No challenger was seen yet: the table comes with the first version, by [trainer.challengers]."


def challengers(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """Who wins: the live model against simple ones and frozen copies, on the same rows; and alarms of slow drift."""
    use = chosen(settings, var=var, log=log)
    told = standing(version_store(use), run_folder(use))
    if as_json:
        tell_json(told)
        return
    if told["from"] is not None:
        say(f"As the {told['from']} says, {moment(int(told['at']))}; label {told['label']}.")
        say("The gap is the live model's log loss less theirs, a row; its interval is for one look, not for many.")
    tell_standings(told["table"])
    for sentence in told["alarms"]["newest"]:
        say(sentence)
    if told["alarms"]["count"]:
        say(f"{told['alarms']['count']:,} alarms in {told['alarms']['batches']:,} batches. They refuse nothing.")


def tell_standings(table: Sequence[Mapping[str, Any]]) -> None:
    """The lines of `learners.standings`, as a table."""
    tell_table(COLUMNS, _cells(table), nothing=NOTHING)


def standing(store: VersionStore, run: Any) -> dict[str, Any]:
    """What the running trainer said last, else what stands in the newest version. `from` says which of the two, None
    where neither is there."""
    status = read_status(run).get("train")
    if status and status.last.get("challengers"):
        return {"from": "trainer", "at": status.updated_at, **status.last["challengers"]}
    manifests = store.manifests()
    for label, figures in (manifests[-1].metrics if manifests else {}).items():
        if "challengers" in figures:
            from learners.standings import standings

            newest, drift = manifests[-1], figures.get("drift", {})
            alarms = {"batches": drift.get("batches", 0), "count": drift.get("alarms", 0), "newest": []}
            told = {"label": label, "table": standings(figures["challengers"]), "alarms": alarms}
            return {"from": f"version {newest.version}", "at": newest.created_at, **told}
    return {"from": None, "at": None, "label": None, "table": [], "alarms": {"batches": 0, "count": 0, "newest": []}}


def _cells(table: Sequence[Mapping[str, Any]]) -> Iterator[list[object]]:
    for line in table:
        figures = [line.get(name) for name in ("auc", "log_loss", "ne", "faded_ne", "calibration")]
        signed = [f"{line[name]:+.4f}" if name in line else None for name in ("gap", "low", "high")]
        wide = f"{signed[1]} to {signed[2]}" if signed[1] and signed[2] else None
        shown = [None if one is None else f"{one:.4f}" for one in figures]
        yield [line["name"], line.get("n"), *shown, signed[0], wide, line.get("verdict")]
