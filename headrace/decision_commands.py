"""The command that reads the audit trail: who decided what, when, from what to what, and why."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args

import typer

from headrace.audit import Audit, chosen_rows
from headrace.deployment import decision_log
from headrace.options import AsJson, LogUrl, SettingsFile, Var, chosen, now
from headrace.quarantine_terms import moment_of
from headrace.terminal import moment, say, tell_json, tell_table
from streams.decisions import Kind

KINDS = get_args(Kind)
EVERY_S = 0.5
SHOWN = ("n", "when", "who", "kind", "from", "to", "did", "why", "mask", "void")


def decisions(
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help=f"Only these, repeatable: {', '.join(KINDS)}.")
    ] = None,
    who: Annotated[str | None, typer.Option("--who", help="Only of those whose name holds this.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only from then on: 2h (ago), ISO 8601, or ms.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only before then.")] = None,
    void: Annotated[bool, typer.Option("--void", help="Only those that changed nothing, or not what serves.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with those to come, until Ctrl-C.")] = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Who decided what, when, from what to what, and why, in order. A line that is void says why it is.

    It is the log itself: nothing that was decided is ever missing. With `--follow --json` one object a line.
    """
    for name in (name for name in kind or () if name not in KINDS):
        raise typer.BadParameter(f"there is no kind {name!r}; choose of {', '.join(KINDS)}", param_hint="--kind")
    begin, end = (None if text is None else moment_of(text, now=now()) for text in (since, until))
    with decision_log(chosen(settings, var=var, log=log)) as read:
        audit = Audit(read.fold)

        def fresh() -> Iterator[dict[str, Any]]:
            read.follow()
            return chosen_rows(audit.fresh(), kinds=kind or (), who=who, since=begin, until=end, void=void)

        if follow:
            _followed(fresh, as_json)
        else:
            _listed(list(fresh()), as_json)


def line_told(row: dict[str, Any]) -> str:
    """A decision in one line.

    >>> print(line_told({"n": 7, "at": 0, "who": "ana", "kind": "pause", "did": "publishing is paused", "why": "sale",
    ...     "mask": "", "void": ""}))
    7  1970-01-01 00:00:00  ana  pause: publishing is paused (sale)
    """
    void = f" [void: {row['void']}]" if row["void"] else ""
    did = "; ".join(part for part in (row["did"], row["mask"]) if part)
    return f"{row['n']}  {moment(int(row['at']))}  {row['who']}  {row['kind']}: {did} ({row['why']}){void}"


def _listed(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        tell_json(rows)
        return
    shown = [name for name in SHOWN if name not in ("mask", "void") or any(row[name] for row in rows)]
    cells = ([moment(int(row["at"])) if name == "when" else row[name] for name in shown] for row in rows)
    tell_table(shown, cells, nothing="Nothing was decided yet, or nothing of that kind.")


def _followed(fresh: Callable[[], Iterator[dict[str, Any]]], as_json: bool) -> None:
    try:
        while True:
            for row in fresh():
                if as_json:
                    sys.stdout.write(json.dumps(row, default=str) + "\n")
                    sys.stdout.flush()
                else:
                    say(line_told(row))
            time.sleep(EVERY_S)
    except KeyboardInterrupt:
        return
