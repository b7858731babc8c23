"""Commands that say which version serves: publish, hold, pause, resume. The way back has a file of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace import operations
from headrace.deployment import decision_log, version_store
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Var, Why, chosen, operator
from headrace.terminal import say, tell_json
from streams.decisions import DecisionLog

Number = Annotated[int, typer.Argument(help="Number of a version, see `headrace versions list`.", min=1)]
Anyway = Annotated[bool, typer.Option("--anyway", help="Also where its figures failed the gate.")]


def publish(
    version: Number,
    why: Why,
    anyway: Anyway = False,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let one version serve now, paused or not; it is verified first. A pause stays until `headrace resume`."""
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        line = operations.promote(
            version, version_store(use), decisions, operator(why), anyway=anyway, dry_run=dry_run
        )  # fmt: skip
        paused = operations.paused_by(decisions) is not None
    if as_json:
        tell_json({"line": line, "version": version, "dry_run": dry_run})
        return
    say(f"Servers go to version {version} (decision {line})." if line is not None else _would(version))
    if paused:
        say("Publishing stays paused: headrace resume --why TEXT")


def hold(
    version: Number,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Have a version not serve, until `headrace publish` names it. Where it serves, the good one before it does again.

    The trainer goes on publishing what comes after it: to stop that too, `headrace rollback` or `headrace pause`.
    """
    use = chosen(settings, var=var, log=log)
    with decision_log(use) as decisions:
        line, serves = operations.hold(version, version_store(use), decisions, operator(why), dry_run=dry_run)
    if as_json:
        tell_json({"line": line, "version": version, "serves": serves, "dry_run": dry_run})
    elif dry_run:
        say("Nothing was written." + ("" if serves is None else f" Servers would be on version {serves}."))
    elif line is None:
        say(f"Version {version} is held: it was so before, nothing was written.")
    else:
        say(f"Version {version} is held (decision {line})." + ("" if serves is None else f" Version {serves} serves."))


def pause(
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let nothing new serve until `headrace resume`; the trainer goes on learning and committing."""
    with decision_log(chosen(settings, var=var, log=log)) as decisions:
        line = operations.pause(decisions, operator(why), dry_run=dry_run)
    _tell(line, "Publishing is paused", dry_run, as_json)


def resume(
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let the trainer publish again; its next version serves."""
    with decision_log(chosen(settings, var=var, log=log)) as decisions:
        line = operations.resume(decisions, operator(why), dry_run=dry_run)
    _tell(line, "Publishing goes on", dry_run, as_json)


def pause_told(decisions: DecisionLog) -> str:
    """Whether publishing is paused, since when and by whom; empty where it is not."""
    n = operations.paused_by(decisions)
    if n is None:
        return ""
    line = decisions.fold.lines[n]
    caught_up = "until a version has caught up, or: " if line.until else ""
    return f"Publishing is paused since decision {n} by {line.who} ({line.why}): {caught_up}headrace resume"


def _tell(line: int | None, told: str, dry_run: bool, as_json: bool) -> None:
    if as_json:
        tell_json({"line": line, "dry_run": dry_run})
    else:
        say("Nothing was written." if line is None else f"{told} (decision {line}).")


def _would(version: int) -> str:
    return f"Nothing was written. Servers would go to version {version}."
