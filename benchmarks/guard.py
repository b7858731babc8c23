"""What the guard holds back, what it lets through, and what it costs, with the learner of columns (a DeepFM).

    python benchmarks/guard.py [--quick] [--json] [--seeds 7,8,9] [--other-seeds 21,22,23] [--rates .12,.02,.001]
                               [--kuairand] [--data DIR] [--cases NAME,...]

One learner behind one guard passes a seeded stream from its first row on, in batches of 1,024; every case goes on from
copies of it, open and guarded. Faults spoil 20 batches (at a rate of .001 and in `.long` cases 100), of everyone or of
a slice of 25 %, the last of them inside a batch; `ne_*` is over the next true labels. Changes are for good; `ne_*` is
over the last 100,000 rows. `held_at` counts batches from 1, `learned_by` is the batch by which everything is learned
again, `back_after` how many after the one in which a fault ends. Clean streams: 1M rows of each seed and one more.
`--other-seeds ""` and no `--kuairand` leave these out. Each case is one line on stderr (guard_report.py reads them).
`--quick`: one seed, one rate, the chief cases.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.guard_cases import Begin, Fault, Found, change, fault, quiet, rounded
from benchmarks.guard_kuairand import PLACES, TABS, group_of, recorded, there
from benchmarks.guard_report import COMMON, LOUD, STEPS, Record, flat, summary, tables
from benchmarks.guard_runs import Run, fresh, guarded, unguarded
from benchmarks.guard_streams import LONG, SIZES, SLICE, Drawn, Size, drawn, moved

LAST = 100_000
QUICK = {
    *("flip10.all", "flip100.all", "ones.all", "zeros.all", "random.all", "shuffled.all", "lost50.all"),
    *("flip10.slice", "ones.slice", "lost10.all.counted", "x0.6", "new", "half", "all", "clean"),
}
Plan = dict[str, Callable[[], Found]]


def faults(size: Size, *, common: bool) -> dict[str, Fault]:
    """By name; those of a stream with rarer clicks are fewer."""
    where = {"all": 0, "slice": SLICE}
    kinds = (*LOUD, "lost50") if common else ("flip30", "flip100", "ones", "zeros", "random", "shuffled")
    plan = [(kind, name, "", size.fault) for name in where for kind in kinds]
    if common:
        plan += [(kind, name, ".counted", size.fault) for name in where for kind in ("lost50", "lost10")]
        plan += [(kind, "all", ".long", LONG) for kind in ("flip5", *LOUD)]
        plan += [(kind, "slice", ".long", LONG) for kind in ("flip30", "zeros", "shuffled")]
    return {
        f"{kind}.{name}{more}": Fault(kind, where[name], rows, size.after, more == ".counted")
        for kind, name, more, rows in plan
    }


def of_seed(seed: int, rate: float, wanted: Callable[[str], bool], *, quick: bool) -> Iterator[tuple[str, Found]]:
    """The wanted cases of a drawn stream."""
    size = SIZES[rate]
    size = replace(size, clean=size.start + size.shift) if quick else size
    made = drawn(seed, rate, size)
    scene, shell = made.scene, fresh(made.scene)
    before = guarded(scene, scene.label_N, shell, slice(0, size.start))
    begin = Begin(scene, shell, size.start)
    for name, case in _plan(begin, made, seed, common=rate == COMMON).items():
        if wanted(name):
            yield name, case()
    if wanted("clean"):
        rest = guarded(scene, scene.label_N, shell, slice(size.start, size.clean))
        yield "clean", quiet([before, rest], scene, size.clean)


def _plan(begin: Begin, made: Drawn, seed: int, *, common: bool) -> Plan:
    told = faults(made.size, common=common)
    clean_N = _Lazy(lambda: unguarded(begin.scene, begin.scene.label_N, begin.shell.live, _reach(begin, told)))
    plan: Plan = {name: partial(_fault, begin, one, seed, clean_N) for name, one in told.items()}
    kinds = (*STEPS, "half", "all", "cycle", "drift") if common else ("drift",)
    plan |= {kind: partial(_change, begin, made, kind) for kind in kinds}
    return plan


def _fault(begin: Begin, told: Fault, seed: int, clean_N: _Lazy) -> Found:
    return fault(begin, told, seed, clean_N())


def _change(begin: Begin, made: Drawn, kind: str) -> Found:
    """The new world is drawn when its turn comes, and forgotten after."""
    return change(begin, moved(made, kind), LAST)


def of_kuairand(folder: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[int, str, Found]]:
    """The same faults at several places of people's clicks, and the clean log; (place, name, figures)."""
    scene, slices = recorded(folder)
    shell, at, parts = fresh(scene), 0, list[Run]()
    size, edges = SIZES[COMMON], (*PLACES, len(scene.label_N))
    clean_N = _Lazy(lambda: unguarded(scene, scene.label_N, fresh(scene).live, slice(0, len(scene.label_N))))
    where = {"all": 0} | {f"tab{tab}": group_of(slices, tab) for tab in TABS}
    for edge in edges:
        parts.append(guarded(scene, scene.label_N, shell, slice(at, edge)))
        at = edge
        if edge == edges[-1]:
            break
        for name, group in where.items():
            for kind in (*LOUD, "lost50"):
                if wanted(f"{kind}.{name}"):
                    told = Fault(kind, group, size.fault, size.after)
                    yield edge, f"{kind}.{name}", fault(Begin(scene, shell, edge), told, edge, clean_N())
    if wanted("clean"):
        yield 0, "clean", quiet(parts, scene, len(scene.label_N))


