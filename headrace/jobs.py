"""What runs and ends: a file brought in, a backtest, the demo; put together from settings like the processes.

Imports what a job needs when it is called, so that other commands start fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.deployment import rules_of
from headrace.process_terms import learner_of, plan_of
from headrace.settings import Settings
from headrace.terminal import progress_console

if TYPE_CHECKING:
    from headrace.refresh_words import Compared
    from streams.mapping import Table


def run_demo(**told: Any) -> int:
    """The demo, by its own settings; the exit status. What it is told is said at `demo.run_demo`."""
    from headrace import demo

    return demo.run_demo(**told)


def run_import(file: Path, mapping: Path, url: str) -> int:
    """Post a file's rows; the exit status."""
    from headrace.importing import import_file

    return 1 if import_file(file, mapping, url, console=progress_console()).rejected else 0


def run_backtest(
    settings: Settings,
    table: Table,
    events: tuple[Path, ...],
    versions: Path | None,
    report: Path | None,
    compared: Compared | None = None,
) -> None:
    """Replay files, show the figures, write them into `report`."""
    from headrace.backtesting import Replayed, backtest, tell

    source, console = Replayed(events, table, rules_of(settings)), progress_console()
    fresh, plan = learner_of(settings), plan_of(settings)
    told: dict[str, Any] = {"versions": versions, "seed": settings.trainer.seed, "compared": compared}
    found = backtest(source, fresh, plan=plan, console=console, **told)
    tell(found, console, report, compared=compared)


def run_row_backtest(rows: Path, schema: Path | None, report: Path | None, **told: Any) -> None:
    """Learn a table of labelled rows, show the figures, write them into `report`. What it is told is said at
    `rows_backtesting.Wanted`. Without a schema, say what one would be."""
    from headrace.row_tables import columns_of, guessed
    from headrace.rows_backtesting import Wanted, backtest_rows, tell_rows
    from headrace.rows_schema import lacking, read_schema

    if schema is None:
        raise lacking(rows, columns_of(rows), guessed(rows))
    console = progress_console()
    found = backtest_rows(Wanted(rows=rows, schema=read_schema(schema), **told), console=console)
    tell_rows(found, console, report, compared=told.get("compared"))
