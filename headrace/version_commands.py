"""Commands about versions: which there are, which serves, and the way back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from checkpoints.store import VersionStore
from headrace import operations
from headrace.configuration import apply
from headrace.deployment import decision_log, fold_digests, version_store
from headrace.options import AsJson, LogUrl, SettingsFile, Store, Var, Why, chosen, now, operator, who
from headrace.terminal import moment, say, tell_fields, tell_json, tell_table
from streams.decisions import told

versions = typer.Typer(no_args_is_help=True, help="Versions of the model: what was learned, and up to where.")
configure = typer.Typer(no_args_is_help=True, help="Settings that a log was folded with.")
Number = Annotated[int, typer.Argument(help="Number of a version, see `headrace versions list`.", min=1)]


@versions.command("list")
def list_versions(
    settings: SettingsFile = None, var: Var = None, log: LogUrl = None, store: Store = None, as_json: AsJson = False
) -> None:
    """Every committed version, oldest first."""
    rows = _rows(settings, var, log, store)
    if as_json:
        tell_json(rows)
        return
    names = ("version", "parent", "standing", "valid", "verdict", "examples", "digest", "created")
    cells = ([*(row[name] for name in names[:-2]), str(row["digest"])[:12], moment(row["created_at"])] for row in rows)
    tell_table(names, cells, nothing="No version yet: the trainer commits the first one once it has learned something.")


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
    row = next(row for row in _rows(settings, var, log, store) if row["version"] == version)
    tell_json(row) if as_json else tell_fields(row)


def _rows(settings: SettingsFile, var: Var, log: LogUrl, store: Store) -> list[dict[str, Any]]:
    if store is not None:
        return operations.version_rows(VersionStore(store), None)
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        return operations.version_rows(version_store(use), decisions)


def rollback(version: Number, why: Why, settings: SettingsFile = None, var: Var = None, log: LogUrl = None) -> None:
    """Put every server on an older version and pause publishing, until `headrace resume`.

    The version is verified before anything moves. What was learned since stays in the log.
    """
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        line = operations.roll_back(version, version_store(use), decisions, operator(why))
    say(
        f"Servers go to version {version}; publishing is paused (decision {line}). "
        "Go on with: headrace resume --why TEXT"
    )


def publish(version: Number, why: Why, settings: SettingsFile = None, var: Var = None, log: LogUrl = None) -> None:
    """Let one version serve now, whatever the gate or a pause says; it is verified first."""
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        line = operations.promote(version, version_store(use), decisions, operator(why))
    say(f"Servers go to version {version} (decision {line}).")


def resume(why: Why, settings: SettingsFile = None, var: Var = None, log: LogUrl = None) -> None:
    """Let the trainer publish again; its next version serves."""
    with decision_log(chosen(settings, var=var, log=log)) as decisions:
        line = operations.resume(decisions, operator(why))
    say(f"Publishing goes on (decision {line}).")


def list_decisions(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """Who decided what, when and why, in order."""
    with decision_log(chosen(settings, var=var, log=log)) as decisions:
        decisions.follow()
        lines = zip(told(decisions.fold.lines), decisions.fold.effective, strict=True)
        rows = [row | {"holds": holds} for row, holds in lines]
    if as_json:
        tell_json(rows)
        return
    names = ("n", "when", "who", "kind", "version", "holds", "why")
    cells = ([row["n"], moment(int(str(row["at"]))), *(row.get(name) for name in names[2:])] for row in rows)
    tell_table(names, cells, nothing="Nothing was decided yet.")


@configure.command("apply")
def configure_apply(why: Why, settings: SettingsFile = None, var: Var = None, log: LogUrl = None) -> None:
    """Accept today's settings for a log that was folded with others. Stop its processes first.

    What was joined and learned stays; the new settings hold for what is read from here on.
    """
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        decisions.follow()
        line = apply(fold_digests(use), decisions, who=who(), why=why, at=now())
    say(f"The log goes on with today's settings (decision {line}).")
