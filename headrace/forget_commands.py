"""The command that forgets a user, and says what still holds the user and until when."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from headrace.forget import NotForgotten, forget, ground_of, look
from headrace.forget_report import Found, held, progress
from headrace.options import AsJson, DryRun, LogUrl, SettingsFile, Var, chosen, operator
from headrace.terminal import moment, say, tell_fields, tell_json, tell_table


def forget_user(
    user: Annotated[str, typer.Argument(help="The user's id, as events name it.", metavar="USER")],
    why: Annotated[str, typer.Option("--why", help="The reason; it stands in the log beside the delete.")] = "",
    status: Annotated[bool, typer.Option("--status", help="Only say what holds the user, and until when.")] = False,
    dry_run: DryRun = False,
    settings: SettingsFile = None,
    var: Var = None,
    log: LogUrl = None,
    as_json: AsJson = False,
) -> None:
    """Remove a user from states, histories, profiles and every version from now on; say what still holds the user.

    Writes one event that no quarantine covers. What comes late from before it is dropped. Older versions and the log
    keep what they have until retention takes it; asking again says how much of that is left, and writes nothing as long
    as nothing new came from the user.
    """
    use = chosen(settings, var=var, log=log)
    if not status and not dry_run and not why.strip():
        raise NotForgotten(
            "--why is missing: write the reason in a few words, or ask with --status what holds the user"
        )
    with ground_of(use) as ground:
        found = look(ground, user) if status or dry_run else forget(ground, user, operator(why))
    if as_json:
        tell_json(told(found, span=use.retention.span) | {"dry_run": dry_run})
        return
    if dry_run:
        say(f"Nothing was written. A delete of {user} would go to users[{found.partition}].")
    tell_fields(dict(progress(found)))
    rows = (
        [one.place, one.count, "-" if one.until is None else moment(one.until), one.goes]
        for one in held(found, span=use.retention.span)
    )
    tell_table(("still held by", "count", "until at least", "taken away by"), rows, nothing="Nothing holds the user.")


def told(found: Found, *, span: int) -> dict[str, Any]:
    """The report as plain fields."""
    fields: dict[str, Any] = msgspec.to_builtins(found)
    kept = {name: fields[name] for name in ("user_id", "partition", "deleted", "joined", "learned", "served")}
    return kept | {"held": msgspec.to_builtins(held(found, span=span))}
