"""Commands about versions: which there are, what each says of itself, which stay. What serves is said elsewhere."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir
from typing import Any

import typer

from checkpoints.locations import Location, store_at
from checkpoints.room import written
from checkpoints.store import VersionStore
from headrace import operations
from headrace.deployment import decision_log, version_store
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Store, Var, Why, chosen, operator
from headrace.serving_commands import Number, pause_told
from headrace.terminal import moment, say, tell_fields, tell_json, tell_table

versions = typer.Typer(no_args_is_help=True, help="Versions of the model: what was learned, and up to where.")

LISTED = (
    "version", "parent", "standing", "valid", "verdict", "examples", "kind", "size", "chain", "pinned", "digest",
    "created",
)  # fmt: skip


@versions.command("list")
def list_versions(
    settings: SettingsFile = None, var: Var = None, log: LogUrl = None, store: Store = None, as_json: AsJson = False
) -> None:
    """Every committed version, oldest first."""
    rows, paused = _rows(settings, var, log, store)
    if as_json:
        tell_json(rows)
        return
    cells = ([_cell(name, row) for name in LISTED] for row in rows)
    tell_table(
        LISTED, cells, nothing="No version yet: the trainer commits the first one once it has learned something."
    )
    if paused:
        say(paused)


MEASURED = ("name", "verdict", "figure", "low", "high", "limit", "live", "n", "why")


def _figure(value: object) -> object:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else value


def _cell(name: str, row: dict[str, Any]) -> object:
    match name:
        case "size":
            return written(row["size"])
        case "digest":
            return str(row["digest"])[:12]
        case "created":
            return moment(row["created_at"])
    return row[name]


@versions.command("pin")
def pin_version(
    version: Number,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Have a version stay for good, with all that it stands on. Its files are checked first."""
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        line = operations.pin(version, version_store(use), decisions, operator(why), dry_run=dry_run)
    _tell_pinned(version, line, f"Version {version} is pinned", dry_run, as_json)


@versions.command("unpin")
def unpin_version(
    version: Number,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let a version go when its time has come."""
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        line = operations.unpin(version, decisions, operator(why), dry_run=dry_run)
    _tell_pinned(version, line, f"Version {version} is not pinned any more", dry_run, as_json)
    if version in use.retention.pinned and not as_json:
        say("`[retention] pinned` names it still, so it stays: take it out there too.")


def _tell_pinned(version: int, line: int | None, told: str, dry_run: bool, as_json: bool) -> None:
    if as_json:
        tell_json({"line": line, "version": version, "dry_run": dry_run})
    elif dry_run:
        say("Nothing was written.")
    else:
        say(f"{told} (decision {line})." if line is not None else f"{told}: it was so before, nothing was written.")


@versions.command("compact")
def compact_version(
    version: Number, settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False
) -> None:
    """Keep a version once more, whole, so that it needs no other one. `headrace retain` does that by itself in time."""
    from checkpoints.compaction import compact  # numpy, which no other command here needs

    made = compact(version_store(chosen(settings, var=var, log=log)), version)
    if as_json:
        tell_json({"version": version, "bytes": made.bytes})
    else:
        say(f"Version {version} is whole by itself ({written(made.bytes)}).")


@versions.command("show")
def show_version(
    version: Number,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Everything that one version says of itself."""
    (_by_itself(store) if store else version_store(chosen(settings, var=var, log=log))).manifest(version)
    row = next(row for row in _rows(settings, var, log, store)[0] if row["version"] == version)
    if as_json:
        tell_json(row)
        return
    gate = row.pop("gate")
    tell_fields(row)
    if gate.get("measures"):
        against = gate.get("against")
        say(f"Gate: {row['verdict']}, " + (f"against version {against}" if against else "with nothing to compare to"))
        tell_table(MEASURED, ([_figure(one.get(name)) for name in MEASURED] for one in gate["measures"]), nothing="")


def _by_itself(store: str) -> VersionStore:
    """Versions of which only the manifests are read, so that no copy is ever made."""
    return store_at(Location(store, str(Path(gettempdir()) / "headrace-versions")))


def _rows(settings: SettingsFile, var: Var, log: LogUrl, store: Store) -> tuple[list[dict[str, Any]], str]:
    """The versions, and in words whether publishing is paused."""
    if store is not None:
        return operations.version_rows(_by_itself(store), None), ""
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        return operations.version_rows(version_store(use), decisions, use.retention.pinned), pause_told(decisions)