class _Lazy:
    """A result that is worked out when it is first asked for."""

    def __init__(self, make: Callable[[], np.ndarray]) -> None:
        self._make, self._made = make, list[np.ndarray]()

    def __call__(self) -> np.ndarray:
        if not self._made:
            self._made.append(self._make())
        return self._made[0]


def _reach(begin: Begin, told: dict[str, Fault]) -> slice:
    stop = begin.row + max(one.rows + one.after for one in told.values())
    return slice(begin.row, min(stop, len(begin.scene.label_N)))


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]


def drill(asked: argparse.Namespace) -> Iterator[Record]:
    """All cases that are asked for."""
    names = {name for name in asked.cases.split(",") if name}
    chosen = names or (QUICK if asked.quick else set())
    rates = [COMMON] if asked.quick else [float(rate) for rate in asked.rates.split(",") if rate]

    def wanted(name: str) -> bool:
        return name in chosen if chosen else True

    for part, text in (("", asked.seeds), ("other_seeds_", "" if asked.quick else asked.other_seeds)):
        seeds = _numbers(text)[: 1 if asked.quick else None]
        for rate in rates:
            for seed in seeds:
                for name, case in of_seed(seed, rate, wanted, quick=asked.quick):
                    yield {"part": part, "rate": rate, "seed": seed, "case": name} | case
            if rate == COMMON and not asked.quick and wanted("clean") and len(seeds) == 3:
                for name, case in of_seed(seeds[-1] + 1, rate, lambda name: name == "clean", quick=False):
                    yield {"part": part, "rate": rate, "seed": seeds[-1] + 1, "case": name} | case
    if asked.kuairand:
        for place, name, case in of_kuairand(asked.data, wanted):
            yield {"part": "kuairand_", "rate": COMMON, "seed": place, "case": name} | case


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one seed, one rate, fewer cases")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--seeds", default="7,8,9", help="of the bars")
    parser.add_argument("--other-seeds", default="21,22,23", help="nothing was chosen by these")
    parser.add_argument("--rates", default=".12,.02,.001", help="clicks by row")
    parser.add_argument("--kuairand", action="store_true", help="the same faults in KuaiRand")
    shared = Path(os.environ.get("HEADRACE_DATA", "../shared/data")) / "kuairand-pure-late"
    parser.add_argument("--data", type=Path, default=shared, help="folder of KuaiRand")
    parser.add_argument("--cases", default="", help="names as they are printed, with commas")
    asked = parser.parse_args()
    if asked.kuairand and not there(asked.data):
        sys.exit(f"{asked.data} holds no KuaiRand; name the folder with --data, or its parent in HEADRACE_DATA")
    records, started = list[Record](), time.perf_counter()
    for record in drill(asked):
        records.append(record)
        print(json.dumps(rounded(record)), file=sys.stderr, flush=True)
        print(f"  {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    if asked.json:
        print(json.dumps(summary(records) | flat(records)))
    else:
        print("\n".join(tables(records)))


if __name__ == "__main__":
    main()
