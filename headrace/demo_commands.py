"""The command that shows everything at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.jobs import run_demo


def demo(
    once: Annotated[int | None, typer.Option("--once", min=1, help="Stop after this many events.")] = None,
    incident: Annotated[
        bool,
        typer.Option(
            "--incident",
            help="An app version sends inverted clicks for a stretch, and one rollback takes them out of everything. "
            "Its course goes by shares of the events: 50,000 without --once.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the world.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the API; 0 takes any free one.")] = 0,
    var: Annotated[
        Path | None, typer.Option("--var", help="Folder to run in; without it a new one that is removed.")
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(
            "--log",
            help="Where its log is: kafka://HOST:PORT for a broker, where its topics get a prefix of their own and are "
            "removed at the end; without it in the folder.",
        ),
    ] = None,
) -> None:
    """A simulated world whose people ask, look and click, and Headrace learning from them, live.

    Ends with status 1 if learned slates don't beat popular ones, a request failed, or an answer mixed versions; with
    --incident also if the way back left something to be wished for.
    """
    told = {"seed": seed, "once": once, "as_json": as_json, "var": var, "port": port, "incident": incident, "log": log}
    raise typer.Exit(run_demo(**told))
