"""What the guard holds back, what it lets through, and what it costs, with the learner of columns.

    python benchmarks/guard.py [--quick] [--json] [--seeds 7,8,9] [--cases NAME,...]

A learner is taught `BEFORE` rows of the seeded stream, then goes through each case twice, open and behind the guard,
in batches of 1,024. Faults spoil 19,968 labels, of everyone or of a slice of 25 %, the last of them inside a batch;
`ne_*` is over the next 20,480 true labels. Shifts are for good; `ne_*` is over the last 100,000 rows. `held_at` counts
batches from 1, `learned_by` is the batch by which everything is learned again. `--quick`: one seed, global faults and
two shifts.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ctr_stream import World, figures, sigmoid, stream
from benchmarks.guard_streams import (
    AFTER,
    BATCH,
    BEFORE,
    CALM,
    FAULT,
    GROUPS,
    LONG,
    SLICE,
    Taught,
    columns_of,
    spoilt,
    world,
)
from learners.guard.guard import Guard
from learners.guard.words import Event
from learners.guarded_columns import GuardedColumns

FAULTS = ("flip10", "flip30", "flip100", "ones", "zeros", "random", "shuffled", "lost50")
SHIFTS = ("x0.5", "x0.6", "x1.8", "x2.5", "half", "all")
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Run:
    """Predictions, rows that were learned, what the guard said, seconds in the guard and in all."""

    p_N: Floats
    learned_N: Bools
    refused: int
    events: list[tuple[int, Event]]
    held: int
    guard_s: float
    all_s: float


def run(made: Taught, label_N: Bools, *, guarded: bool, announced_N: Bools | None = None) -> Run:
    """One pass from the taught learner on."""
    learner, guard = made.learner.copy(), Guard(GROUPS)
    shell = GuardedColumns(learner, guard)
    judge, spent, live = guard.judge, [0.0], [np.zeros(0, np.bool_)]

    def timed(told: Any) -> Any:
        started = time.perf_counter()
        judged = judge(told)
        spent[0] += time.perf_counter() - started
        live[0] = judged.live_B
        return judged

    guard.judge = timed  # type: ignore[method-assign]
    p_N, learned_N, events, refused = np.empty(len(label_N)), np.zeros(len(label_N), np.bool_), [], 0
    started = time.perf_counter()
    for number, start in enumerate(range(0, len(label_N), BATCH)):
        part = slice(start, start + BATCH)
        columns = columns_of(made, label_N, part)
        if not guarded:
            p_N[part] = learner.score(columns)[:, 0]
            learner.learn(columns)
            continue
        p_N[part] = shell.score(columns)[:, 0]
        counts = (None, None) if announced_N is None else _counts(made, announced_N, label_N, part)
        passed = shell.learn(columns, made.group_NA[part], announced_G=counts[0], delivered_G=counts[1])
        events += [(number, event) for event in passed.events]
        learned_N[part] = live[0]
        refused += passed.refused
        for event in passed.events:
            if event.verdict in ("return", "accept"):
                since = BATCH * (event.clean if event.verdict == "return" else event.first)
                learned_N[since:start] |= (made.group_NA[since:start] == event.group).any(1)
    return Run(p_N, learned_N, refused, events, len(guard.held), spent[0], time.perf_counter() - started)


def fault(made: Taught, kind: str, group: int, seed: int, clean: Run, *, counters: bool = False) -> dict[str, Any]:
    """One fault, which ends inside a batch."""
    lo, hi = CALM, CALM + FAULT - BATCH // 2
    true_N = made.draw_N[: hi + AFTER + BATCH] < sigmoid(made.logit_N[: hi + AFTER + BATCH])
    short = replace(made, group_NA=made.group_NA[: len(true_N)])
    label_N, bad_N = spoilt(short, true_N, kind, lo, hi, group, seed)
    unguarded = run(short, label_N, guarded=False)
    kept = run(short, label_N, guarded=True, announced_N=true_N if counters else None)
    after = slice(hi, hi + AFTER)
    first, last = lo // BATCH, hi // BATCH
    holds = [(at, event) for at, event in kept.events if event.verdict == "hold" and at >= first]
    ends = [at for at, event in kept.events if event.verdict in ("return", "accept") and at >= first]
    held_at = holds[0][0] - first + 1 if holds and holds[0][0] <= last else None
    return {
        "held_at": held_at,
        "learned_share": float(kept.learned_N[bad_N].mean()),
        "ne_clean": _ne(true_N, clean.p_N, after),
        "ne_open": _ne(true_N, unguarded.p_N, after),
        "ne_guard": _ne(true_N, kept.p_N, after),
        "back_after": ends[-1] - last if ends else None,
        "right_group": all(event.group == group for _at, event in holds),
        "holds": len(holds),
        "accepts": sum(event.verdict == "accept" for _at, event in kept.events),
        "held_at_end": kept.held,
    }


def shift(made: Taught, kind: str, seed: int) -> dict[str, Any]:
    """A change of the world for good."""
    lo = CALM
    logit_N, row_N = made.logit_N.copy(), np.arange(len(made.logit_N))
    if kind.startswith("x"):
        logit_N[lo:] += np.log(float(kind[1:]))
    elif kind != "clean":
        moved = World(drift_share=1.0 if kind == "all" else 0.5)
        other_N = stream(BEFORE + len(row_N), seed=seed, drift_at=(BEFORE + lo,), world=moved).chance_N[BEFORE:]
        level = logit_N[0] - np.log(made.told.chance_N[0] / (1 - made.told.chance_N[0]))
        logit_N = np.log(other_N / (1 - other_N)) + level
    label_N = made.draw_N < sigmoid(logit_N)
    unguarded, kept = run(made, label_N, guarded=False), run(made, label_N, guarded=True)
    last = slice(len(label_N) - 100_000, None)
    holds = [at for at, event in kept.events if event.verdict == "hold" and at >= lo // BATCH]
    ends = [at for at, event in kept.events if event.verdict in ("return", "accept") and at >= lo // BATCH]
    return {
        "held_at": holds[0] - lo // BATCH + 1 if holds else None,
        "learned_by": ends[-1] - lo // BATCH + 1 if ends else 1,
        "learned_share": float(kept.learned_N.mean()),
        "ne_open": _ne(label_N, unguarded.p_N, last),
        "ne_guard": _ne(label_N, kept.p_N, last),
        "holds": len(holds),
        "accepts": sum(event.verdict == "accept" for _at, event in kept.events),
        "held_at_end": kept.held,
        "rows_lost": kept.refused,
        "guard_share": kept.guard_s / (kept.all_s - kept.guard_s),
    }


def _counts(made: Taught, announced_N: Bools, label_N: Bools, part: slice) -> tuple[Floats, Floats]:
    group_B = made.group_NA[part, 1][: len(label_N[part])]
    counted = [np.bincount(group_B, told[part], GROUPS).astype(np.float64) for told in (announced_N, label_N)]
    for count_G in counted:
        count_G[0] = count_G.sum()
    return counted[0], counted[1]


def _ne(label_N: Bools, p_N: Floats, rows: slice) -> float:
    return float(figures(p_N[rows], label_N[rows])["ne"])


def cases(seed: int, wanted: set[str], quick: bool) -> dict[str, dict[str, Any]]:
    """All wanted cases of one seed, each printed when it is known."""
    found: dict[str, dict[str, Any]] = {}
    made = world(seed, LONG + CALM)
    rows = CALM + FAULT + AFTER + 2 * BATCH
    clean = run(made, made.draw_N[:rows] < sigmoid(made.logit_N[:rows]), guarded=False)
    plan: list[tuple[str, Any]] = [(f"{kind}.all", lambda k=kind: fault(made, k, 0, seed, clean)) for kind in FAULTS]
    plan += [(f"{kind}.slice", lambda k=kind: fault(made, k, SLICE, seed, clean)) for kind in FAULTS]
    plan += [(f"{k}.counted", lambda k=k: fault(made, k, 0, seed, clean, counters=True)) for k in ("lost50", "lost10")]
    plan += [(kind, lambda k=kind: shift(made, k, seed)) for kind in ("clean", *SHIFTS)]
    short = {f"{kind}.all" for kind in FAULTS} | {"clean", "x0.6", "all"}
    for name, case in plan:
        if name in wanted if wanted else not quick or name in short:
            found[name] = case()
            told = {key: round(v, 4) if isinstance(v, float) else v for key, v in found[name].items()}
            print(seed, name, json.dumps(told), flush=True)
    return found


def summary(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The worst of all cases."""
    whole = [case for name, case in found.items() if name.split(" ")[1].endswith(".all") and "lost" not in name]
    moved = [case for name, case in found.items() if name.split(" ")[1] in SHIFTS]
    clean = [case for name, case in found.items() if name.endswith(" clean")]
    told: dict[str, Any] = {"any_held_at_end": any(case["held_at_end"] for case in found.values())}
    if whole:
        told["worst_held_at_global"] = max(case["held_at"] or 999 for case in whole)
        told["worst_learned_share_global"] = max(case["learned_share"] for case in whole)
        told["worst_ne_gap_global"] = max(case["ne_guard"] - case["ne_clean"] for case in whole)
    if moved:
        told["worst_learned_by_shift"] = max(case["learned_by"] for case in moved)
        told["worst_ne_gap_shift"] = max(case["ne_guard"] - case["ne_open"] for case in moved)
    if clean:
        told |= {"clean_holds": sum(c["holds"] for c in clean), "clean_rows_lost": sum(c["rows_lost"] for c in clean)}
        told["guard_share"] = max(case["guard_share"] for case in clean)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one seed, fewer cases")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--seeds", default="", help="7,8,9 unless told")
    parser.add_argument("--cases", default="", help="names as they are printed, with commas")
    asked = parser.parse_args()
    seeds = [int(seed) for seed in (asked.seeds or ("7" if asked.quick else "7,8,9")).split(",")]
    found: dict[str, dict[str, Any]] = {}
    for seed in seeds:
        made = cases(seed, {name for name in asked.cases.split(",") if name}, asked.quick)
        found |= {f"{seed} {name}": case for name, case in made.items()}
    told = summary(found)
    if asked.json:
        flat = {f"{name.replace(' ', '.')}.{key}": v for name, case in found.items() for key, v in case.items()}
        print(json.dumps(told | flat))
        return
    for name, value in told.items():
        print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
