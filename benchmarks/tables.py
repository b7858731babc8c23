"""What ids cost: lookups and updates of rows, whatever the number of rows, growing, and letting go.

An id here is found in the exact map, its row is read, a gradient is summed into it, and the distinct rows of a batch
take a step of row-wise Adagrad: 1,024 rows of 20 ids a batch, Zipf 1.05 over 100,000 random 64-bit ids, one core. Times
are of the processor, so that others on the machine do not count; runs alternate and the median counts.

`flat_1e7_to_1e5`: events a second of the same stream, of ids whose rows came first, on a table of 1e7 rows over those
on one of 1e5; an event is a row of 20 ids, learned by the DeepFM of dim 8 and 64-64. `flat_zipf`: of a stream over all
of 1e7 ids over one over all of 1e5, rows by popularity. `flat_ids_*` are the same without the layers, ids alone. Both
hang on what a page costs: a guest whose host gives it small pages loses more than one with huge pages.
`longest_growth_pause_ms`: by how much the longest call exceeded the median one while 1e7 ids came, 1,024 a call, map
and table together, the best of several at each call (`_wall_ms`: by the clock on the wall). `memory_flat`: whether rows
that expire leave room for others: resident memory of 10M ids that come and go is within 5 % of that of 2M.

Peers: plain torch (sparse embedding of a fixed table, Adagrad, one thread), which has no map; and a Python dictionary
as the map alone, against `map_ids_s`.

    python benchmarks/tables.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from learners.blas_threads import one_blas_thread
from learners.kernels.columns import gather, scatter
from learners.kernels.row_updates import adagrad_rows
from learners.models.columns import ColumnModel, ColumnRules, ColumnShape
from learners.tables.host_ids import HostIds
from learners.tables.kinds import Kind, Limits
from learners.tables.rows import Rows
from learners.tables.table import Table

Longs = NDArray[np.int64]

FIELDS, BATCH, FEW, MANY, ZIPF = 20, 1024, 100_000, 10_000_000, 1.05
IDS = FIELDS * BATCH
ONE = np.zeros(1, np.int64)
BARS = {"ids_s_dim8": 5e6, "ids_s_dim64": 1e6, "flat_1e7_to_1e5": 0.9, "flat_zipf": 0.6}
BARS |= {"longest_growth_pause_ms": 20, "memory_flat": 1}


def ids_of(count: int) -> Longs:
    """Distinct ids without a pattern."""
    return np.arange(count, dtype=np.int64) * -7046029254386353131


def zipf(count: int, size: int, seed: int) -> Longs:
    """Places below `count`, Zipf distributed."""
    share = np.cumsum(np.arange(1, count + 1) ** -ZIPF)
    places: Longs = np.searchsorted(share, np.random.default_rng(seed).random(size) * share[-1])
    return places


class Ours:
    """Map and model: `ids` finds, reads and updates rows, `event` learns with layers and all."""

    def __init__(self, dim: int, key_R: Longs) -> None:
        self.map, self.dim = HostIds(fallbacks=0), dim
        self.model = ColumnModel(ColumnShape(FIELDS, dim=dim, product="plain"), ColumnRules(), rows=BATCH)
        for start in range(0, len(key_R), 1 << 18):
            self.map.add(ONE, key_R[start : start + (1 << 18)])
        self.model.lines.grow(len(self.map))
        self._x, self._dx = (np.full((BATCH, FIELDS * dim), 0.01, np.float32) for _ in range(2))
        self._sum, self._logit = np.empty((BATCH, dim), np.float32), np.full((BATCH, 1), 0.1, np.float32)
        self._slot, self._row_U = np.empty(IDS, np.int32), np.empty(IDS + 1, np.int64)
        self._grad = np.empty((IDS + 1, self.model.lines.lines.shape[1]), np.float32)
        self._ends, self._step = np.array([dim, dim + 1]), 1 << 30
        self._value, self._weight = np.eye(BATCH, 1, dtype=np.float32), np.ones((BATCH, 1), np.float32)

    def ids(self, key_N: Longs) -> None:
        lines, dim, self._step = self.model.lines.lines, self.dim, self._step + 1
        row_BF = self.map.find(ONE, key_N).reshape(BATCH, FIELDS)
        found = gather(
            lines, lines.view(np.int32), row_BF, self._step, dim, 0.0, self._x, self._sum, self._logit, self._slot,
            self._row_U, self._grad,
        )  # fmt: skip
        scatter(self._slot, self._logit, FIELDS, dim, 0.0, self._x, self._sum, self._dx, self._grad)
        adagrad_rows(lines, self._row_U, self._grad, found, self._ends, 1.0, rate=0.05, decay=0.99, floor=1.0)

    def event(self, key_N: Longs) -> None:
        self.model.forward(self.map.find(ONE, key_N).reshape(BATCH, FIELDS), np.zeros(1, np.float32))
        self.model.step(self._value, self._weight)


class Torch:
    """A fixed table of plain torch; ids are its rows."""

    def __init__(self, dim: int, rows: int) -> None:
        self._rows = torch.nn.Embedding(rows, dim + 1, sparse=True)
        self._adagrad = torch.optim.Adagrad(self._rows.parameters(), lr=0.05, initial_accumulator_value=1.0)
        self._slope = torch.full((IDS, dim + 1), 0.01)

    def learn(self, row_N: Longs) -> None:
        self._adagrad.zero_grad()
        self._rows(torch.from_numpy(row_N)).backward(self._slope)
        self._adagrad.step()


def ids_s(ways: list[tuple[Callable[[Longs], None], Longs]], runs: int, batches: int) -> list[float]:
    """Ids a second of each way over its stream, alternating."""
    took: list[list[float]] = [[] for _ in ways]
    for run in range(runs + 1):
        for way, (learn, id_N) in enumerate(ways):
            begun = time.process_time()
            for start in range(0, batches * IDS, IDS):
                learn(id_N[start : start + IDS])
            if run:
                took[way].append(time.process_time() - begun)
    return [batches * IDS / median(times) for times in took]


def speed(dim: int, runs: int, batches: int) -> dict[str, Any]:
    row_N, key_R = zipf(FEW, batches * IDS, 1), ids_of(FEW)
    ours, theirs = ids_s([(Ours(dim, key_R).ids, key_R[row_N]), (Torch(dim, FEW).learn, row_N)], runs, batches)
    return {f"ids_s_dim{dim}": ours, f"torch_ids_s_dim{dim}": theirs, f"ours_to_torch_dim{dim}": ours / theirs}


def maps(runs: int, batches: int) -> dict[str, Any]:
    """The map alone, against a dictionary."""
    key_R = ids_of(FEW)
    key_N, ids, known = key_R[zipf(FEW, batches * IDS, 1)], HostIds(fallbacks=0), dict[int, int]()

    def ask_map(part: Longs) -> None:
        ids.add(ONE, part)

    def ask_dictionary(part: Longs) -> None:
        np.array([known.setdefault(key, len(known)) for key in part.tolist()], np.int64)

    ours, theirs = ids_s([(ask_map, key_N), (ask_dictionary, key_N)], runs, batches)
    return {"map_ids_s": ours, "dict_ids_s": theirs, "map_to_dict": ours / theirs}


def flatness(runs: int, batches: int) -> dict[str, Any]:
    small, large = Ours(8, ids_of(FEW)), Ours(8, ids_of(MANY))
    key_N, all_N = ids_of(FEW)[zipf(FEW, batches * IDS, 1)], ids_of(MANY)[zipf(MANY, batches * IDS, 2)]
    few, same, whole = ids_s([(small.ids, key_N), (large.ids, key_N), (large.ids, all_N)], runs, batches)
    told = {"ids_s_1e5": few, "ids_s_1e7": same, "flat_ids_1e7_to_1e5": same / few, "flat_ids_zipf": whole / few}
    few, same, whole = ids_s([(small.event, key_N), (large.event, key_N), (large.event, all_N)], runs, batches)
    events = {"events_s_1e5": few / FIELDS, "events_s_1e7": same / FIELDS, "events_s_zipf_1e7": whole / FIELDS}
    return told | events | {"flat_1e7_to_1e5": same / few, "flat_zipf": whole / few}


def grown() -> Longs:
    """Nanoseconds of each call, by the processor and on the wall, while a map and its table grow."""
    ids, table, key_R, took = HostIds(fallbacks=0), Table(width=9, state=2, scale=[0.05] * 9), ids_of(MANY), []
    for start in range(0, MANY, BATCH):
        begun = time.process_time_ns(), time.perf_counter_ns()
        ids.add(ONE, key_R[start : start + BATCH])
        ids.settle()
        table.grow(len(ids), 1.0)
        took.append((time.process_time_ns() - begun[0], time.perf_counter_ns() - begun[1]))
    return np.array(took, np.int64)


def growth(told: Pipe, times: int) -> None:
    """Growing waits at the same call every time, a machine at others: the best of several at each call counts."""
    cpu_C, wall_C = np.min([grown() for _ in range(times)], axis=0).T / 1e6
    told.send(
        {
            "longest_growth_pause_ms": float(cpu_C.max() - median(cpu_C)),
            "longest_growth_pause_wall_ms": float(wall_C.max() - median(wall_C)),
            "growth_ids_s": float(MANY / (cpu_C.sum() / 1e3)),
        }
    )


def churn(told: Pipe) -> None:
    """Ids that come once, are used once and expire; resident memory on the way, without what there was before."""
    table = Table(width=9, state=2, scale=[0.05] * 9)
    rows = Rows([Kind(ttl_ms=40)], kind_of_space=[0], limits=Limits(), tables=[(table, 1.0)])
    before, sizes, step = _resident(), {}, 5000
    for at, start in enumerate(range(0, MANY, step), 1):
        row_N = rows.admit_and_add(ONE, start + np.arange(step), at)
        rows.used(row_N, at)
        rows.settle()
        rows.expire(at)
        if at % 50 == 0:
            rows.touched.forget(rows.touched.mark())
        sizes[start + step] = _resident() - before
    told.send({"memory_2m_mib": sizes[2_000_000], "memory_10m_mib": sizes[MANY], "rows_after_10m": len(rows)})


def _resident() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)


def alone(what: Callable[..., None], *asked: int) -> dict[str, Any]:
    """What a process of its own says: nothing else is in its memory."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    child = spawn.Process(target=what, args=(theirs, *asked))
    child.start()
    theirs.close()
    told: dict[str, Any] = ours.recv()
    child.join()
    return told


def memory() -> dict[str, Any]:
    ratio = (told := alone(churn))["memory_10m_mib"] / told["memory_2m_mib"]
    return told | {"memory_ratio": ratio, "memory_flat": ratio <= 1.05}


def measure(quick: bool) -> Iterator[dict[str, Any]]:
    one_blas_thread()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="Sparse invariant checks")
    runs, batches = (3, 25) if quick else (9, 100)
    yield memory()
    yield alone(growth, 2 if quick else 5)
    yield speed(8, runs, batches)
    yield speed(64, runs, batches // 4)
    yield maps(runs, batches)
    yield flatness(runs, batches)
    yield {f"bar_{name}": bar for name, bar in BARS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer runs of fewer batches")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    asked, figures = parser.parse_args(), dict[str, Any]()
    for part in measure(asked.quick):
        told = {
            name: value if isinstance(value, (bool, int)) else round(float(value), 3) for name, value in part.items()
        }
        figures |= told
        if not asked.json:
            print("\n".join(f"{name:28} {value:>16,}" for name, value in told.items()), flush=True)
    if asked.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
