"""What online is worth: the same rows, answered by a copy that is refreshed never, daily, hourly or at once.

    python benchmarks/refresh.py [--quick] [--json] [--data DIR] [--part NAME] [--peer NAME]

Each row is scored by the copy that would answer, then the one learner behind all of them learns it. `never` learns the
first day and no more; figures are over the days after the first. Beside them a DeepFM and gradient-boosted trees
(where scikit-learn can be imported), made anew at each midnight from all days before. KuaiRand: 228,329 rows of 14
days. Drift: a drawn stream in which 1 % of the ids get new weights every hour. Intervals are 95 % of 200 draws of users
(KuaiRand) or of blocks of 500 rows. On drawn streams an AUC is the one expected under the true chances.
Shift: half of the ids get new weights at a noon. Lost is what the gap to the truth grows by; `regain_rows` counts
the rows after the shift until a window of 20,000 rows is back within 5 % of the loss. How many rows a day has decides
how long the daily copy waits: it is printed with them. `--quick`: fewer days and rows, one setting of the trees.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.paired_auc import DRAWS, Ranked, drawn_weights, interval, paired
from benchmarks.refresh_peers import TREES, best, daily_deepfm, daily_trees
from benchmarks.refresh_rows import FILES, Told, drawn, kuairand
from learners.column_learner import ColumnLearner
from learners.metrics import auc
from learners.models.columns import ColumnShape
from learners.refreshing import PERIODS, Refresh, foreseen

Doubles = NDArray[np.float64]
Found = dict[str, Any]

BATCH, WINDOW, SEED = 256, 20_000, 7
PARTS = ("kuairand", "drift", "shift")
PEERS = ("deepfm_daily", "gbm_daily")
STEPS = (("never", "1d"), ("1d", "1h"), ("1h", "online"))


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: rows of KuaiRand, days and rows a day of the drift, rows a day of the shift, settings."""

    kuairand: int | None = None
    days: int = 6
    per_day: int = 80_000
    shift_day: int = 400_000
    trees: int = len(TREES)
    draws: int = DRAWS
    peers: tuple[str, ...] = PEERS


QUICK = Size(kuairand=45_000, days=3, per_day=40_000, shift_day=200_000, trees=1, draws=50)


def answered(told: Told, names: tuple[str, ...] = tuple(PERIODS)) -> dict[str, NDArray[np.floating]]:
    """By cadence the scores of all rows."""
    learner = ColumnLearner(ColumnShape(told.key_NF.shape[1]))
    cadences = [Refresh.of(name) for name in names]
    score_RN = np.concatenate(list(foreseen(learner, told.batches(BATCH), cadences)), axis=1)[:, :, 0]
    return dict(zip(names, score_RN, strict=True))


def worth(told: Told, name: str, size: Size) -> Found:
    """AUC after the first day of every cadence and peer, with intervals, and how much each step of freshness adds."""
    after_N = told.days() > told.days()[0]
    score = {cadence: score_N[after_N] for cadence, score_N in answered(told).items()}
    _show(name, score, told, after_N)
    found: Found = {f"rows_{name}": int(after_N.sum())}
    peers: dict[str, Callable[[], dict[str, NDArray[np.float32]] | None]] = {
        "deepfm_daily": lambda: daily_deepfm(told, BATCH),
        "gbm_daily": lambda: daily_trees(told, TREES[: size.trees]),
    }
    for peer in size.peers:
        scores = peers[peer]()
        if scores is None:
            found[f"auc_{peer}_{name}"] = None
            continue
        found[f"setting_{peer}_{name}"], score_N = best(told, scores, after_N)
        score[peer] = score_N[after_N]
        _show(name, {peer: score[peer]}, told, after_N)
    drawn_ = paired(score, told.chance_N[after_N], drawn_weights(told.cluster_N[after_N], draws=size.draws))
    for model, auc_D in drawn_.items():
        found |= _told(f"auc_{model}_{name}", auc_D)
    pairs = [*STEPS, *((model, "online") for model in PEERS if model in drawn_)]
    for less, more in pairs:
        found |= _told(f"gain_{less}_to_{more}_{name}", drawn_[more] - drawn_[less])
    found[f"in_order_{name}"] = all(found[f"gain_{less}_to_{more}_{name}_low"] > 0 for less, more in STEPS)
    return found


def _show(name: str, score: dict[str, NDArray[np.floating]], told: Told, after_N: NDArray[np.bool_]) -> None:
    """What is known so far, for whoever waits."""
    for model, score_N in score.items():
        known = auc(score_N, told.yes_N[after_N])
        print(f"{name}: {model} {known:.5f}", file=sys.stderr, flush=True)


