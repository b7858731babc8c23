"""How fast `headrace backtest --rows` goes through a CSV on one core, and whether its AUC is that of what it wrote.

200,000 rows of the click stream, 10 fields, half of them texts; one pass. `rows_s` is of the second run in one process;
`command_` is the command line, everything from its start to its end and, as `rows_s`, the pass that it reports; `cold_`
is the same where no kernel was ever compiled (not with --quick). `_cpu_` is by the time of the processor, which says
more where others compute beside it.

Peers on the same rows in the same batches, each scored before it is learned: logistic regression by stochastic gradient
on hashed fields (scikit-learn's where it is installed, else FTRL-Proximal in numpy). The AUC of the predictions file is
worked out anew, by scikit-learn where it is there, else by pairs of mid-ranks; `gap_by` says.

    python benchmarks/backtest_rows.py [--quick] [--json] [--model NAME]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.ctr_stream import Stream, World, stream
from headrace.rows_backtesting import Wanted, backtest_rows
from learners.fields import Declared
from learners.metrics import auc
from learners.row_schema import RowSchema

Doubles = NDArray[np.float64]
ROWS, QUICK = 200_000, 40_000
FIELDS = 10
BATCH = 512
BUCKETS = 1 << 20
HOME = Path(__file__).parents[1]
HERE = importlib.util.find_spec("sklearn") is not None


def written(told: Stream, file: Path) -> None:
    """The stream as a CSV; every other field as text."""
    word_NF = told.id_NF.astype(str).astype(object)
    for field in range(1, FIELDS, 2):
        word_NF[:, field] = [f"item-{word}" for word in word_NF[:, field]]
    head = ",".join(["clicked", *(f"f{field}" for field in range(FIELDS))])
    lines = (
        f"{label}," + ",".join(words) for label, words in zip(told.label_N.tolist(), word_NF.tolist(), strict=True)
    )
    file.write_text("\n".join([head, *lines]) + "\n")


def gap_of(file: Path, told: float) -> tuple[float, str]:
    """|AUC of the predictions file - the one that was told|, and who worked it out."""
    column = np.loadtxt(file, delimiter=",", skiprows=1, usecols=(2, 3))
    yes_N, score_N = column[:, 0], column[:, 1]
    if HERE:
        from sklearn.metrics import roc_auc_score

        return abs(float(roc_auc_score(yes_N, score_N)) - told), "scikit-learn"
    _, place_N, count_U = np.unique(score_N, return_inverse=True, return_counts=True)
    rank_N = (np.cumsum(count_U) - (count_U - 1) / 2)[place_N]
    yes, no = yes_N.sum(), (1 - yes_N).sum()
    return abs(float((rank_N[yes_N > 0].sum() - yes * (yes + 1) / 2) / (yes * no)) - told), "mid-ranks"


def peer(file: Path) -> dict[str, Any]:
    """Lines of the file, hashed fields, the same batches: score, then learn."""
    name, step = ("scikit-learn SGDClassifier", _sgd()) if HERE else ("FTRL-Proximal in numpy", _ftrl())
    next(step)
    scores, labels, started, worked = [], [], time.perf_counter(), time.process_time()
    for key_BF, label_B in _hashed(file):
        scores.append(step.send((key_BF, label_B)))
        labels.append(label_B)
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    label_N = np.concatenate(labels)
    return {
        "peer": name,
        "peer_rows_s": len(label_N) / seconds,
        "peer_rows_cpu_s": len(label_N) / work,
        "peer_auc": auc(np.concatenate(scores), label_N > 0),
    }


def _hashed(file: Path) -> Iterator[tuple[NDArray[np.int64], Doubles]]:
    with file.open() as lines:
        next(lines)
        keys: list[list[int]] = []
        for line in lines:
            cells = line.rstrip("\n").split(",")
            keys.append(
                [int(cells[0]), *(crc32(f"{place}={cell}".encode()) % BUCKETS for place, cell in enumerate(cells[1:]))]
            )
            if len(keys) == BATCH:
                told = np.array(keys)
                yield told[:, 1:], told[:, 0].astype(np.float64)
                keys = []
        if keys:
            yield np.array(keys)[:, 1:], np.array(keys)[:, 0].astype(np.float64)


def _sgd() -> Any:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import SGDClassifier

    model, scores = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.05, alpha=1e-7), np.zeros(0)
    begun = False
    while True:
        key_BF, label_B = yield scores
        rows, fields = key_BF.shape
        at_B = np.arange(0, rows * fields + 1, fields)
        x_BN = csr_matrix((np.ones(key_BF.size), key_BF.reshape(-1), at_B), shape=(rows, BUCKETS))
        scores = model.predict_proba(x_BN)[:, 1] if begun else np.full(rows, 0.5)
        model.partial_fit(x_BN, label_B, classes=[0, 1])
        begun = True


def _ftrl(alpha: float = 0.05, beta: float = 1.0) -> Any:
    """McMahan et al., KDD 2013, algorithm 1, without L1; gradients summed over a batch."""
    z_K, n_K, scores = np.zeros(BUCKETS + 1), np.zeros(BUCKETS + 1), np.zeros(0)
    while True:
        key_BF, label_B = yield scores
        key_BF = np.concatenate([key_BF, np.full((len(key_BF), 1), BUCKETS)], axis=1)
        w_BF = -z_K[key_BF] * alpha / (beta + np.sqrt(n_K[key_BF]))
        scores = 1 / (1 + np.exp(-w_BF.sum(axis=1)))
        key_U, place_N = np.unique(key_BF.reshape(-1), return_inverse=True)
        g_U = np.bincount(place_N.reshape(-1), np.repeat(scores - label_B, key_BF.shape[1]), len(key_U))
        w_U = -z_K[key_U] * alpha / (beta + np.sqrt(n_K[key_U]))
        z_K[key_U] += g_U - (np.sqrt(n_K[key_U] + g_U**2) - np.sqrt(n_K[key_U])) / alpha * w_U
        n_K[key_U] += g_U**2


def commanded(file: Path, schema: RowSchema, model: str, cache: Path | None = None) -> dict[str, float]:
    """`headrace backtest --rows` in a process of its own; with an empty folder as `cache`, kernels are compiled."""
    folder = file.parent
    features = "".join(f'[features.{name}]\nkind = "category"\n' for name in schema.features)
    (folder / "schema.toml").write_text(f'label = "clicked"\n{features}')
    words = ["--rows", str(file), "--schema", "schema.toml", "--report", "out.json", "--predictions", "out.csv"]
    words = [sys.executable, "-m", "headrace", "backtest", *words, "--model", model, "--batch", str(BATCH)]
    told = os.environ | ({} if cache is None else {"NUMBA_CACHE_DIR": str(cache)}) | {"PYTHONPATH": str(HOME)}
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, cwd=folder, env=told, check=True, capture_output=True)
    after, report = resource.getrusage(resource.RUSAGE_CHILDREN), json.loads((folder / "out.json").read_text())
    return {
        "rows_s": report["rows_per_second"], "rows_cpu_s": report["rows"] / report["passes"][0]["cpu_seconds"],
        "seconds": time.perf_counter() - started,
        "cpu_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }  # fmt: skip


def measure(*, quick: bool, model: str) -> dict[str, Any]:
    """One flat object."""
    told = stream(QUICK if quick else ROWS, world=World(fields=FIELDS, vocabulary=20_000))
    schema = RowSchema(("clicked",), {f"f{field}": Declared("category") for field in range(FIELDS)})
    with tempfile.TemporaryDirectory() as folder:
        file, predictions = Path(folder) / "rows.csv", Path(folder) / "predictions.csv"
        written(told, file)
        wanted = Wanted(rows=file, schema=schema, model=model, batch=BATCH, predictions=predictions)
        reports = [backtest_rows(wanted, console=Console(file=StringIO())) for _ in range(2)]
        report = reports[-1]
        figures = report["labels"]["clicked"]
        gap, by = gap_of(predictions, figures["auc"])
        other = peer(file)
        told_by = {"command": commanded(file, schema, model)}
        if not quick:
            told_by["cold"] = commanded(file, schema, model, Path(folder) / "kernels")
    found = {
        "rows": report["rows"], "fields": FIELDS, "batch": BATCH, "model": model, "rows_s": report["rows_per_second"],
        "rows_cpu_s": report["rows"] / report["passes"][0]["cpu_seconds"],
        "rows_s_first": reports[0]["rows_per_second"], "auc": figures["auc"], "ne": figures["ne"],
        "auc_truth": auc(told.chance_N, told.label_N > 0), "auc_sklearn_gap": gap, "gap_by": by,
        "same_twice": reports[0]["labels"] == report["labels"],
    }  # fmt: skip
    found |= {f"{name}_{key}": value for name, told in told_by.items() for key, value in told.items()}
    ratios = {"ratio_rows_s": found["rows_s"] / other["peer_rows_s"]}
    ratios["ratio_rows_cpu_s"] = found["rows_cpu_s"] / other["peer_rows_cpu_s"]
    return found | other | ratios | {"quick": quick}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the rows")
    parser.add_argument("--json", action="store_true", help="print one object as the last line")
    parser.add_argument("--model", default="deepfm")
    told = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    result = measure(quick=told.quick, model=told.model)
    print(json.dumps(result) if told.json else "\n".join(f"{key:16} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
