"""Commands about data in files: bring it in, or learn from it directly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headrace.jobs import run_backtest, run_import
from headrace.options import SettingsFile, chosen
from streams.mapping import read_mapping

MappingFile = Annotated[
    Path, typer.Option("--mapping", exists=True, dir_okay=False, help="TOML file that says which column is what.")
]


def import_file(
    file: Annotated[Path, typer.Argument(help="JSON lines, Parquet or CSV; .gz, .xz and .bz2 are read as they are.")],
    mapping: MappingFile,
    url: Annotated[
        str | None, typer.Option("--url", help="Address of the API or a gateway; without it that of the settings.")
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Post the rows of a file as events, and report the lines that were rejected. Importing it again does no harm.

    Ends with status 1 if a line was rejected.
    """
    serving = chosen(settings).serving
    raise typer.Exit(run_import(file, mapping, url or f"http://{serving.host}:{serving.port}"))


def backtest(
    events: Annotated[list[Path], typer.Option("--events", help="File of events; may be given several times.")],
    mapping: MappingFile,
    versions: Annotated[
        Path | None, typer.Option("--versions", help="Commit versions into this folder, and resume from its newest.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write the figures as JSON.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Replay files through the same joiner and trainer, and report how well each label was foreseen.

    Settings that stand in the mapping file hold where neither a settings file nor the environment says otherwise.
    """
    table = read_mapping(mapping.read_text())
    run_backtest(chosen(settings, below=table.settings), table, tuple(events), versions, report)
