"""Commands about the log: what it holds, its digest, what could not be taken, how its readers fare."""

from __future__ import annotations

import base64
from typing import Annotated

import msgspec
import typer

from headrace.deployment import dead_letters, run_folder, topics
from headrace.digests import FOLDS, LOGS, digest_of
from headrace.options import AsJson, LogUrl, SettingsFile, Var, chosen, now
from headrace.telemetry import read_status
from headrace.terminal import moment, say, tell_fields, tell_json, tell_table

NAMES = (*LOGS, *FOLDS)

log_commands = typer.Typer(no_args_is_help=True, help="The log: topics, and the proof that two are the same.")
letter_commands = typer.Typer(no_args_is_help=True, help="What could not be taken, with its reason.")
Limit = Annotated[int, typer.Option("--limit", min=1, help="Most lines shown, the newest.")]


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


@letter_commands.command("list")
def list_letters(
    settings: SettingsFile = None, var: Var = None, log: LogUrl = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """The newest dead letters."""
    with dead_letters(chosen(settings, var=var, log=log)) as (letters, end):
        found = letters.list(since=max(end - limit, 0), limit=limit)
    rows = [
        {"n": n, "at": letter.at, "origin": letter.origin, "field": letter.field, "reason": letter.reason}
        for n, letter in found
    ]
    if as_json:
        tell_json(rows)
        return
    cells = ([row["n"], moment(int(str(row["at"]))), row["origin"], row["field"], row["reason"]] for row in rows)
    tell_table(("n", "when", "origin", "field", "reason"), cells, nothing="No dead letters.")


@letter_commands.command("show")
def show_letter(
    number: Annotated[int, typer.Argument(min=0, help="Its number in `headrace dead-letters list`.")],
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """One dead letter with its original bytes."""
    with dead_letters(chosen(settings, var=var, log=log)) as (letters, _):
        letter = letters.show(number)
    fields = {"n": number, "at": letter.at, "origin": letter.origin, "field": letter.field, "reason": letter.reason}
    if as_json:
        tell_json(fields | {"data": base64.b64encode(letter.data).decode()})
        return
    tell_fields(fields | {"at": moment(letter.at)})
    say(letter.data.decode(errors="backslashreplace"))


def status(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """What each process said last: turns, totals, age of its word."""
    said = read_status(run_folder(chosen(settings, var=var, log=log)))
    if as_json:
        tell_json(msgspec.to_builtins(said))
        return
    cells = (
        [one.process, one.pid, one.port, f"{max(now() - one.updated_at, 0) / 1000:.1f} s", one.turns,
         " ".join(f"{name} {value:,.0f}" for name, value in sorted(one.totals.items()) if value)]
        for one in said.values()
    )  # fmt: skip
    tell_table(("process", "pid", "port", "said", "turns", "totals"), cells, nothing="No process has said anything.")
