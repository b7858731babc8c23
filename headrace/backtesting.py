"""`headrace backtest`: files through a mapping, the joiner and the trainer, with a bar and a report."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table as Shown

from checkpoints.store import VersionStore
from headrace.refresh_telling import report_of_refresh, tell_refresh
from headrace.refresh_words import BadRefresh, Compared
from headrace.row_files import count_of, items_of, rows_of
from learners.backtest import ReplayedLog, ReplayedLogs, report_of, to_the_end
from learners.learner import Learner
from learners.plan import Plan
from learners.refreshed_batches import RefreshedBatches
from learners.trainer import Trainer
from streams.errors import BadEvent
from streams.events import Event
from streams.mapped_rows import Rejected, events_of, in_time
from streams.mapping import Table, columns_of
from streams.replay import replay
from streams.rules import Rules
from streams.wire import parse


@dataclass(frozen=True, slots=True)
class Replayed:
    """What is replayed, and by which rules; the first `limit` rows only, where one is given."""

    files: tuple[Path, ...]
    table: Table
    rules: Rules
    limit: int | None = None


def backtest(
    source: Replayed,
    fresh: Callable[[], Learner],
    *,
    plan: Plan,
    versions: Path | None = None,
    seed: int = 0,
    compared: Compared | None = None,
    console: Console,
) -> dict[str, Any]:
    """Replay files and report how well each label was foreseen; with `versions`, resume from the newest there; with
    `compared`, also what copies of other ages would have foreseen.

    Raises BadMapping, OtherSettings, BadRefresh.
    """
    watch = None if compared is None else _watch(compared, fresh, versions)
    rejected: list[Rejected] = []
    plan = replace(to_the_end(plan), config=_config(source, plan.config))
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    ) as bar:
        task = bar.add_task("backtest", total=_total(source))
        frames = replay(_arrivals(source, rejected), source.rules, partitions=plan.partitions)
        logs = ReplayedLogs(ReplayedLog(frames, partitions=plan.partitions, bucket_ms=plan.bucket_ms))
        store = None if versions is None else VersionStore(versions)
        trainer = Trainer(logs, store, fresh, plan=plan, clock=_now)
        trainer.watch = watch
        started = time.perf_counter()
        before = _run(trainer, bar, task)
        seconds = time.perf_counter() - started
    learned = trainer.impressions - before
    report = report_of(trainer, plan, seconds=seconds, learned=learned, seed=seed) | {"rejected": len(rejected)}
    if compared is not None and watch is not None:
        report["refresh"] = report_of_refresh(compared, watch.report(), rows=learned, copies=watch.copies)
    return report


def _watch(compared: Compared, fresh: Callable[[], Learner], versions: Path | None) -> RefreshedBatches:
    if versions is not None:
        raise BadRefresh("--refresh compares copies within one run, and versions hold none: leave out --versions")
    return RefreshedBatches(fresh, compared.refreshes, first_ms=compared.first_ms)


def tell(
    report: dict[str, Any], console: Console, file: Path | None = None, *, compared: Compared | None = None
) -> None:
    """The figures as a table, and as JSON in a file where one is named."""
    if file is not None:
        file.write_text(json.dumps(report, indent=2) + "\n")
    names = ("auc", "log_loss", "ne", "calibration", "ece")
    shown = Shown("label", *names, "rows", box=None, pad_edge=False, header_style="bold")
    for label, figures in report["labels"].items():
        cells = ("-" if figures.get(name) is None else f"{figures[name]:.4f}" for name in names)
        shown.add_row(label, *cells, f"{figures['n']:,}")
    console.print(shown)
    for label, figures in report["labels"].items():
        if "challengers" in figures:
            console.print(_standings(label, figures["challengers"]))
    for label, figures in report["labels"].items():
        if found := figures.get("retrieval"):
            console.print(_found(label, found), highlight=False, soft_wrap=True)
    if compared is not None:
        tell_refresh(compared, report["refresh"], console, "backtest of events")
    console.print(
        f"{report['rows']:,} impressions in {report['seconds']:.1f} s, {report['rows_per_second'] or 0:,.0f} a second; "
        f"{report['protocol']}; seed {report['seed']}; {report['rejected']:,} lines rejected",
        highlight=False,
        soft_wrap=True,
    )


def _found(label: str, found: dict[str, Any]) -> str:
    """One line on retrieval: how often the next choice was found, and what became of those that were judged."""
    recall = ", ".join(f"{name} {value:.4f}" for name, value in found.items() if name.startswith(("recall", "mrr")))
    shares = ", ".join(
        f"{name.replace('_', ' ')} {share:.1%}" for name, share in found["shares"].items() if share is not None
    )
    return f"{label}, retrieval among {found['items']:,} items: {recall}; {found['sampled']:,} sampled" + (
        f"; of {found['judged']:,} judged: {shares}" if shares else ""
    )


def _standings(label: str, table: list[dict[str, Any]]) -> Shown:
    """Who wins on the rows that all of them saw; the gap is the live model's log loss less theirs."""
    shown = Shown(
        f"{label}: who wins", "auc", "log_loss", "ne", "calibration", "gap, 95 %", "rows", "verdict", box=None
    )
    for line in table:
        cells = (
            "-" if line.get(name) is None else f"{line[name]:.4f}" for name in ("auc", "log_loss", "ne", "calibration")
        )
        against = line.get("against", {})
        gap = f"{against['low']:+.4f} to {against['high']:+.4f}" if "low" in against else "-"
        shown.add_row(line["name"], *cells, gap, f"{line['n']:,}", line.get("verdict", ""))
    return shown


def _run(trainer: Trainer, bar: Progress, task: TaskID) -> int:
    """Turn after turn to the end; how many impressions were learned before the first."""
    before: int | None = None
    while True:
        turn = trainer.turn()
        if before is None:
            before = 0 if turn.restored == 0 else trainer.impressions
        bar.update(task, completed=trainer.impressions)
        if turn.ended:
            return before


def _arrivals(source: Replayed, rejected: list[Rejected]) -> Iterator[tuple[int, Event]]:
    """Every event in the order in which it would have arrived: no earlier than its time and those before it."""
    table, wanted = source.table, columns_of(source.table)
    files = [rows_of(file, wanted, delimiter=table.delimiter, header=table.header) for file in source.files]
    rows = islice(in_time(table, files), source.limit)
    now = 0
    for made in events_of(table, rows, items_of(table, source.files[0].parent)):
        if isinstance(made, Rejected):
            rejected.append(made)
            continue
        try:
            event = parse(made.event, received_at=now)
        except BadEvent as error:
            rejected.append(Rejected(made.line, error.field, error.reason))
            continue
        now = max(now, event.ts)
        yield now, event


def _config(source: Replayed, config: str) -> str:
    """A version of one replay goes on with that replay alone: the same files, mapping and rules."""
    files = [(file.name, file.stat().st_size) for file in source.files]
    told = msgspec.msgpack.encode(
        [config, source.rules.digest(), files, source.limit, source.table], order="deterministic"
    )
    return hashlib.sha256(told).hexdigest()[:16]


def _total(source: Replayed) -> int | None:
    counts = [count_of(file) for file in source.files]
    if None in counts:
        return source.limit
    total = sum(count for count in counts if count is not None)
    return total if source.limit is None else min(total, source.limit)


def _now() -> int:
    return time.time_ns() // 1_000_000
