"""What commands that name bad data share: their options, the logs, and a look at what would be taken, with a bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from checkpoints.quarantine import Order
from headrace.deployment import open_logs, run_folder, version_store
from headrace.quarantine_preview import Preview, preview
from headrace.settings import Settings
from headrace.statuses import merged
from headrace.telemetry import Status, read_status
from headrace.terminal import progress_console
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.log import Log

Terms = Annotated[
    list[str] | None,
    typer.Option(
        "--quarantine",
        help="What to take out, e.g. 'from=10m app-version=1.1'; may be repeated. Keys: from, to, app-version, "
        "producer, surface, model-version, label, positions.",
    ),
]
Ripple = Annotated[bool, typer.Option("--ripple", help="Also mask what the versions caused that fall by this.")]
Since = Annotated[str | None, typer.Option("--from", help="Begin: 10m (ago), now, ISO 8601, or ms.")]
Until = Annotated[str | None, typer.Option("--to", help="End; without it the entry stays open.")]
AppVersion = Annotated[str | None, typer.Option("--app-version", help="Only events of this app version.")]
Producer = Annotated[str | None, typer.Option("--producer", help="Only events of this producer.")]
Surface = Annotated[str | None, typer.Option("--surface", help="Only events of this surface.")]
ModelVersion = Annotated[
    list[str] | None, typer.Option("--model-version", help="Only what these versions caused: 7 or 7-9; repeatable.")
]
LabelNames = Annotated[
    list[str] | None,
    typer.Option("--label", help="Leave out this label of what was shown, and hide no event; repeatable."),
]
Places = Annotated[
    list[str] | None, typer.Option("--positions", help="Frames instead of times: 0:120-340; repeatable.")
]
EVERY = 200
"""So many records lie between two looks of the bar."""


@contextmanager
def opened(use: Settings) -> Iterator[tuple[DecisionLog, Log]]:
    """The decisions and the events of a deployment."""
    with open_logs(use) as logs:
        yield DecisionLog(logs.open(DECISIONS, 1)), logs.open("events", use.partitions)


def said(use: Settings) -> dict[str, Status]:
    """What the processes said last, by their kind."""
    return merged(read_status(run_folder(use)))


def looked(use: Settings, orders: Sequence[Order], *, at: int) -> Preview:
    """What these orders would take; on a terminal a bar says how much of the log was read."""
    console = progress_console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with (
        open_logs(use) as logs,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("records", total=None)

        def told(read: int, total: int) -> None:
            if read % EVERY == 0:
                bar.update(task, completed=read, total=total)

        return preview(
            orders,
            store=version_store(use),
            decisions=DecisionLog(logs.open(DECISIONS, 1)),
            events=logs.open("events", use.partitions),
            examples=logs.open("examples", use.partitions),
            ahead=use.sequencer.clock_ahead,
            at=at,
            told=told,
        )
