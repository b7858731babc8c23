"""Commands about versions: which there are, which serves, who decided that. The way back has a file of its own."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from checkpoints.store import VersionStore
from headrace import operations
from headrace.deployment import decision_log, version_store
from headrace.options import AsJson, LogUrl, SettingsFile, Store, Var, Why, chosen, operator
from headrace.terminal import moment, say, tell_fields, tell_json, tell_table
from streams.decisions import DecisionLog

versions = typer.Typer(no_args_is_help=True, help="Versions of the model: what was learned, and up to where.")
Number = Annotated[int, typer.Argument(help="Number of a version, see `headrace versions list`.", min=1)]


@versions.command("list")
def list_versions(
    settings: SettingsFile = None, var: Var = None, log: LogUrl = None, store: Store = None, as_json: AsJson = False
) -> None:
    """Every committed version, oldest first."""
    rows, paused = _rows(settings, var, log, store)
    if as_json:
        tell_json(rows)
        return
    names = ("version", "parent", "standing", "valid", "verdict", "examples", "digest", "created")
    cells = ([*(row[name] for name in names[:-2]), str(row["digest"])[:12], moment(row["created_at"])] for row in rows)
    tell_table(names, cells, nothing="No version yet: the trainer commits the first one once it has learned something.")
    if paused:
        say(paused)


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
    (VersionStore(store) if store else version_store(chosen(settings, var=var, log=log))).manifest(version)
    row = next(row for row in _rows(settings, var, log, store)[0] if row["version"] == version)
    tell_json(row) if as_json else tell_fields(row)


def _rows(settings: SettingsFile, var: Var, log: LogUrl, store: Store) -> tuple[list[dict[str, Any]], str]:
    """The versions, and in words whether publishing is paused."""
    if store is not None:
        return operations.version_rows(VersionStore(store), None), ""
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        return operations.version_rows(version_store(use), decisions), _pause_told(decisions)


def _pause_told(decisions: DecisionLog) -> str:
    n = operations.paused_by(decisions)
    if n is None:
        return ""
    line = decisions.fold.lines[n]
    caught_up = "until a version has caught up, or: " if line.until else ""
    return f"Publishing is paused since decision {n} by {line.who} ({line.why}): {caught_up}headrace resume"


def publish(
    version: Number,
    why: Why,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let one version serve now, paused or not; it is verified first. A pause stays until `headrace resume`."""
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        line = operations.promote(version, version_store(use), decisions, operator(why))
        paused = operations.paused_by(decisions) is not None
    if as_json:
        tell_json({"line": line, "version": version})
    else:
        say(f"Servers go to version {version} (decision {line}).")
        if paused:
            say("Publishing stays paused: headrace resume --why TEXT")


def resume(
    why: Why, settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False
) -> None:
    """Let the trainer publish again; its next version serves."""
    with decision_log(chosen(settings, var=var, log=log)) as decisions:
        line = operations.resume(decisions, operator(why))
    if as_json:
        tell_json({"line": line})
    else:
        say(f"Publishing goes on (decision {line}).")


def list_decisions(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """Who decided what, when and why, in order."""
    with decision_log(chosen(settings, var=var, log=log)) as decisions:
        rows = operations.decision_rows(decisions)
    if as_json:
        tell_json(rows)
        return
    names = ("n", "when", "who", "kind", "version", "holds", "why", "mask")
    cells = ([row["n"], moment(int(str(row["at"]))), *(row.get(name) for name in names[2:])] for row in rows)
    tell_table(names, cells, nothing="Nothing was decided yet.")
