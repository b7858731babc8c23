"""Commands about the settings that a log is folded with: which they are, and how it goes on with others."""

from __future__ import annotations

import typer

from headrace.configuration import Difference, apply, configured, differing, flat, meaning, planned
from headrace.deployment import decision_log, fold_settings, open_events
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Var, Why, chosen, now, who
from headrace.terminal import moment, say, tell_json, tell_table

configure = typer.Typer(no_args_is_help=True, help="Settings that a log is folded with.")


@configure.command("show")
def configure_show(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """What the log is folded with, and where today's settings differ."""
    use = chosen(settings, var=var, log=log)
    wanted = fold_settings(use)
    with decision_log(use) as decisions:
        stands = configured(decisions)
        lines = [
            {"n": n, "at": line.at, "who": line.who, "why": line.why, "start": line.start}
            for n, line in enumerate(decisions.fold.lines)
            if line.kind == "configure" and decisions.fold.effective[n]
        ]
    here, there = flat(wanted), flat(stands or {})
    changes = differing(wanted, stands or {}) if stands is not None else []
    if as_json:
        names = [change.name for change in changes]
        tell_json({"log": there if stands is not None else None, "settings": here, "differing": names, "lines": lines})
        return
    if stands is None:
        say("Nothing was folded yet: the first process that starts writes today's settings down.")
    _tell_lines(lines)
    rows = [(name, _cell(there.get(name)), _cell(here.get(name))) for name in sorted(here.keys() | there.keys())]
    tell_table(("setting", "log", "today"), rows, nothing="No setting.")
    _tell_changes(changes, "Today's settings differ in: ")


@configure.command("apply")
def configure_apply(
    why: Why, dry_run: DryRun = False, settings: SettingsFile = None, var: Var = None, log: LogUrl = None
) -> None:
    """Let the log go on with today's settings from its ends on; running processes go over to them by themselves.

    What lies before stays as it was made, also where it has to be made again. What it means is said before the line is
    written.
    """
    use = chosen(settings, var=var, log=log)
    wanted = fold_settings(use)
    with open_events(use, wanted) as (events, decisions):
        changes = planned(wanted, decisions)
        _tell_changes(list(changes or ()), "Changed: ")
        for sentence in meaning(changes or ()):
            say(sentence)
        if changes is not None and dry_run:
            say("Nothing was written.")
            return
        applied = apply(wanted, decisions, events, who=who(), why=why, at=now())
    if applied is None:
        say("The log is folded with today's settings already; nothing was written.")
        return
    ends = ", ".join(f"{p}: {offset:,}" for p, offset in applied.start.items())
    say(
        f"The log goes on with today's settings from events {{{ends}}} on (decision {applied.line}). Processes that "
        "run go over by themselves; one that starts from now on must have today's settings, so restart `headrace up`."
    )


def _tell_lines(lines: list[dict[str, object]]) -> None:
    cells = []
    for n, line in enumerate(lines):
        begin = str(line["start"]) if n else "the begin"
        cells.append((line["n"], moment(int(str(line["at"]))), line["who"], begin, line["why"]))
    if lines:
        tell_table(("decision", "when", "who", "from", "why"), cells, nothing="")


def _tell_changes(changes: list[Difference], begin: str) -> None:
    if changes:
        say(begin + "; ".join(change.told for change in changes) + ".")


def _cell(value: object) -> object:
    return str(value) if isinstance(value, list) else value
