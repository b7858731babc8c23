"""`headrace import`: the rows of a file, through a mapping, to a gateway; a bar while it runs, a report at the end.

Importing a file again is safe: every event has the same id each time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from headrace.posting import Poster
from headrace.row_files import count_of, items_of, rows_of
from headrace.settings_file import KEY
from streams.mapped_rows import Made, Rejected, Row, events_of
from streams.mapping import Table, columns_of, read_mapping

BATCH = 500
SHOWN = 20
"""How many rejected lines are shown; the rest is counted."""


@dataclass(slots=True)
class Imported:
    """What became of a file so far. `repeats`: how often a batch had to be sent again."""

    rows: int = 0
    accepted: int = 0
    repeats: int = 0
    rejected: list[Rejected] = field(default_factory=list)


def import_file(
    file: Path, mapping: Path, url: str, *, console: Console, pause: Callable[[float], None] = time.sleep
) -> Imported:
    """Import with a progress bar and a report on the console. Raises BadMapping, NotPosted."""
    table, done = read_mapping(mapping.read_text()), Imported()
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*shown, console=console) as bar:
        task = bar.add_task(file.name, total=count_of(file))
        poster = Poster(url, pause=pause, key=os.environ.get(KEY))
        try:
            for done in importing(file, table, poster):
                bar.update(task, completed=done.rows)
        finally:
            poster.close()
    tell(done, file, console)
    return done


def importing(file: Path, table: Table, poster: Poster) -> Iterator[Imported]:
    """Post batch after batch; each turn yields how far it got. Raises BadMapping, NotPosted."""
    done = Imported()
    rows = _counted(rows_of(file, columns_of(table), delimiter=table.delimiter, header=table.header), done)
    made = events_of(table, rows, items_of(table, file.parent))
    while part := list(islice(made, BATCH)):
        done.rejected += [one for one in part if isinstance(one, Rejected)]
        posted = poster.post([one for one in part if isinstance(one, Made)])
        done.accepted += posted.accepted
        done.repeats += posted.repeats
        done.rejected += posted.rejected
        yield done


def tell(done: Imported, file: Path, console: Console) -> None:
    """The report: what was taken, and the rejected lines with field and reason."""
    console.print(f"{file.name}: {done.rows:,} rows, {done.accepted:,} events taken, {len(done.rejected):,} rejected")
    for one in sorted(done.rejected, key=lambda one: one.line)[:SHOWN]:
        console.print(f"  line {one.line}: {one.field}: {one.reason}", markup=False, highlight=False, soft_wrap=True)
    if len(done.rejected) > SHOWN:
        console.print(f"  and {len(done.rejected) - SHOWN:,} more")


def _counted(rows: Iterable[Row], done: Imported) -> Iterator[Row]:
    for row in rows:
        done.rows += 1
        yield row
