"""Does training diverge? Twice the learning rate, three tasks on shared layers, a sudden shift of all labels.

The model is the product's own: tables, layers and rules of `ColumnLearner`, with plain Adagrad on the layers (as in
Clippy's paper, arXiv 2302.09178), no clip of the norm, and `RATE` as the rate that mostly goes well. A run has diverged
where a score is no number, or where a task ranks the last fifth of the rows hardly better than a coin: AUC below .52.
`diverged_without` counts them over `seeds` starts, `diverged_with` with Clippy; `auc_*` are means over tasks and seeds.
`relpd_*` is the mean of 2 |p1 - p2| / (p1 + p2) between two starts of one model at its usual rates, with ReLU and with
SmeLU; `ne_*` is what they score meanwhile (mean over tasks), so that agreement is not bought unseen.

    python benchmarks/stability.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ctr_stream import figures, sigmoid, stream
from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.learner import Floats, Ints
from learners.models.columns import ColumnRules, ColumnShape
from learners.optimizers.rules import Adagrad, Clip, Clippy, DenseRules

RATE, TIMES = 0.1, 2.0
HIDDEN = (128, 64, 32)
COIN = 0.52
BATCH = 1024
ROWS = 40_000
BEND = 0.1
"""Half the width of SmeLU's bend."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Rows of one id in each of 20 fields, and three labels; at half of them the truth and the rates move."""

    key_NF: Ints
    value_NL: Floats

    def __len__(self) -> int:
        return len(self.key_NF)

    @property
    def end(self) -> slice:
        """The last fifth."""
        return slice(len(self) * 4 // 5, len(self))


def lessons(rows: int, *, shift: bool) -> Lessons:
    """Clicks, something common, and something rare that goes the other way; with a `shift`, half of all weights are
    drawn anew at half of the rows, and what was rare is common, and the other way round."""
    told = stream(rows, drift_at=(rows // 2,) if shift else ())
    random = np.random.default_rng(0)
    logit_N, late_N = np.log(told.chance_N / (1 - told.chance_N)), shift * (np.arange(rows) >= rows // 2)
    chance_NL = [sigmoid(z_N) for z_N in (
        logit_N + 2.5 * late_N, logit_N + 2.0 - 4.0 * late_N, -0.7 * logit_N - 3.5 + 3.0 * late_N,
    )]  # fmt: skip
    value_NL = np.stack([random.random(rows) < chance_N for chance_N in chance_NL], axis=1).astype(np.float32)
    return Lessons(told.id_NF.astype(np.int64), value_NL)


def scores(told: Lessons, rules: ColumnRules, *, seed: int, hidden: tuple[int, ...], smelu: float = 0.0) -> Floats:
    """What was said of each row before it was learned."""
    fields, labels = told.key_NF.shape[1], told.value_NL.shape[1]
    learner = ColumnLearner(ColumnShape(fields, labels, hidden=hidden, smelu=smelu), rules, seed=seed)
    said = []
    for start in range(0, len(told), BATCH):
        columns = Columns(told.key_NF[start : start + BATCH], told.value_NL[start : start + BATCH])
        said.append(learner.score(columns).copy())
        learner.learn(columns)
    return np.concatenate(said)


def risky(*, clippy: bool, times: float = TIMES) -> ColumnRules:
    """Rules at so many times the rate, without any other clip."""
    dense = DenseRules(Adagrad(RATE * times, decay=1.0, floor=0.1), clippy=Clippy() if clippy else None)
    return ColumnRules(dense=dense, clip=Clip(norm=1e12), surprise=0.0)


def aucs(told: Lessons, said_NL: Floats) -> list[float]:
    """By task, over the last fifth; of scores that are no numbers, nothing."""
    if not np.isfinite(said_NL).all():
        return [0.0] * said_NL.shape[1]
    said, truth = said_NL[told.end], told.value_NL[told.end]
    return [float(figures(said[:, k], truth[:, k])["auc"]) for k in range(truth.shape[1])]


def divergence(told: Lessons, seeds: int) -> dict[str, Any]:
    """How many of the starts diverge, with and without Clippy, and without it at the plain rate."""
    runs = {"with": risky(clippy=True), "without": risky(clippy=False), "at_rate": risky(clippy=False, times=1.0)}
    found: dict[str, Any] = {}
    for name, rules in runs.items():
        of_seeds = [aucs(told, scores(told, rules, seed=seed, hidden=HIDDEN)) for seed in range(seeds)]
        found[f"diverged_{name}"] = sum(min(of_tasks) < COIN for of_tasks in of_seeds)
        found[f"auc_{name}"] = float(np.mean(of_seeds))
    return found


def relative_difference(one: NDArray[np.floating[Any]], other: NDArray[np.floating[Any]]) -> float:
    """Mean of 2 |p1 - p2| / (p1 + p2).

    >>> relative_difference(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    0.5
    """
    return float(np.mean(2 * np.abs(one - other) / (one + other)))


def agreement(told: Lessons, pairs: int) -> dict[str, float]:
    """How far two starts are apart on the last fifth, and how well they score there."""
    found: dict[str, float] = {}
    for name, bend in (("relu", 0.0), ("smelu", BEND)):
        said = [
            scores(told, ColumnRules(), seed=seed, hidden=(64, 64), smelu=bend)[told.end] for seed in range(2 * pairs)
        ]
        apart = [relative_difference(said[2 * k], said[2 * k + 1]) for k in range(pairs)]
        nes = [
            figures(p_M, y_M)["ne"] for p_ML in said for p_M, y_M in zip(p_ML.T, told.value_NL[told.end].T, strict=True)
        ]
        found |= {f"relpd_{name}": float(np.mean(apart)), f"ne_{name}": float(np.mean(nes))}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="8 starts in place of 20, fewer rows")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    told = parser.parse_args()
    seeds = 8 if told.quick else 20
    found: dict[str, Any] = {"seeds": seeds} | divergence(lessons(ROWS, shift=True), seeds)
    found |= agreement(lessons(2 * ROWS if told.quick else 5 * ROWS, shift=False), 1 if told.quick else 2)
    if told.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
