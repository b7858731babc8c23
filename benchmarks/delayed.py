"""How much a learner loses by clicks that come late, and what each way of dealing with them wins back.

The stream of `ctr_stream.py` as it happens: each row is scored when it is shown, by what was learned from labels told
until then, and judged by its final outcome, however late that came. Delays are lognormal with a median of 30 s, the
window is 120 s, a yes later than ten minutes is told to nobody. Ways:
  at_once  every label is known when the row is shown: impossible, what all others are held against
  wait     told at the close of the window
  fast     a yes is told when it comes, a no at the close; yeses of the first window weigh nothing
  held     the same, but the yeses of the first window are told at the close
  fake     a no at once and later the yes: read as it is, corrected where it is read (FNC), and weighted (FNW)
  late     held, and a yes beyond the window comes as a row more: weighted by the coverage
  resent   late, and every row comes again when it is final: weighted (DEFER)
`wait`, `fast` and `held` are also divided by the coverage as `learners/delays.py` has measured it by then. The figures
are those of the last three tenths. Bars: `ne_fast_corrected` <= .765, its calibration within 1 %.

    python benchmarks/delayed.py [--quick] [--json] [--rows N] [--batch N] [--ways a,b]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.ctr_stream import ROWS, SEED, Stream, figures, stream
from benchmarks.delayed_ways import REACH, WAYS, WINDOW, Doubles, Floats, Ints, Way, fake_weights
from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.delays import Coverage
from learners.models.columns import ColumnShape

BAR_NE, BAR_CALIBRATION = 0.765, 0.01
LAST = 0.7
"""The share of rows before those that are judged."""
QUICK = "at_once,wait,fast,fnw,late"
MS = 1000


@dataclass(frozen=True, slots=True)
class Scored:
    """What was said of each row when it was shown, and the coverage as it was known then."""

    p_N: Doubles
    coverage_N: Doubles
    seconds: float


class Run:
    """One learner on one way of telling, in blocks of `batch` rows shown, each with what was told meanwhile."""

    def __init__(self, made: Stream, way: Way, *, batch: int) -> None:
        self._made, self._way, self._batch = made, way, batch
        self._told = way.told(made)
        self._key_NF = made.id_NF.astype(np.int64)
        self._learner = ColumnLearner(ColumnShape(fields=made.id_NF.shape[1]))
        self._coverage = None if way.window is None else Coverage(window=int(WINDOW * MS), reach=int(REACH * MS))
        self._next = 0

    def through(self) -> Scored:
        """Score all rows as they are shown; between blocks learn what was told by then, whole batches of it."""
        rows, began = len(self._made), time.perf_counter()
        p_N, coverage_N = np.empty(rows), np.ones(rows)
        for start in range(0, rows, self._batch):
            part = slice(start, start + self._batch)
            p_N[part] = self._score(self._key_NF[part])
            coverage_N[part] = self._share
            now = self._made.at_N[min(part.stop, rows) - 1]
            stop = int(np.searchsorted(self._told.at_N, now, "right"))
            while stop - self._next >= self._batch:
                self._learn(slice(self._next, self._next + self._batch))
        return Scored(p_N, coverage_N, time.perf_counter() - began)

    @property
    def _share(self) -> float:
        if self._coverage is None:
            return 0.0 if self._way.weights is fake_weights else 1.0
        return self._coverage.share

    def _score(self, key_BF: Ints) -> Floats:
        p_B: Floats = self._learner.score(Columns(key_BF, np.zeros((len(key_BF), 1), np.float32)))[:, 0]
        return p_B

    def _learn(self, part: slice) -> None:
        told = self._told
        self._next = part.stop
        row_B, value_B = told.row_N[part], told.value_N[part]
        if self._coverage is not None:
            self._count(row_B[value_B > 0], told.at_N[part][value_B > 0])
        learned_B = told.learned_N[part]
        if not learned_B.any():
            return
        row_B, value_B = row_B[learned_B], value_B[learned_B]
        weight_B = np.ones(len(row_B), np.float32)
        columns = Columns(self._key_NF[row_B], value_B[:, None], weight_B=weight_B)
        p_B = self._learner.score(columns)[:, 0]
        weight_B[:] = self._way.weights(p_B, value_B, self._share)
        if not self._learner.learn(columns).finite:
            raise ArithmeticError(f"what was told until {told.at_N[part.stop - 1]:.0f} s was refused: not finite")

    def _count(self, row_N: Ints, at_N: Doubles) -> None:
        """Yeses with their delays, each once: what is told after its close and after it came is told again."""
        made = self._made
        assert self._coverage is not None
        news_N = at_N - made.at_N[row_N] <= np.maximum(made.delay_N[row_N], WINDOW) + 1 / MS
        row_N = row_N[news_N]
        delay_N = np.minimum(made.delay_N[row_N], at_N[news_N] - made.at_N[row_N])
        shown_N = (made.at_N[row_N] * MS).astype(np.int64)
        now = int(self._told.at_N[self._next - 1] * MS)
        self._coverage.see(shown_N, (delay_N * MS).astype(np.int64), now=now)


def judged(name: str, scored: Scored, made: Stream) -> dict[str, Any]:
    """The figures of one way over the last rows, flat."""
    last = slice(int(LAST * len(made)), len(made))
    corrected = WAYS[name].corrected
    told = {"": scored.p_N}
    if corrected is not None:
        told["_corrected"] = corrected(scored.p_N, scored.coverage_N)
    found: dict[str, Any] = {f"seconds_{name}": scored.seconds}
    if WAYS[name].window is not None:
        found[f"coverage_{name}"] = float(scored.coverage_N[-1])
    for kind, p_N in told.items():
        of = figures(p_N[last], made.label_N[last])
        found |= {f"{key}_{name}{kind}": of[key] for key in ("ne", "calibration", "auc", "ece")}
    return found


def measure(rows: int, batch: int, ways: list[str]) -> dict[str, Any]:
    """All ways on one stream, and one flat object."""
    made = stream(rows, seed=SEED)
    true = float((made.delay_N <= WINDOW).sum() / made.label_N.sum())
    found: dict[str, Any] = {"rows": rows, "batch": batch, "window_s": WINDOW, "coverage_true": true}
    for name in ways:
        found |= judged(name, Run(made, WAYS[name], batch=batch).through(), made)
    if "coverage_fast" in found:
        found["coverage"] = found["coverage_fast"]
        found["bar_ne"], found["bar_calibration"] = BAR_NE, BAR_CALIBRATION
        off = abs(found["calibration_fast_corrected"] - 1)
        found["bars_met"] = found["ne_fast_corrected"] <= BAR_NE and off <= BAR_CALIBRATION
    return found


def tell(found: dict[str, Any], ways: list[str]) -> None:
    print(f"{found['rows']:,} rows, batches of {found['batch']}; true coverage {found['coverage_true']:.4f}")
    print(f"{'':20}{'NE':>8}{'calibr.':>9}{'AUC':>8}{'ECE':>8}{'coverage':>10}{'s':>7}")
    for name in ways:
        for kind in ("", "_corrected"):
            if f"ne_{name}{kind}" in found:
                ne, calibration, auc, ece = (
                    found[f"{key}_{name}{kind}"] for key in ("ne", "calibration", "auc", "ece")
                )
                coverage = found.get(f"coverage_{name}", float("nan"))
                print(f"{name + kind:20}{ne:8.4f}{calibration:9.4f}{auc:8.4f}{ece:8.4f}{coverage:10.4f}"
                      f"{found[f'seconds_{name}']:7.1f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"only {QUICK}, on as many rows")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--ways", help="which ways, with commas between")
    told = parser.parse_args()
    ways = told.ways.split(",") if told.ways else QUICK.split(",") if told.quick else list(WAYS)
    found = measure(told.rows, told.batch, ways)
    tell(found, ways)
    if told.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
