"""Commands about data in files: bring it in, or learn from it directly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.jobs import run_backtest, run_import, run_row_backtest
from headrace.options import SettingsFile, chosen
from streams.mapping import read_mapping

if TYPE_CHECKING:
    from headrace.refresh_words import Compared

MappingFile = Annotated[
    Path, typer.Option("--mapping", exists=True, dir_okay=False, help="TOML file that says which column is what.")
]
EventFiles = Annotated[list[Path] | None, typer.Option("--events", help="File of events; may be given several times.")]
EventsMapping = Annotated[
    Path | None,
    typer.Option("--mapping", exists=True, dir_okay=False, help="What columns of events are, TOML."),
]
Versions = Annotated[
    Path | None, typer.Option("--versions", help="Commit versions into this folder, and resume from its newest.")
]
RowFile = Annotated[
    Path | None, typer.Option("--rows", help="Instead of events: a table of labelled rows, CSV or Parquet.")
]
RowSchema = Annotated[Path | None, typer.Option("--schema", help="What the columns of rows are, TOML.")]
Valid = Annotated[Path | None, typer.Option("--valid", help="Rows that are scored after the last pass.")]
Test = Annotated[Path | None, typer.Option("--test", help="Rows that are scored after the last pass.")]
RowModel = Annotated[str, typer.Option("--model", help="Model of rows: deepfm, fm, logistic, river or rate.")]
Epochs = Annotated[int, typer.Option("--epochs", min=1, help="Passes over the rows.")]
Batch = Annotated[int, typer.Option("--batch", min=1, max=65_536, help="Rows learned at once.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of a model of rows.")]
Predictions = Annotated[
    Path | None, typer.Option("--predictions", help="Write what was foreseen of each row, .csv or .parquet.")
]
Refresh = Annotated[
    list[str] | None,
    typer.Option("--refresh", help="Compare copies that are renewed never, every 1d, 1h, 15m ..., or online."),
]
RefreshAfter = Annotated[
    str, typer.Option("--refresh-after", help="Event time that every copy learns before they are compared.")
]
Plot = Annotated[Path | None, typer.Option("--plot", help="Draw the AUC of the copies over time, .svg.")]
Report = Annotated[Path | None, typer.Option("--report", help="Write the figures as JSON.")]


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
    events: EventFiles = None,
    mapping: EventsMapping = None,
    versions: Versions = None,
    rows: RowFile = None,
    schema: RowSchema = None,
    valid: Valid = None,
    test: Test = None,
    model: RowModel = "deepfm",
    epochs: Epochs = 1,
    batch: Batch = 512,
    seed: Seed = 0,
    predictions: Predictions = None,
    refresh: Refresh = None,
    refresh_after: RefreshAfter = "1d",
    plot: Plot = None,
    report: Report = None,
    settings: SettingsFile = None,
) -> None:
    """Replay files through the same joiner and trainer, and report how well each label was foreseen.

    Settings that stand in the mapping file hold where neither a settings file nor the environment says otherwise. With
    `--rows` and `--schema`, a table of labelled rows goes through one model instead, without events and settings.
    """
    cadences = _cadences(refresh or (), refresh_after, plot)
    if rows is None:
        if not events or mapping is None:
            raise typer.BadParameter("give --events with --mapping, or --rows with --schema")
        table = read_mapping(mapping.read_text())
        run_backtest(chosen(settings, below=table.settings), table, tuple(events), versions, report, cadences)
        return
    if events or mapping or versions:
        raise typer.BadParameter("--rows is a table without events; leave out --events, --mapping and --versions")
    held_out = {name: file for name, file in (("valid", valid), ("test", test)) if file is not None}
    told = {"model": model, "epochs": epochs, "batch": batch, "seed": seed, "predictions": predictions}
    run_row_backtest(rows, schema, report, held_out=held_out, compared=cadences, **told)


def _cadences(refresh: Sequence[str], after: str, plot: Path | None) -> Compared | None:
    if not refresh and plot is None:
        return None
    from headrace.refresh_plot import check_plot
    from headrace.refresh_words import compared

    cadences = compared(refresh, after, plot)
    if plot is not None:
        check_plot(plot)
    return cadences
