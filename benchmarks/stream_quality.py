"""How well one pass over a stream is learned, beside the truth and beside plain torch; and whether an old model ages.

`python benchmarks/stream_quality.py [--quick] [--json] [--batch N] [--old ROWS]`. Each row is scored before it is
learned. `ne` is normalised entropy over all rows, `ne_first` and `ne_last` over the first and the last 100,000;
`ne_truth` is that of the true chances, which nobody can beat; `ne_first_torch` that of a DeepFM in plain torch over the
same rows and batches. No pair of fields is named to the model.
For age, half of all weights of the world are drawn anew: once after `--old` rows, once after 50,000; `ne_drift_old`
and `ne_drift_young` are over the 200,000 rows that follow, with `_late` over the last half of these; `ne_stationary` is
over the 100,000 rows before the late drift, `ne_stationary_undecayed` the same where accumulators never fade. `--quick`
ages for 600,000 rows only.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ctr_stream import Stream, figures, stream
from benchmarks.trainer_peers import deep
from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.models.columns import ColumnRules, ColumnShape
from learners.optimizers.rules import Adagrad, RowRules

ROWS, PART, YOUNG, AFTER = 1_000_000, 100_000, 50_000, 200_000

Floats = NDArray[np.float32]
Figures = dict[str, float]


def scores(told: Stream, batch: int, rules: ColumnRules | None = None) -> Floats:
    """What was predicted of each row before it was learned."""
    learner = ColumnLearner(ColumnShape(told.id_NF.shape[1]), rules)
    score_N = np.empty(len(told), np.float32)
    for start in range(0, len(told), batch):
        part = slice(start, start + batch)
        columns = Columns(told.id_NF[part].astype(np.int64), told.label_N[part, None].astype(np.float32))
        score_N[part] = learner.score(columns)[:, 0]
        learner.learn(columns)
    return score_N


def one_pass(batch: int) -> Figures:
    told = stream(ROWS)
    started = time.perf_counter()
    score_N = scores(told, batch)
    took = time.perf_counter() - started
    first, last = slice(0, PART), slice(ROWS - PART, ROWS)
    peer_N = deep("torch", told.id_NF[first].astype(np.int64), told.label_N[first].astype(np.float32), batch)
    end = figures(score_N[last], told.label_N[last])
    return {
        "ne": _ne(told, score_N, slice(None)),
        "ne_first": _ne(told, score_N, first),
        "ne_last": end["ne"],
        "calibration_last": end["calibration"],
        "ece_last": end["ece"],
        "auc_last": end["auc"],
        "ne_truth": _ne(told, told.chance_N, slice(None)),
        "ne_first_torch": figures(peer_N, told.label_N[first])["ne"],
        "rows_s": ROWS / took,
    }


def age(old: int, batch: int) -> Figures:
    """The same redraw of half of the world, met by an old model and by a young one."""
    found: Figures = {"age_rows": old}
    for name, at in (("old", old), ("young", YOUNG)):
        told = stream(at + AFTER, drift_at=(at,))
        score_N = scores(told, batch)
        found[f"ne_drift_{name}"] = _ne(told, score_N, slice(at, None))
        found[f"ne_drift_{name}_late"] = _ne(told, score_N, slice(at + AFTER // 2, None))
        if name == "old":
            found["ne_stationary"] = _ne(told, score_N, slice(at - PART, at))
    undecayed = ColumnRules(rows=RowRules(Adagrad(0.05, 1.0, 1.0)))
    told = stream(old)
    found["ne_stationary_undecayed"] = _ne(told, scores(told, batch, undecayed), slice(old - PART, old))
    return found | {"age_gap": found["ne_drift_old"] - found["ne_drift_young"]}


def _ne(told: Stream, score_N: NDArray[np.floating[Any]], rows: slice) -> float:
    return float(figures(score_N[rows], told.label_N[rows])["ne"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="age for fewer rows")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--old", type=int, default=3_000_000, help="rows before the late drift")
    asked = parser.parse_args()
    parts: list[Callable[[], Figures]] = [
        lambda: one_pass(asked.batch),
        lambda: age(600_000 if asked.quick else asked.old, asked.batch),
    ]
    found: Figures = {}
    for part in parts:
        found |= part()
    found = {name: round(value, 5) for name, value in found.items()}
    print(json.dumps(found) if asked.json else "\n".join(f"{name:24} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
