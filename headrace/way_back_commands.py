"""The command of the way back: an older version serves, and bad data is taken out, by one line."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from headrace.deployment import run_folder, version_store
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Var, Why, chosen, now, operator
from headrace.quarantine_options import Ripple, Terms, looked, opened, said
from headrace.quarantine_preview_words import plain_counts, told_counts
from headrace.quarantine_terms import order_of
from headrace.terminal import say, tell_json
from headrace.way_back import Then, roll_back
from headrace.way_back_watch import watch
from headrace.way_back_words import plain, told_back

Target = Annotated[str, typer.Argument(metavar="VERSION", help="Number of the version to go back to, or `last-good`.")]
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
        waits = (bool(orders and not as_json) if wait is None else wait) and not dry_run
        if not as_json:
            say(told_back(back, said(use)))
        caught_up = watch(back, decisions, run_folder(use), clock=now, quiet=as_json) if waits else None
    counts = looked(use, orders, at=who.at) if dry_run and orders else None
    if as_json:
        tell_json(
            plain(back, said(use))
            | {"dry_run": dry_run, "caught_up": caught_up, "counts": counts and plain_counts(counts)}
        )
    elif counts is not None:
        say(told_counts(counts))


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
