"""Commands that write what a server answers into files."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from headrace.exporting import Wanted, export
from headrace.settings_file import KEY
from headrace.terminal import say, tell_json

exports = typer.Typer(no_args_is_help=True, help="Lists of a running server, as files.")


@exports.callback()
def _exports() -> None:
    """A group, also while it has one command."""


@exports.command("recommendations")
def recommendations(
    users: Annotated[Path, typer.Option("--users", help="File of user ids, one a line.")],
    to: Annotated[Path, typer.Option("--to", help="File to write, one answer a line; what stands in it stays.")],
    url: Annotated[str, typer.Option("--url", help="Address of a server.")] = "http://127.0.0.1:8710",
    n: Annotated[int, typer.Option("--n", min=1, max=100, help="Items in each list.")] = 10,
    filter: Annotated[str | None, typer.Option("--filter", help="Only items that this lets through.")] = None,
    surface: Annotated[str, typer.Option("--surface", help="Where the lists are for.")] = "",
    slates: Annotated[bool, typer.Option("--slates", help="Log the lists as slates: they will be shown.")] = False,
    batch: Annotated[int, typer.Option("--batch", min=1, max=100, help="Users in one request.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Ask for the list of every user in a file. Stopped and started again, it goes on where it was.

    A user whose list can't be made gets a line with `problem` instead of items.
    """
    wanted = Wanted(n, filter, surface, dry_run=not slates, batch=batch)
    done = export(users, to, url, wanted, key=os.environ.get(KEY), pause=time.sleep)
    if as_json:
        tell_json({"written": done.written, "stood": done.stood, "refused": done.refused})
        return
    say(
        f"{done.written:,} lists were written to {to}, {done.stood:,} stood there already; "
        f"{done.refused:,} users got a problem instead of a list."
    )
