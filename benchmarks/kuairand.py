"""How well KuaiRand is foreseen, one pass, against a floor that is worked out on the same rows in the same run.

The floor: for each row the sum of the log-odds of the smoothed rates of its user, video and tab (prior: 10 rows at the
overall rate), each as of before the row, less twice the overall log-odds. It sees each outcome at once; the learner
sees it when the joiner decides it. `--quick` takes the first 25,000 rows.

    python benchmarks/kuairand.py [--data DIR] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from headrace.backtesting import Replayed, backtest, tell
from headrace.deployment import rules_of
from headrace.process_terms import learner_of, plan_of
from headrace.row_files import rows_of
from headrace.settings_file import load
from learners.metrics import auc, losses
from streams.mapped_rows import Row, in_time
from streams.mapping import Table, read_mapping

MAPPING = Path(__file__).parents[1] / "docs" / "examples" / "kuairand.toml"
FILES = ("std_0425_0430.parquet", "std_0501_0508.parquet")
LABELS = {"is_click": "is_click", "long_view": "long_view"}
KEYS = ("user_id", "video_id", "tab")
PRIOR = 10
QUICK = 25_000


def floors(table: Table, files: Iterable[Path], limit: int | None) -> dict[str, dict[str, float | None]]:
    """AUC, log loss and calibration of the floor, by label."""
    wanted = [*KEYS, *LABELS.values(), "time_ms"]
    rows = list(itertools.islice(in_time(table, [rows_of(file, wanted) for file in files]), limit))
    told: dict[str, dict[str, float | None]] = {}
    for label, column in LABELS.items():
        score_N = np.fromiter(_scores(rows, column), np.float64, len(rows))
        positive_N = np.fromiter((row[column] == 1 for _, row in rows if isinstance(row, dict)), np.bool_, len(rows))
        told[label] = {
            "auc": auc(score_N, positive_N),
            "log_loss": float(losses(score_N, positive_N).mean()),
            "calibration": float(score_N.sum() / positive_N.sum()),
        }
    return told


def _scores(rows: list[Row], column: str) -> Iterator[float]:
    counts: dict[tuple[str, object], tuple[int, int]] = {}
    yes, seen = 1, 2
    for _, row in rows:
        assert isinstance(row, dict)
        rate, keys = yes / seen, [(name, row[name]) for name in KEYS]
        logit = -2 * _log_odds(rate)
        for key in keys:
            positive, shown = counts.get(key, (0, 0))
            logit += _log_odds((positive + PRIOR * rate) / (shown + PRIOR))
        yield 1 / (1 + math.exp(-logit))
        outcome = int(row[column])
        yes, seen = yes + outcome, seen + 1
        for key in keys:
            positive, shown = counts.get(key, (0, 0))
            counts[key] = (positive + outcome, shown + 1)


def _log_odds(rate: float) -> float:
    return math.log(rate / (1 - rate))


def measure(data: Path, *, quick: bool, console: Console) -> dict[str, Any]:
    """One flat object."""
    table, files = read_mapping(MAPPING.read_text()), tuple(data / name for name in FILES)
    limit = QUICK if quick else None
    settings = load(None, {}, below=table.settings)
    source = Replayed(files, table, rules_of(settings), limit=limit)
    report = backtest(source, learner_of(settings), plan=plan_of(settings), seed=settings.trainer.seed, console=console)
    tell(report, console)
    told = {name: report[name] for name in ("rows", "rows_per_second", "seconds", "seed", "protocol")}
    for label, floor in floors(table, files, limit).items():
        ours = report["labels"][label]
        told |= {f"{name}_{label}": ours[name] for name in ("auc", "log_loss", "ne", "calibration", "ece")}
        told |= {f"floor_{name}_{label}": value for name, value in floor.items()}
        told[f"ratio_auc_{label}"] = ours["auc"] / (floor["auc"] or math.nan)
    return told | {"quick": quick}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of the two Parquet files and the table of videos")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one object as the last line")
    told = parser.parse_args()
    shared = Path(os.environ.get("HEADRACE_DATA", "../shared/data")) / "kuairand-pure-late"
    data: Path = told.data or shared
    if not (data / FILES[0]).is_file():
        sys.exit(f"{data} holds no {FILES[0]}; name the folder with --data, or its parent in HEADRACE_DATA")
    result = measure(data, quick=told.quick, console=Console(stderr=True))
    print(json.dumps(result) if told.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
