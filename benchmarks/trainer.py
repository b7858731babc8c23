"""How many rows a second one core scores and learns, beside TorchRec, plain torch, River and Vowpal Wabbit.

`python benchmarks/trainer.py [--quick] [--json] [--batch N] [--peers PYTHON]`. The model is the DeepFM of 20 fields,
vectors of 8, layers 64-64, over a seeded stream with exact ids that nobody knows beforehand; peers have fixed tables.
`step_rows_s` is the bare step (ids, score, gradients, update); `headrace_rows_s` the whole trainer: two labels,
calibration, counters, metrics, commits to a disk; `guarded_rows_s` the same with its guard on, over eleven slices, and
`guard_share` what it takes beside the rest of the step, by the medians of one run's batches. `wide_rows_s` is the
learner on rows of 200 fields, five of them of several ids (a history, a text), beside TorchRec with pooled bags. All
take turns in the same run, on one core; the median of the rounds counts, and ratios are medians of ratios. Peers run in
a process of their own, from the environment that scripts/peers makes (`.venv-peers`); without it they are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from benchmarks.ctr_stream import Stream, figures, stream
from benchmarks.trainer_guard import Guarding, share_of
from benchmarks.wide_rows import WideRows, wide_rows
from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.evaluation import Evaluation
from learners.kernels.mlp import sigmoid
from learners.models.columns import ColumnModel, ColumnRules, ColumnShape
from learners.tables.host_ids import HostIds

PEERS = Path(__file__).parent.parent / ".venv-peers/bin/python"
COMMIT = 100_000
"""Rows between two commits: several a second, more than any stream asks for."""
FEW = {"river": 5_000, "vw": 20_000}
"""Rows of the peers that go row by row: their rate does not hang on how many."""

WIDE_SHARE = 10
"""Percent of the rows that the wide comparison takes: a row of it costs ten times as much."""

Figures = dict[str, float]


class Peers:
    """The process of the peers."""

    def __init__(self, python: Path, rows: Path, batch: int, wide: Path) -> None:
        script = Path(__file__).with_name("trainer_peers.py")
        told: list[str] = [str(python), "-W", "ignore", str(script), str(rows), str(batch), str(wide)]
        self._process = subprocess.Popen(
            told, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._answer()

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def run(self, name: str, rows: int) -> Figures:
        assert self._process.stdin is not None
        print(name, rows, file=self._process.stdin, flush=True)
        told: Figures = json.loads(self._answer())
        return told

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the process of the peers ended: is its environment whole? scripts/peers makes it anew")
        return line


def one_core() -> None:
    """Begin anew with one thread everywhere, on one core, which children inherit: libraries read this as they load."""
    alone = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    # a pin of OpenBLAS to kernels of an older kind of processor costs half of each product of matrices
    if alone.items() <= os.environ.items() and "OPENBLAS_CORETYPE" not in os.environ:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        return
    kept = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    os.execve(sys.executable, [sys.executable, *sys.argv], kept | alone)


def step(told: Stream, rows: int, batch: int) -> Figures:
    """The bare step of one label, with the products that the peers have: exact ids, score, gradients, update."""
    fields = told.id_NF.shape[1]
    model, ids = ColumnModel(ColumnShape(fields, product="plain"), ColumnRules(), rows=batch), HostIds(fallbacks=0)
    space_F = np.arange(fields)
    key_NF, label_N1 = told.id_NF[:rows].astype(np.int64), told.label_N[:rows, None].astype(np.float32)
    weight_B1, base_L = np.ones((batch, 1), np.float32), np.zeros(1, np.float32)
    score_N1 = np.empty((rows, 1), np.float32)
    started = time.perf_counter()
    for start in range(0, rows, batch):
        part = slice(start, start + batch)
        row_BF = ids.add(space_F, key_NF[part].reshape(-1)).reshape(-1, fields)
        ids.settle()
        model.lines.grow(len(ids))
        sigmoid(model.forward(row_BF, base_L), score_N1[part])
        model.step(label_N1[part], weight_B1[: len(row_BF)])
    return _told(rows, time.perf_counter() - started, score_N1[:, 0], told)


def whole(told: Stream, rows: int, batch: int, *, guarded: bool = False) -> Figures:
    """The whole trainer: a second label on half of the rows, metrics of both, commits; perhaps with its guard."""
    learner = ColumnLearner(ColumnShape(told.id_NF.shape[1], labels=2, product="plain"))
    evaluation = Evaluation(("click", "long"))
    key_NF = told.id_NF[:rows].astype(np.int64)
    second_N = told.label_N[:rows] * (np.arange(rows) % 3 == 0)
    value_NL = np.stack([told.label_N[:rows], second_N], axis=1).astype(np.float32)
    decided_NL = np.stack([np.ones(rows, np.bool_), np.arange(rows) % 2 == 0], axis=1)
    weight_N = np.ones(rows, np.float32)
    score_N = np.empty(rows, np.float32)
    guarding = Guarding(learner, rows) if guarded else None
    with tempfile.TemporaryDirectory() as place:
        started, ends = time.perf_counter(), [time.perf_counter()]
        for start in range(0, rows, batch):
            part = slice(start, start + batch)
            columns = Columns(key_NF[part], value_NL[part], decided_NL[part], weight_N[part])
            probability_BL = (guarding or learner).score(columns)
            score_N[part] = probability_BL[:, 0]
            kind_B = np.zeros(len(columns), np.int64)
            evaluation.add(probability_BL, columns.value_BL, decided_NL[part], [("surface=home",)], kind_B)
            if guarding is None:
                learner.learn(columns)
            else:
                guarding.learn(columns, part)
            if start // COMMIT != (start + batch) // COMMIT:
                learner.snapshot(Path(place) / str(start))
                evaluation.report()
            ends.append(time.perf_counter())
        took = ends[-1] - started
    share = {"guard_share": share_of(guarding.took, np.diff(ends))} if guarding else {}
    return _told(rows, took, score_N, told) | share


def wider(told: WideRows, rows: int, batch: int) -> Figures:
    """Fields of one id and of several; one label, counts and calibration with it."""
    learner = ColumnLearner(ColumnShape(told.key_NF.shape[1], bags=told.count_NG.shape[1], product="plain"))
    score_N = np.empty(rows, np.float32)
    started = time.perf_counter()
    for start in range(0, rows, batch):
        columns = told.columns(start, min(start + batch, rows))
        score_N[start : start + batch] = learner.score(columns)[:, 0]
        learner.learn(columns)
    took = time.perf_counter() - started
    return {"rows_s": rows / took, "auc": figures(score_N[rows // 2 :], told.label_N[rows // 2 : rows])["auc"]}


def measure(rows: int, batch: int, rounds: int, python: Path) -> dict[str, float | None]:
    told = stream(rows)
    kinds: dict[str, Callable[[int], Figures]] = {
        "step": lambda n: step(told, n, batch), "headrace": lambda n: whole(told, n, batch),
        "guarded": lambda n: whole(told, n, batch, guarded=True),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        kept, kept_wide = Path(place) / "rows.npz", Path(place) / "wide.npz"
        np.savez(kept, keys=told.id_NF, labels=told.label_N)
        wide = wide_rows(max(WIDE_SHARE * rows // 100, 4 * batch))
        wide.save(kept_wide)
        kinds["wide"] = lambda n: wider(wide, min(n, len(wide.label_N)), batch)
        if not python.exists():
            return _figures(_rounds(kinds, rows, rounds), {})
        with Peers(python, kept, batch, kept_wide) as peers:
            kinds |= {name: lambda n, name=name: peers.run(name, n) for name in ("torchrec", "torch")}  # type: ignore[misc]
            for name in FEW:
                peers.run(name, 500)  # imports
            kinds["wide_torchrec"] = lambda n: peers.run("wide", min(n, len(wide.label_N)))
            alone = {name: peers.run(name, few) for name, few in FEW.items()}
            return _figures(_rounds(kinds, rows, rounds), alone)


def _rounds(kinds: dict[str, Callable[[int], Figures]], rows: int, rounds: int) -> dict[str, list[Figures]]:
    """Everyone in turn, `rounds` times; a short round before them compiles and warms."""
    for run in kinds.values():
        run(min(rows, 20_480))
    found: dict[str, list[Figures]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, run in kinds.items():
            found[name].append(run(rows))
    return found


def _figures(found: dict[str, list[Figures]], alone: dict[str, Figures]) -> dict[str, float | None]:
    rates = {name: [one["rows_s"] for one in runs] for name, runs in found.items()}
    told: dict[str, float | None] = {f"{name}_rows_s": statistics.median(rate) for name, rate in rates.items()}
    told |= {f"{name}_auc": runs[-1]["auc"] for name, runs in found.items()}
    told["guard_share"] = statistics.median(one["guard_share"] for one in found["guarded"])
    for name in FEW:
        told[f"{name}_rows_s"] = alone[name]["rows_s"] if name in alone else None
    for ours, peers in (
        ("step", ("torchrec", "torch")),
        ("headrace", ("torchrec", "torch")),
        ("guarded", ("torchrec", "torch")),
        ("wide", ("wide_torchrec",)),
    ):
        for peer in peers:
            pairs = zip(rates[ours], rates.get(peer, []), strict=False)
            ratios = [mine / theirs for mine, theirs in pairs]
            told[f"{ours}_to_{peer}"] = statistics.median(ratios) if ratios else None
    return told


def _told(rows: int, took: float, score_N: Any, told: Stream) -> Figures:
    half = rows // 2
    return {"rows_s": rows / took, "auc": figures(score_N[half:], told.label_N[half:rows])["auc"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds; ends within a minute")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--peers", type=Path, default=PEERS, help="python of the environment with the peers")
    asked = parser.parse_args()
    one_core()
    if not asked.peers.exists():
        print(f"no peers at {asked.peers}: scripts/peers makes them; without them there is no ratio", file=sys.stderr)
    told = measure(*((60_000, asked.batch, 3) if asked.quick else (200_000, asked.batch, 5)), asked.peers)
    told = {name: value if value is None else round(value, 4) for name, value in told.items()}
    print(json.dumps(told) if asked.json else "\n".join(f"{name:24} {value}" for name, value in told.items()))


if __name__ == "__main__":
    main()
