"""Commands about the guard: what it holds, and what to do with that. Numpy comes in when one of them runs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from headrace.deployment import open_logs, run_folder, version_store
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Var, Why, chosen, operator
from headrace.settings import Settings
from headrace.terminal import moment, say, tell_json, tell_table
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog

guard = typer.Typer(no_args_is_help=True, help="What is judged before it is learned, and held back where it is wrong.")
Slice = Annotated[str, typer.Argument(metavar="SLICE", help="`all`, or e.g. `producer=web`, `app-version=2.1`.")]


@guard.command("status")
def guard_status(settings: SettingsFile = None, var: Var = None, log: LogUrl = None, as_json: AsJson = False) -> None:
    """What is held at present: since when, why, and when it will be learned if nobody acts."""
    from headrace.guard_operations import standing

    use = chosen(settings, var=var, log=log)
    told = standing(version_store(use), run_folder(use))
    if as_json:
        tell_json(told)
        return
    if told["from"] is None:
        say("No trainer with a guard has run here yet.")
        return
    say(f"As the {told['from']} says, {moment(int(told['at']))}; {told['broken']:,} broken rows were dropped.")
    tell_table(
        ("slice", "what", "batches", "odds", "slope", "AUC live", "AUC shadow", "learned in", "order"),
        [_cells(one) for one in told["held"]],
        nothing="Nothing is held.",
    )
    if told["held"]:
        say(
            "To learn it now: headrace guard accept SLICE --why TEXT. To hold it until it is as before: headrace guard "
            "refuse SLICE --why TEXT. To take out what was learned before it was held: headrace rollback last-good "
            "--quarantine TERMS."
        )


@guard.command("accept")
def guard_accept(
    where: Slice,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
) -> None:
    """Learn what is held of a slice: the change is true."""
    _order("accept", where, why, chosen(settings, var=var, log=log), dry_run)


@guard.command("refuse")
def guard_refuse(
    where: Slice,
    why: Why,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
) -> None:
    """Hold a slice until it is as it was before, however long that takes: it is known to be wrong."""
    _order("refuse", where, why, chosen(settings, var=var, log=log), dry_run)


def _order(order: Literal["accept", "refuse"], where: str, why: str, use: Settings, dry_run: bool) -> None:
    from headrace.guard_operations import give, slice_of, standing, written

    wanted = slice_of(where)
    with open_logs(use) as logs:
        decisions, events = DecisionLog(logs.open(DECISIONS, 1)), logs.open("events", use.partitions)
        n = give(order, wanted, decisions=decisions, events=events, operator=operator(why), dry_run=dry_run)
    standing_holds = standing(version_store(use), run_folder(use))["held"]
    held = [(one["axis"], one["value"]) for one in standing_holds]
    if n is None:
        say("Nothing was written.")
    else:
        say(f"Decision {n}: the trainer follows it at the first batch beyond the log's present end.")
    if wanted not in held:
        there = ", ".join(written(*one) for one in held) or "nothing"
        say(f"{where} is not held as far as is known ({there} is): an order without a hold changes nothing.")
    elif order == "accept" and wanted in {
        (one["axis"], one["value"]) for one in standing_holds if not one.get("shadow", True)
    }:
        say(
            f"{where} can't be accepted: more is held at once than trainer.guard.shadows, so nobody learns what is "
            "held of it. It is held until it returns, and is quarantined as a whole then; what is true of that, "
            "headrace quarantine lift brings back."
        )


def _cells(held: dict[str, Any]) -> tuple[object, ...]:
    from headrace.guard_operations import written

    figures = [f"{held[name]:.3f}" for name in ("factor", "slope", "auc_live", "auc_shadow")]
    learned_in = held["learned_in"] if held["learned_in"] is not None else "-"
    return written(held["axis"], held["value"]), held["kind"], held["seen"], *figures, learned_in, held["order"] or "-"
