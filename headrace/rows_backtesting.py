"""`headrace backtest --rows`: a table of labelled rows through one model, with a bar and a report."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table as Shown

from headrace.refresh_telling import report_of_refresh, tell_refresh
from headrace.refresh_words import BadRefresh, Compared, out_of_order
from headrace.row_bars import Seen, progress
from headrace.row_cells import Refused, cells_of
from headrace.row_origin import digest_of_schema, versions
from headrace.row_predictions import Predictions
from headrace.row_tables import RowTable
from headrace.rows_schema import BadRows
from learners.refreshed_rows import RefreshedRows
from learners.row_backtest import Foreseen, RowBacktest, protocol, warm_up
from learners.row_columns import Keyed, RowEncoder, batches
from learners.row_models import RowLearner, make_row_learner
from learners.row_schema import RowSchema

FEW = 100
SHARE = 0.01
"""Beyond so many rejected rows, and this share of those read, a file is not what its schema says."""
TOLD = 10
"""How many rejected rows a report names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is learned, what is held out, and how."""

    rows: Path
    schema: RowSchema
    model: str = "deepfm"
    held_out: dict[str, Path] = field(default_factory=dict)
    epochs: int = 1
    batch: int = 512
    seed: int = 0
    predictions: Path | None = None
    compared: Compared | None = None


class Read:
    """The rows of one file, and those of it that were rejected. Raises BadRows where these are too many."""

    def __init__(self, file: Path, wanted: Wanted, encoder: RowEncoder) -> None:
        self._table, self._schema, self._encoder = RowTable(file, wanted.schema), wanted.schema, encoder
        self._batch, self._in_order = wanted.batch, wanted.compared is not None
        self._last: int | None = None
        self.file = file
        self.rejected: list[Refused] = []
        self.rows, self.back_in_time = 0, 0

    @property
    def total(self) -> int | None:
        """How many rows there are, where that is known before the end: from the file, or from a pass before."""
        return self._table.rows or self.rows or None

    def batches(self) -> Iterator[Keyed]:
        """Once through the file, from its beginning."""
        self._table.ragged.clear()
        self.rejected, self.rows, self.back_in_time, self._last = [], 0, 0, None
        yield from batches(self._blocks(), self._batch)
        if not self.rows:
            raise self._unfit("no row of it could be learned")

    def _blocks(self) -> Iterator[Keyed]:
        told = 0
        for line_B, columns in self._table.blocks():
            cells, refused = cells_of(line_B, columns, self._schema)
            ragged = self._table.ragged[told:]
            told += len(ragged)
            self.rejected += sorted([*(Refused(n, "line", why) for n, why in ragged), *refused], key=lambda r: r.line)
            self.rows += len(cells.line_B)
            read, rejected = self.rows + len(self.rejected), len(self.rejected)
            if rejected > max(FEW, SHARE * read):
                raise self._unfit(f"{rejected:,} of the first {read:,} rows can't be learned")
            if cells.at_B is not None and len(cells.at_B):
                before = cells.at_B[0] if self._last is None else self._last
                back_B = np.diff(cells.at_B, prepend=before) < 0
                if self._in_order and back_B.any():
                    at = int(back_B.argmax())
                    raise out_of_order(self.file, int(cells.line_B[at]), np.append(before, cells.at_B)[at : at + 2])
                self.back_in_time += int(back_B.sum())
                self._last = int(cells.at_B[-1])
            yield self._encoder.keyed(cells)

    def _unfit(self, what: str) -> BadRows:
        first = self.rejected[0]
        return BadRows(
            f"{self.file.name}: {what}. The first: line {first.line}, column {first.column!r} {first.reason}. "
            "Set the schema right (which column, `missing`), or the file"
        )


def backtest_rows(wanted: Wanted, *, console: Console) -> dict[str, Any]:
    """Learn a table pass after pass, score what is held out, and report. Raises BadRows."""
    schema, encoder = wanted.schema, RowEncoder(wanted.schema)
    files = {name: Read(file, wanted, encoder) for name, file in {"learned": wanted.rows, **wanted.held_out}.items()}
    try:
        sizes = {"fields": encoder.fields, "bags": len(schema.bags), "labels": len(schema.labels)}
        learner = make_row_learner(wanted.model, seed=wanted.seed, **sizes)
    except ValueError as error:
        raise BadRows(f"--model: {error}") from error
    refreshed = None if wanted.compared is None else _refreshed(wanted, wanted.compared, learner)
    begun = time.perf_counter()
    warm_up(schema, wanted.model)
    ready = time.perf_counter() - begun
    test = RowBacktest(schema.labels, learner, encoder, scorer=refreshed)
    with ExitStack() as held:
        file = wanted.predictions
        predictions = None if file is None else held.enter_context(Predictions(file, schema.labels))
        bar = held.enter_context(progress(console))
        passes, best = _passes(test, files, wanted, bar, predictions)
        if refreshed is not None:
            refreshed.close()
        told = {name: _held_out(test, name, files[name], bar, predictions) for name in wanted.held_out}
    first, seconds = passes[0], sum(one["seconds"] for one in passes)
    if wanted.compared is not None and refreshed is not None:
        labels, copies = refreshed.report(), refreshed.copies
        told["refresh"] = report_of_refresh(wanted.compared, labels, rows=first["rows"], copies=copies)
    return {
        "rows": first["rows"], "rejected": first["rejected"], "rejected_by": first["rejected_by"],
        "rejected_rows": first["rejected_rows"],
        "back_in_time": first["back_in_time"], "seconds": seconds, "ready_seconds": ready,
        "rows_per_second": wanted.epochs * first["rows"] / seconds if seconds else None,
        "protocol": protocol(batch=wanted.batch, epochs=wanted.epochs, held_out=tuple(wanted.held_out), best=best),
        "model": wanted.model, "seed": wanted.seed, "batch": wanted.batch, "epochs": wanted.epochs,
        "best_pass": best, "schema_sha256": digest_of_schema(schema), "versions": versions(),
        "refused": test.refused, "labels": first["labels"], "passes": passes, **told,
    }  # fmt: skip


def _refreshed(wanted: Wanted, compared: Compared, learner: RowLearner) -> RefreshedRows:
    """Raises BadRefresh where copies of other ages mean nothing."""
    if wanted.schema.time is None:
        raise BadRefresh(
            '--refresh renews copies as time goes by, but the schema names no column of times: add time = "COLUMN" '
            "(and time_unit) to it"
        )
    if wanted.epochs > 1:
        raise BadRefresh(f"--refresh is of one pass over rows in time, --epochs is {wanted.epochs}: leave one out")
    return RefreshedRows(learner, wanted.schema.labels, compared.refreshes, first_ms=compared.first_ms)


def tell_rows(
    report: dict[str, Any], console: Console, file: Path | None = None, *, compared: Compared | None = None
) -> None:
    """The figures as a table, and as JSON in a file where one is named."""
    if file is not None:
        file.write_text(json.dumps(report, indent=2) + "\n")
    names = ("auc", "log_loss", "ne", "calibration", "ece")
    shown = Shown("part", "label", "auc", "±", *names[1:], "rows", box=None, pad_edge=False, header_style="bold")
    parts = {f"pass {n}": one for n, one in enumerate(report["passes"], 1)}
    for part, told in (parts | {name: report[name] for name in ("valid", "test") if name in report}).items():
        for label, figures in told["labels"].items():
            cells = ["-" if figures.get(name) is None else f"{figures[name]:.4f}" for name in names]
            low, high = figures["auc_low"], figures["auc_high"]
            cells.insert(1, "-" if low is None else f"{(high - low) / 2:.4f}")
            shown.add_row(part, label, *cells, f"{figures['n']:,}")
    console.print(shown)
    if compared is not None:
        tell_refresh(compared, report["refresh"], console, f"{report['passes'][0]['file']}, {report['model']}")
    lines = [
        f"{report['rows']:,} rows, {report['epochs']} x, in {report['seconds']:.1f} s, "
        f"{report['rows_per_second'] or 0:,.0f} a second; {report['model']}; {report['protocol']}; "
        f"seed {report['seed']}; {report['rejected']:,} rows rejected"
    ]
    lines += [f"rejected: line {r['line']}, column {r['column']!r} {r['reason']}" for r in report["rejected_rows"]]
    if report["back_in_time"]:
        lines.append(
            f"{report['back_in_time']:,} rows are older than the one before them: the model knew of later rows when "
            "it scored them; sort the file by time"
        )
    console.print("\n".join(lines), highlight=False, soft_wrap=True, markup=False)


def _passes(
    test: RowBacktest, files: dict[str, Read], wanted: Wanted, bar: Progress, predictions: Predictions | None
) -> tuple[list[dict[str, Any]], int | None]:
    """Every pass; where there are several and rows to choose by, the one after which these had the least log loss, and
    what was known after it answers from then on."""
    passes, best, least = [], None, inf
    for number in range(1, wanted.epochs + 1):
        told = _pass(test, files["learned"], number, wanted, bar, predictions)
        passes.append(told)
        if wanted.epochs == 1 or "valid" not in files:
            continue
        told["valid"] = _held_out(test, f"valid {number}", files["valid"], bar, None)["labels"]
        loss = sum(inf if one["log_loss"] is None else one["log_loss"] for one in told["valid"].values())
        if loss < least:
            best, least = number, loss
            test.keep()
    test.answer_as_kept()
    return passes, best


def _pass(
    test: RowBacktest, read: Read, number: int, wanted: Wanted, bar: Progress, predictions: Predictions | None
) -> dict[str, Any]:
    part = f"pass {number}"
    foreseen = test.progressive(part, read.batches(), first=number == 1)
    return _told(test, part, read, foreseen, bar, predictions if number == 1 else None, "learned")


def _held_out(
    test: RowBacktest, part: str, read: Read, bar: Progress, predictions: Predictions | None
) -> dict[str, Any]:
    return _told(test, part, read, test.held_out(part, read.batches()), bar, predictions, part)


def _told(
    test: RowBacktest,
    part: str,
    read: Read,
    foreseen: Iterator[Foreseen],
    bar: Progress,
    predictions: Predictions | None,
    name: str,
) -> dict[str, Any]:
    """Run through, show how far it is, and say what came of it; the time is that of reading, scoring and learning."""
    seen = Seen(bar, bar.add_task(part, total=read.total, speed="", auc=""), read.total)
    started, worked = time.perf_counter(), time.process_time()
    for batch in foreseen:
        seen.add(batch)
        if predictions is not None:
            predictions.add(name, batch)
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    seen.show(done=True)
    told = {
        "file": read.file.name, "rows": read.rows, "rejected": len(read.rejected), "back_in_time": read.back_in_time,
        "rejected_by": dict(Counter(r.column for r in read.rejected)),
        "rejected_rows": [{"line": r.line, "column": r.column, "reason": r.reason} for r in read.rejected[:TOLD]],
        "seconds": seconds, "cpu_seconds": work, "labels": test.figures(part),
    }  # fmt: skip
    test.forget(part)
    return told
