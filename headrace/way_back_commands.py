"""Commands that take bad data out: the way back, and the mask by itself. What they show is put in words here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer

from headrace.deployment import open_logs, run_folder, version_store
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Var, Why, chosen, now, operator
from headrace.quarantine_operations import (
    Masked,
    quarantine_add,
    quarantine_close,
    quarantine_lift,
    quarantine_list,
)
from headrace.quarantine_terms import order_from, order_of
from headrace.settings import Settings
from headrace.terminal import moment, say, tell_json, tell_table
from headrace.way_back import Then, roll_back
from headrace.way_back_watch import watch
from headrace.way_back_words import plain, told_back, told_masked
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.log import Log

quarantine = typer.Typer(no_args_is_help=True, help="The mask: which events nothing may remember.")
Target = Annotated[str, typer.Argument(metavar="VERSION", help="Number of the version to go back to, or `last-good`.")]
Terms = Annotated[
    list[str] | None,
    typer.Option(
        "--quarantine",
        help="What to take out, e.g. 'from=10m app-version=1.1'; may be repeated. Keys: from, to, app-version, "
        "producer, surface, model-version, positions.",
    ),
]
Ripple = Annotated[bool, typer.Option("--ripple", help="Also mask what the versions caused that fall by this.")]
Id = Annotated[str, typer.Argument(help="Id of an entry, see `headrace quarantine list`.")]
ThenOption = Annotated[
    str | None,
    typer.Option(
        "--then",
        help="`replay`: publish again once the log has been learned anew (default with a quarantine). `pause`: not "
        "before `headrace resume`.",
    ),
]
Wait = Annotated[
    bool | None,
    typer.Option("--wait/--no-wait", help="Show how servers, joiners and the trainer follow, until they have."),
]


@contextmanager
def opened(use: Settings) -> Iterator[tuple[DecisionLog, Log]]:
    """The decisions and the events of a deployment."""
    with open_logs(use) as logs:
        yield DecisionLog(logs.open(DECISIONS, 1)), logs.open("events", use.partitions)


def rollback(
    version: Target,
    why: Why,
    quarantine: Terms = None,
    ripple: Ripple = False,
    then: ThenOption = None,
    wait: Wait = None,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Put every server on an older version and take bad data out of everything, by one line.

    The version is verified before anything moves. Without a quarantine publishing is paused until `headrace resume`.
    """
    target, after = _target(version), _then(then)
    use, who = chosen(settings, var=var, log=log), operator(why)
    orders = tuple(order_of(terms, now=who.at) for terms in quarantine or ())
    with opened(use) as (decisions, events):
        back = roll_back(
            target,
            store=version_store(use),
            decisions=decisions,
            operator=who,
            events=events,
            orders=orders,
            ripple=ripple,
            then=after,
            ahead=use.sequencer.clock_ahead,
            dry_run=dry_run,
        )
        waits = bool(orders and not as_json) if wait is None else wait
        if not as_json:
            say(told_back(back))
        caught_up = None
        if waits and not dry_run:
            caught_up = watch(back, decisions, run_folder(use), clock=now, quiet=as_json)
    if as_json:
        tell_json(plain(back) | {"dry_run": dry_run, "caught_up": caught_up})


@quarantine.command("add")
def add(
    why: Why,
    since: Annotated[str | None, typer.Option("--from", help="Begin: 10m (ago), now, ISO 8601, or ms.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="End; without it the entry stays open.")] = None,
    app_version: Annotated[str | None, typer.Option("--app-version", help="Only events of this app version.")] = None,
    producer: Annotated[str | None, typer.Option("--producer", help="Only events of this producer.")] = None,
    surface: Annotated[str | None, typer.Option("--surface", help="Only events of this surface.")] = None,
    model_version: Annotated[
        list[str] | None, typer.Option("--model-version", help="Only what these versions caused: 7 or 7-9; repeatable.")
    ] = None,
    positions: Annotated[
        list[str] | None, typer.Option("--positions", help="Frames instead of times: 0:120-340; repeatable.")
    ] = None,
    ripple: Ripple = False,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Mask events in everything that was or will be learned. Who serves is left as it is: see `headrace rollback`."""
    use, who = chosen(settings, var=var, log=log), operator(why)
    given = {
        "from": [] if since is None else [since],
        "to": [] if until is None else [until],
        "app-version": [] if app_version is None else [app_version],
        "producer": [] if producer is None else [producer],
        "surface": [] if surface is None else [surface],
        "model-version": model_version or [],
        "positions": positions or [],
    }
    order = order_from(given, now=who.at)
    with opened(use) as (decisions, events):
        masked = quarantine_add(
            (order,),
            store=version_store(use),
            decisions=decisions,
            operator=who,
            events=events,
            ripple=ripple,
            ahead=use.sequencer.clock_ahead,
            dry_run=dry_run,
        )
    _tell(masked, dry_run, as_json)


@quarantine.command("list")
def list_entries(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """What is masked now, since when, by whom and why."""
    use = chosen(settings, var=var, log=log)
    with opened(use) as (decisions, _):
        rows = quarantine_list(decisions, version_store(use))
    if as_json:
        tell_json(rows)
        return
    names = ("id", "since", "who", "masks", "state", "frames", "tainted", "why")
    cells = (
        [row["id"], f"{moment(row['at'])} (decision {row['line']})", row["who"], row["masks"],
         "open" if row["open"] else "closed", row["frames"], row["tainted"], row["why"]]
        for row in rows
    )  # fmt: skip
    tell_table(names, cells, nothing="Nothing is masked.")


@quarantine.command("lift")
def lift(
    id: Id,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Take an entry out of the mask, with its ripple: what it hid is learned again, and older versions may be good."""
    use, who = chosen(settings, var=var, log=log), operator(why)
    with opened(use) as (decisions, events):
        masked = quarantine_lift(
            id, store=version_store(use), decisions=decisions, operator=who, events=events, dry_run=dry_run
        )
    _tell(masked, dry_run, as_json)


@quarantine.command("close")
def close(
    id: Id,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Let an open entry mask nothing new from now on; what it hid stays hidden."""
    use, who = chosen(settings, var=var, log=log), operator(why)
    with opened(use) as (decisions, events):
        masked = quarantine_close(
            id, store=version_store(use), decisions=decisions, operator=who, events=events, dry_run=dry_run
        )
    _tell(masked, dry_run, as_json)


def _target(written: str) -> int | Literal["last-good"]:
    if written == "last-good":
        return "last-good"
    if not written.isdecimal() or int(written) < 1:
        raise typer.BadParameter(f"{written!r} is neither a number of a version nor last-good", param_hint="VERSION")
    return int(written)


def _then(written: str | None) -> Then | None:
    match written:
        case None:
            return None
        case "replay":
            return "replay"
        case "pause":
            return "pause"
    raise typer.BadParameter(f"{written!r} is neither replay nor pause", param_hint="--then")


def _tell(masked: Masked, dry_run: bool, as_json: bool) -> None:
    if as_json:
        tell_json(plain(masked) | {"dry_run": dry_run})
        return
    say(told_masked(masked))
