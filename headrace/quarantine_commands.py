"""Commands about the mask: what is in it, what would be, and how it is changed. Who serves is left as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from headrace.deployment import version_store
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Var, Why, chosen, now, operator
from headrace.quarantine_operations import (
    Masked,
    quarantine_add,
    quarantine_close,
    quarantine_lift,
    quarantine_list,
)
from headrace.quarantine_options import (
    AppVersion,
    LabelNames,
    ModelVersion,
    Places,
    Producer,
    Ripple,
    Since,
    Surface,
    Terms,
    Until,
    looked,
    opened,
    said,
)
from headrace.quarantine_preview import Preview
from headrace.quarantine_preview_words import command_of, plain_counts, plain_preview, told_counts, told_preview
from headrace.quarantine_terms import order_from, order_of
from headrace.settings import Settings
from headrace.terminal import moment, say, tell_json, tell_table
from headrace.way_back_words import plain, told_masked

quarantine = typer.Typer(no_args_is_help=True, help="The mask: which events nothing may remember.")
Id = Annotated[str, typer.Argument(help="Id of an entry, see `headrace quarantine list`.")]


@quarantine.command("preview")
def preview(
    quarantine: Terms = None,
    since: Since = None,
    until: Until = None,
    app_version: AppVersion = None,
    producer: Producer = None,
    surface: Surface = None,
    model_version: ModelVersion = None,
    label: LabelNames = None,
    positions: Places = None,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Count what a quarantine would take out, which versions fall by it and what they have shown; write nothing.

    Reads the log from the first place on that it reaches, so a stretch of long ago takes longer.
    """
    use, at = chosen(settings, var=var, log=log), now()
    orders = [order_of(terms, now=at) for terms in quarantine or ()]
    given = _given(since, until, app_version, producer, surface, model_version, label, positions)
    if any(given.values()) or not orders:
        orders.append(order_from(given, now=at))
    found = looked(use, orders, at=at)
    command = command_of(found, orders)
    if as_json:
        tell_json(plain_preview(found, said(use)) | {"command": command})
    else:
        say(told_preview(found, command, said(use)))


@quarantine.command("add")
def add(
    why: Why,
    since: Since = None,
    until: Until = None,
    app_version: AppVersion = None,
    producer: Producer = None,
    surface: Surface = None,
    model_version: ModelVersion = None,
    label: LabelNames = None,
    positions: Places = None,
    ripple: Ripple = False,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Mask events in everything that was or will be learned. Who serves is left as it is: see `headrace rollback`."""
    use, who = chosen(settings, var=var, log=log), operator(why)
    given = _given(since, until, app_version, producer, surface, model_version, label, positions)
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
    _tell(masked, use, dry_run, as_json, looked(use, (order,), at=who.at) if dry_run else None)


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
    _tell(masked, use, dry_run, as_json)


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
    _tell(masked, use, dry_run, as_json)


def _given(
    since: str | None, until: str | None, app_version: str | None, producer: str | None, surface: str | None,
    *lists: list[str] | None,
) -> Mapping[str, Sequence[str]]:  # fmt: skip
    """Values by key, as `order_from` takes them."""
    ones = {"from": since, "to": until, "app-version": app_version, "producer": producer, "surface": surface}
    named = zip(("model-version", "label", "positions"), lists, strict=True)
    return {key: [] if one is None else [one] for key, one in ones.items()} | {key: many or [] for key, many in named}


def _tell(masked: Masked, use: Settings, dry_run: bool, as_json: bool, counts: Preview | None = None) -> None:
    if as_json:
        counted = plain_counts(counts) if counts else None
        tell_json(plain(masked, said(use)) | {"dry_run": dry_run, "counts": counted})
        return
    say(told_masked(masked, said(use)))
    if counts is not None:
        say(told_counts(counts))
