"""Commands about dead letters: what could not be taken, why, and taking it again."""

from __future__ import annotations

import base64
import sys
from collections import deque
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from headrace.deployment import dead_letters
from headrace.letters import (
    BadLetters,
    changes_in,
    chosen_letters,
    letters_of,
    numbers_in,
    replay,
    report,
    shown_replay,
)
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Var, chosen, now
from headrace.quarantine_terms import moment_of
from headrace.terminal import moment, progress_console, say, tell_fields, tell_json, tell_table
from streams.dead_letters import DeadLetter, Standing, Wanted

letter_commands = typer.Typer(no_args_is_help=True, help="What could not be taken, with its reason.")
Limit = Annotated[int, typer.Option("--limit", min=1, help="Most lines shown, the newest.")]
Reason = Annotated[str, typer.Option("--reason", help="Only letters with this text in their reason.")]
Field = Annotated[str, typer.Option("--field", help="Only letters with this text in their field.")]
Origin = Annotated[
    str, typer.Option("--origin", help="Only letters with this text in their origin, e.g. gateway or interactions[2].")
]
Since = Annotated[str, typer.Option("--since", help="Only letters since then: 10m (ago), or 2026-07-30T12:00:00Z.")]


@letter_commands.command("list")
def list_letters(
    reason: Reason = "",
    field: Field = "",
    origin: Origin = "",
    since: Since = "",
    only_open: Annotated[bool, typer.Option("--open", help="Only those that were not taken since.")] = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """The newest dead letters: open, taken since, or replaced by a later one that failed again."""
    wanted = _wanted(reason, field, origin, since)
    with dead_letters(chosen(settings, var=var, log=log)) as (letters, _):
        found = (one for one in letters.standing(wanted) if one[2] == "open" or not only_open)
        rows = [_told(*one) for one in deque(found, maxlen=limit)]
    if as_json:
        tell_json(rows)
        return
    cells = ([row["n"], moment(row["at"]), row["origin"], row["field"], row["reason"], row["standing"]] for row in rows)
    tell_table(("n", "when", "origin", "field", "reason", "standing"), cells, nothing="No dead letters.")


@letter_commands.command("show")
def show_letter(
    number: Annotated[int, typer.Argument(min=0, help="Its number in `headrace dead-letters list`.")],
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    raw: Annotated[bool, typer.Option("--raw", help="Print its original bytes, and nothing else.")] = False,
    as_json: AsJson = False,
) -> None:
    """One dead letter with its original bytes."""
    with dead_letters(chosen(settings, var=var, log=log)) as (letters, _):
        letter = letters.show(number)
        standing = next(one[2] for one in letters.standing() if one[0] == number)
    if raw:
        sys.stdout.buffer.write(letter.data)
        sys.stdout.buffer.flush()
        return
    fields = _told(number, letter, standing)
    if as_json:
        tell_json(fields | {"data": base64.b64encode(letter.data).decode()})
        return
    tell_fields(fields | {"at": moment(letter.at)})
    say(letter.data.decode(errors="backslashreplace"))


@letter_commands.command("replay")
def replay_letters(
    numbers: Annotated[
        list[str] | None, typer.Argument(help="Numbers and ranges: 7 10-20; without them all that the filters leave.")
    ] = None,
    reason: Reason = "",
    field: Field = "",
    origin: Origin = "",
    since: Since = "",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Set a field of the event first: FIELD=VALUE, JSON or text; FIELD= takes it out."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--from", exists=True, dir_okay=False, help="Take this file's event for the one letter named."),
    ] = None,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Take dead letters again, all that are open or those named: after an upgrade, or with changes.

    Same checks as at the gateway. An event keeps its `ts`, and one without it the time at which it came first, so one
    that is too late by now is judged so. What fails again is buried again, once, in place of the old letter. Replaying
    twice does no harm. Ends with status 1 if a letter was rejected.
    """
    named = numbers_in(numbers or ())
    if data is not None and (len(named) != 1 or len(named[0]) != 1):
        raise BadLetters("--from holds one event, so name the one letter that it is for: replay 7 --from FILE")
    wanted, changed = _wanted(reason, field, origin, since), changes_in(changes or ())
    with letters_of(chosen(settings, var=var, log=log)) as (letters, again):
        for some in named:
            if len(some) == 1:
                letters.show(some.start)
        found = chosen_letters(letters, named, wanted)
        if data is not None:
            found = ((n, msgspec.structs.replace(one, data=data.read_bytes()), at) for n, one, at in found)
        done = shown_replay(replay(again, found, changed, dry_run=dry_run), progress_console(stderr=True))
    if as_json:
        tell_json(msgspec.to_builtins(done) | {"dry_run": dry_run})
    else:
        report(done, progress_console(), dry_run=dry_run)
    raise typer.Exit(1 if done.rejected else 0)


def _wanted(reason: str, field: str, origin: str, since: str) -> Wanted:
    return Wanted(reason, field, origin, moment_of(since, now=now()) if since else 0)


def _told(number: int, letter: DeadLetter, standing: Standing) -> dict[str, Any]:
    fields = {"n": number, "at": letter.at, "origin": letter.origin, "field": letter.field, "reason": letter.reason}
    return fields | {"first": letter.first, "standing": standing}
