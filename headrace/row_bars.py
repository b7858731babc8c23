"""What is shown while a table of rows is learned: how far, how fast, how well so far."""

from __future__ import annotations

import time

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from learners.metrics import Histogram
from learners.row_backtest import Foreseen

PAUSE = 0.2
"""Seconds between two looks at the bar."""


def progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[auc]}"), TimeElapsedColumn(), console=console,
    )  # fmt: skip


class Seen:
    """What the bar says of one part: rows, rows a second, and how well the first label is foreseen so far."""

    def __init__(self, bar: Progress, task: TaskID, total: int | None) -> None:
        self._bar, self._task, self._total = bar, task, total
        self._scores, self._waiting = Histogram(), list[Foreseen]()
        self._rows, self._started = 0, time.perf_counter()
        self._next = self._started

    def add(self, batch: Foreseen) -> None:
        self._rows += len(batch)
        self._waiting.append(batch)
        if time.perf_counter() >= self._next:
            self.show()

    def show(self, *, done: bool = False) -> None:
        """At the end, with the number of rows as the total."""
        if self._waiting:
            probability_N = np.concatenate([batch.probability_BL[:, 0] for batch in self._waiting])
            self._scores.add(probability_N, np.concatenate([batch.value_BL[:, 0] for batch in self._waiting]) > 0)
            self._waiting = []
        now, auc = time.perf_counter(), self._scores.auc()
        self._next = now + PAUSE
        self._bar.update(
            self._task,
            completed=self._rows,
            total=self._rows if done else self._total,
            speed=f"{self._rows / max(now - self._started, 1e-9):,.0f} rows/s",
            auc="" if auc is None else f"AUC {auc:.4f}",
        )
