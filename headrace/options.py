"""Options that many commands share, and what they give: settings, the log, the operator."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from headrace.operations import Operator
from headrace.settings import Settings
from headrace.settings_file import load

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="Settings file, TOML; without it ./headrace.toml, if it is there.")
]
Var = Annotated[Path | None, typer.Option("--var", help="Folder of everything written at run time (setting `var`).")]
LogUrl = Annotated[str | None, typer.Option("--log", help="Where the log is, e.g. sqlite://var/log (setting `log`).")]
Parent = Annotated[int | None, typer.Option("--parent", hidden=True, help="Process to die with.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def _reason(why: str) -> str:
    if not why.strip():
        raise typer.BadParameter("the reason is empty, but it is all that others will know; say it in a few words")
    return why


Why = Annotated[str, typer.Option("--why", help="The reason; it stands in the decisions for ever.", callback=_reason)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and write nothing.")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting that is tried, e.g. serving.diversity=.2; repeat it."),
]
Store = Annotated[
    str | None,
    typer.Option(
        "--store", help="A folder or url of versions by itself; without decisions `valid` and `live` are unknown."
    ),
]


def chosen(
    file: Path | None,
    *,
    var: Path | None = None,
    log: str | None = None,
    below: Mapping[str, Any] | None = None,
    **groups: Any,
) -> Settings:
    """Settings of file and environment over `below` and under what the command line says; None says nothing.

    Raises BadSettings.
    """
    given: dict[str, Any] = {"var": None if var is None else str(var), "log": log} | groups
    changes = {name: value for name, value in given.items() if value is not None}
    return load(file, os.environ, changes, below=below)


def operator(why: str) -> Operator:
    """Who sits at this terminal, now."""
    return Operator(who=who(), why=why, at=now())


def who() -> str:
    """The name that stands in the decisions."""
    return f"{os.environ.get('USER') or getpass.getuser()}@{socket.gethostname()}"


def now() -> int:
    """The clock of this machine, in ms."""
    return time.time_ns() // 1_000_000


def pairs_of(sets: list[str]) -> dict[str, str]:
    """Values by name, of `KEY=VALUE`. Raises typer.BadParameter."""
    pairs = [one.partition("=") for one in sets]
    if wrong := [key for key, equals, _ in pairs if not equals]:
        raise typer.BadParameter(f"{wrong[0]!r} has no value; write KEY=VALUE, e.g. --set serving.diversity=.2")
    return {key.strip(): value.strip() for key, _, value in pairs}
