"""What online is worth: the same rows, answered by a copy that is refreshed never, daily, hourly or at once.

    python benchmarks/refresh.py [--quick] [--json] [--data DIR] [--part NAME] [--peer NAME]

Each row is scored by the copy that would answer, then the one learner behind all of them learns it. `never` learns
the first day and no more; the second day is for choosing the peers' settings; figures are over the days from the
third on. Peers are a DeepFM and gradient-boosted trees (where scikit-learn can be imported), made anew at each
midnight from all days before. KuaiRand: 228,329 rows of 14 days. Drift: a drawn stream in which 1 % of the ids get
new weights every hour. Intervals are 95 % of 200 draws of users (KuaiRand) or of blocks of 500 rows. On drawn streams
an AUC is the one expected under the true chances. Shift: ids get new weights at once, half of them all or those of
the smallest fields alone, and rows are counted until 95 % of what that took is back (refresh_regain.py). How long a
daily copy waits is decided by how many rows a day has and by the hour of the shift: both are tried, and
`regain_ratio_...` without rows is of the longest day. `--quick`: fewer days and rows, one setting of the trees.
"""

from __future__ import annotations

import argparse
import itertools
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

from benchmarks.paired_auc import DRAWS, drawn_weights, interval, paired
from benchmarks.refresh_peers import TREES, Chosen, daily_deepfm, daily_trees
from benchmarks.refresh_regain import HOURS, SHIFTS, regained
from benchmarks.refresh_rows import FILES, Told, drawn, kuairand
from learners.column_learner import ColumnLearner
from learners.metrics import auc
from learners.models.columns import ColumnShape
from learners.refreshing import PERIODS, Refresh, foreseen

Doubles = NDArray[np.float64]
Found = dict[str, Any]

BATCH, SEED = 256, 7
PARTS = ("kuairand", "drift", "shift")
PEERS = ("deepfm_daily", "gbm_daily")
STEPS = (("never", "1d"), ("1d", "1h"), ("1h", "online"))


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: rows of KuaiRand, days and rows a day of the drift, rows a day of the shifts, settings."""

    kuairand: int | None = None
    days: int = 6
    per_day: int = 80_000
    shift_days: tuple[int, ...] = (400_000, 1_000_000, 3_000_000)
    shifts: tuple[str, ...] = tuple(SHIFTS)
    seed: int = SEED
    trees: int = len(TREES)
    draws: int = DRAWS
    peers: tuple[str, ...] = PEERS


QUICK = Size(kuairand=60_000, days=4, per_day=30_000, shift_days=(200_000,), trees=1, draws=50)


def answered(told: Told, names: tuple[str, ...] = tuple(PERIODS)) -> dict[str, NDArray[np.floating]]:
    """By cadence the scores of all rows."""
    learner = ColumnLearner(ColumnShape(told.key_NF.shape[1]))
    cadences = [Refresh.of(name) for name in names]
    score_RN = np.concatenate(list(foreseen(learner, told.batches(BATCH), cadences)), axis=1)[:, :, 0]
    return dict(zip(names, score_RN, strict=True))


def worth(told: Told, name: str, size: Size) -> Found:
    """AUC from the third day on of every cadence and peer, with intervals, and how much each step of freshness adds."""
    after_N = told.days() > np.unique(told.days())[1]
    score = {cadence: score_N[after_N] for cadence, score_N in answered(told).items()}
    _show(name, score, told, after_N)
    found: Found = {f"rows_{name}": int(after_N.sum())}
    peers: dict[str, Callable[[], Chosen | None]] = {
        "deepfm_daily": lambda: daily_deepfm(told, BATCH),
        "gbm_daily": lambda: daily_trees(told, TREES[: size.trees]),
    }
    for peer in size.peers:
        chosen = peers[peer]()
        if chosen is None:
            found[f"auc_{peer}_{name}"] = None
            continue
        found[f"setting_{peer}_{name}"], score_N = chosen
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


def regain(shifted: str, per_day: int, size: Size) -> Found:
    """Rows after a shift until 95 % of the lost AUC is back."""
    told = regained(per_day, shifted, seed=size.seed, batch=BATCH, draws=size.draws // 2)
    at = f"{shifted}_at_{per_day}_rows_a_day"
    found = _told(f"auc_lost_{at}", told.lost_D)
    found |= _told(f"regain_rows_online_{at}", told.online_D) | _told(f"regain_rows_daily_{at}", told.daily())
    for hour, daily_D in zip(HOURS, told.daily_HD, strict=True):
        found |= {f"regain_rows_daily_{at}_shift_at_{hour}_h": _told("rows", daily_D)["rows"]}
    with np.errstate(invalid="ignore"):
        ratio_D = told.online_D / told.daily()
    ratio = _told(f"regain_ratio_{at}", ratio_D)
    print(f"shift: {found | ratio}", file=sys.stderr, flush=True)
    return found | ratio | _told(f"regain_ratio_{shifted}", ratio_D)


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
        found |= worth(drawn(rows, per_day=size.per_day, drift_at=moves, share=0.01, seed=size.seed), "drift", size)
    if "shift" in parts:
        for shifted, per_day in itertools.product(size.shifts, size.shift_days):
            found |= regain(shifted, per_day, size)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of KuaiRand's Parquet files and tables")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this one; may be given several times")
    parser.add_argument("--peer", action="append", choices=PEERS, help="beside the cadences only this one")
    parser.add_argument("--seed", type=int, default=SEED, help="of the drawn streams")
    parser.add_argument("--rows-a-day", type=int, action="append", help="of the shift; may be given several times")
    parser.add_argument("--shift", action="append", choices=SHIFTS, help="only this one; may be given several times")
    parser.add_argument("--json", action="store_true", help="print one object as the last line")
    asked = parser.parse_args()
    data: Path = asked.data or Path(os.environ.get("HEADRACE_DATA", "../shared/data")) / "kuairand-pure-late"
    if not (data / FILES[0]).is_file():
        sys.exit(f"{data} holds no {FILES[0]}; name the folder with --data, or its parent in HEADRACE_DATA")
    started = time.perf_counter()
    size = replace(QUICK if asked.quick else Size(), peers=tuple(asked.peer or PEERS), seed=asked.seed)
    size = replace(size, shift_days=tuple(asked.rows_a_day or size.shift_days), shifts=tuple(asked.shift or SHIFTS))
    found = measure(data, size, asked.part or PARTS)
    if None in (found.get(f"auc_gbm_daily_{part}", 0) for part in PARTS):
        print("no gradient-boosted trees: scikit-learn can't be imported here, their row is left out", file=sys.stderr)
    found |= {"quick": asked.quick, "seed": asked.seed, "seconds": round(time.perf_counter() - started, 1)}
    print(json.dumps(found) if asked.json else "\n".join(f"{name:36} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
