"""Commands about the log: what it holds, its digest, how its readers fare."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from headrace.challenger_commands import tell_standings
from headrace.deployment import run_folder, topics
from headrace.digests import FOLDS, LOGS, digest_of
from headrace.health import well
from headrace.options import AsJson, LogUrl, SettingsFile, Var, chosen, now
from headrace.telemetry import causes, read_status
from headrace.terminal import say, tell_json, tell_table

NAMES = (*LOGS, *FOLDS)

log_commands = typer.Typer(no_args_is_help=True, help="The log: topics, and the proof that two are the same.")


@log_commands.command("list")
def list_topics(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """Topics, and how many records each partition holds."""
    rows = topics(chosen(settings, var=var, log=log))
    if as_json:
        tell_json(rows)
        return
    cells = ([row["topic"], sum(row["ends"]) - sum(row["begins"]), " ".join(map(str, row["ends"]))] for row in rows)
    tell_table(("topic", "records", "next offsets"), cells, nothing="The log is empty.")


@log_commands.command("digest")
def digest(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.", metavar="NAME")],
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    anew: Annotated[bool, typer.Option("--anew", help="A server's fold from the log's begin, not its snapshots.")] = (
        False
    ),
) -> None:
    """sha256 over what the log says: its events, the rows in force, or a fold of a server.

    Under today's mask, and independent of framing and offsets: a log with masked events and one that never had them
    print the same.
    """
    if name not in NAMES:
        raise typer.BadParameter(f"{name!r} has no digest; choose one of {', '.join(NAMES)}", param_hint="NAME")
    say(digest_of(chosen(settings, var=var, log=log), name, anew=anew))


def status(
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
    check: Annotated[
        str | None, typer.Option("--check", help="Only this process: status 1 if it has said nothing for too long.")
    ] = None,
    within: Annotated[float, typer.Option("--within", min=1, help="Seconds that --check allows.")] = 30,
) -> None:
    """What each process said last: turns, totals, age of its word; and events and rows by cause since the log began."""
    run = run_folder(chosen(settings, var=var, log=log))
    said = read_status(run)
    if check is not None:
        say(well(check, said, now(), within=round(within * 1000), run=run))
        return
    if as_json:
        tell_json(msgspec.to_builtins(said))
        return
    cells = (
        [one.process, one.pid, one.port, f"{max(now() - one.updated_at, 0) / 1000:.1f} s", one.turns,
         " ".join(f"{name} {value:,.0f}" for name, value in sorted(one.totals.items()) if value)]
        for one in said.values()
    )  # fmt: skip
    tell_table(("process", "pid", "port", "said", "turns", "totals"), cells, nothing="No process has said anything.")
    counted = [(one.process, cause, f"{times:,}") for one in said.values() for cause, times in causes(one).items()]
    if counted:
        say("")
        tell_table(("process", "cause", "since the log began"), counted, nothing="")
    if "train" in said and (told := said["train"].last.get("challengers")):
        say("")
        tell_standings(told["table"])
