"""The command line: which commands there are. What each does is in the file of its noun."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from headrace import (
    broker_commands,
    challenger_commands,
    configure_commands,
    data_commands,
    decision_commands,
    demo_commands,
    docs_commands,
    doctor_commands,
    experiment_commands,
    export_commands,
    forget_commands,
    guard_commands,
    key_commands,
    letters_commands,
    log_commands,
    process_commands,
    quarantine_commands,
    serving_commands,
    topic_commands,
    version_commands,
    way_back_commands,
)
from headrace.terminal import complain, say
from streams.errors import HeadraceError


def main() -> None:
    """Run the command line: 0 for done, 1 for a failure told in one paragraph, 2 for a wrong call."""
    try:
        application()()
    except HeadraceError as error:
        if "--debug" in sys.argv:
            raise
        complain(error)
        raise SystemExit(1) from None


def application() -> typer.Typer:
    """All commands."""
    app = typer.Typer(
        name="headrace", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown"
    )
    app.callback()(_top)
    _add(app, "Start here", demo=demo_commands.demo, up=process_commands.up, status=log_commands.status)
    _add(app, "Start here", doctor=doctor_commands.doctor)
    processes = ("gateway", "sequence", "join", "train", "follow", "serve", "retain")
    _add(app, "Processes", **{name: getattr(process_commands, name) for name in processes})
    app.add_typer(broker_commands.broker, name="broker", rich_help_panel="Processes")
    app.add_typer(key_commands.keys, name="keys", rich_help_panel="Processes")
    app.add_typer(version_commands.versions, name="versions", rich_help_panel="Versions")
    _add(app, "Versions", rollback=way_back_commands.rollback)
    app.add_typer(quarantine_commands.quarantine, name="quarantine", rich_help_panel="Versions")
    app.add_typer(guard_commands.guard, name="guard", rich_help_panel="Versions")
    app.add_typer(experiment_commands.experiment, name="experiment", rich_help_panel="Versions")
    _add(app, "Versions", challengers=challenger_commands.challengers)
    for name in ("publish", "hold", "pause", "resume"):
        _add(app, "Versions", **{name: getattr(serving_commands, name)})
    _add(app, "Versions", decisions=decision_commands.decisions)
    app.add_typer(configure_commands.configure, name="configure", rich_help_panel="Versions")
    _add(app, "Data", backtest=data_commands.backtest, **{"import": data_commands.import_file})
    app.add_typer(export_commands.exports, name="export", rich_help_panel="Data")
    app.add_typer(log_commands.log_commands, name="log", rich_help_panel="Data")
    app.add_typer(topic_commands.topics, name="topics", rich_help_panel="Data")
    app.add_typer(letters_commands.letter_commands, name="dead-letters", rich_help_panel="Data")
    _add(app, "Data", forget=forget_commands.forget_user)
    app.add_typer(docs_commands.docs, name="docs", rich_help_panel="Development")
    return app


def _add(app: typer.Typer, panel: str, **commands: object) -> None:
    for name, command in commands.items():
        app.command(name, rich_help_panel=panel)(command)  # type: ignore[type-var]


def _top(
    version_only: Annotated[
        bool,
        typer.Option("--version", help="Print the version of Headrace.", is_eager=True, callback=lambda on: _tell(on)),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """A streaming recommender that learns from every click, and can go back."""


def _tell(on: bool) -> None:
    if on:
        say(f"headrace {version('headrace')}")
        raise typer.Exit