def regained(per_day: int, draws: int) -> Found:
    """Rows after a shift at the second noon, until 95 % of the lost AUC is back."""
    shift, rows = per_day * 3 // 2, per_day * 4
    told = drawn(rows, per_day=per_day, drift_at=[shift], share=0.5, seed=SEED)
    gap = {name: _gaps(told, score_N, shift, draws) for name, score_N in answered(told, ("1d", "online")).items()}
    old = shift // WINDOW
    before_D = gap["online"][old - min(old, 5) : old].mean(axis=0)
    stale_D = gap["1d"][old : (2 * per_day) // WINDOW].mean(axis=0)
    limit_D = before_D + 0.05 * (stale_D - before_D)
    found = {"shift_rows_a_day": per_day, **_told("auc_lost", stale_D - before_D)}
    count = {name: _first_below(gap_WD[old:], limit_D) for name, gap_WD in gap.items()}
    for name, count_D in count.items():
        found |= _told(f"regain_rows_{name}", count_D)
        left_D = (gap[name][-5:].mean(axis=0) - before_D) / (stale_D - before_D)
        found |= _told(f"share_still_lost_at_end_{name}", left_D)
    either_D = np.where(np.isfinite(count["1d"]), count["1d"], np.nan)
    return found | _told("regain_ratio", count["online"] / either_D)


def _gaps(told: Told, score_N: NDArray[np.floating], shift: int, draws: int) -> Doubles:
    """AUC of the truth less that of the scores, by window and draw [W, 1 + draws]; a window starts at the shift."""
    if shift % WINDOW:
        raise ValueError(f"the shift is at row {shift}, windows have {WINDOW} rows: take days of even windows")
    gap_WD = np.empty((len(told) // WINDOW, 1 + draws))
    for window in range(len(gap_WD)):
        rows = slice(window * WINDOW, (window + 1) * WINDOW)
        chance_N, cluster_N = told.chance_N[rows], told.cluster_N[rows]
        weights = [np.ones(WINDOW), *drawn_weights(cluster_N, draws=draws, seed=window)]
        truth, ours = Ranked.of(chance_N, chance_N), Ranked.of(score_N[rows], chance_N)
        gap_WD[window] = [truth.auc(weight_N) - ours.auc(weight_N) for weight_N in weights]
    return gap_WD


def _first_below(gap_WD: Doubles, limit_D: Doubles) -> Doubles:
    """Rows up to the end of the first window within the limit; infinite where none is."""
    below_WD = gap_WD <= limit_D
    return np.where(below_WD.any(axis=0), (below_WD.argmax(axis=0) + 1.0) * WINDOW, np.inf)


def _told(name: str, drawn_D: Doubles) -> Found:
    """Figure and interval; None where a figure is infinite or is not defined."""
    with np.errstate(invalid="ignore"):
        told = dict(zip((name, f"{name}_low", f"{name}_high"), interval(drawn_D), strict=True))
    return {key: round(value, 5) if np.isfinite(value) else None for key, value in told.items()}


def measure(data: Path, size: Size, parts: Sequence[str]) -> Found:
    hour = size.per_day // 24
    rows = size.days * size.per_day
    found: Found = {}
    if "kuairand" in parts:
        found |= worth(kuairand(data, size.kuairand), "kuairand", size)
    if "drift" in parts:
        moves = [*range(hour, rows, hour)]
        found |= worth(drawn(rows, per_day=size.per_day, drift_at=moves, share=0.01, seed=SEED), "drift", size)
    return found | (regained(size.shift_day, size.draws) if "shift" in parts else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of KuaiRand's Parquet files and tables")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one; may be given several times")
    parser.add_argument("--peer", action="append", choices=PEERS, help="beside the cadences only this one")
    parser.add_argument("--json", action="store_true", help="print one object as the last line")
    asked = parser.parse_args()
    data: Path = asked.data or Path(os.environ.get("HEADRACE_DATA", "../shared/data")) / "kuairand-pure-late"
    if not (data / FILES[0]).is_file():
        sys.exit(f"{data} holds no {FILES[0]}; name the folder with --data, or its parent in HEADRACE_DATA")
    started = time.perf_counter()
    found = measure(
        data, replace(QUICK if asked.quick else Size(), peers=tuple(asked.peer or PEERS)), asked.part or PARTS
    )
    if None in (found.get(f"auc_gbm_daily_{part}", 0) for part in PARTS):
        print("no gradient-boosted trees: scikit-learn can't be imported here, their row is left out", file=sys.stderr)
    found |= {"quick": asked.quick, "seconds": round(time.perf_counter() - started, 1)}
    print(json.dumps(found) if asked.json else "\n".join(f"{name:36} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
