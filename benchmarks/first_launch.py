"""A first launch that never saw its own bad choices: what exploration and importance-weighted training are worth.

`--start narrow`: the model that goes live has learned from the lists of an older system alone (`tastes_older.py`),
which knew a tenth of the catalogue and showed it by popularity. 1,000 items, of which few are good; nothing is new and
nobody tires, so where nothing is explored, nothing but the model's own errors brings another item on a list.
`--start none`: 300 items and no history; all that it ever learns from is what it served itself.

The regret of a page is what the world's truth expects of the best list, less what it expects of the list that was
shown: clicks over all depths that the page may be read to, so no luck of clicks is in it, and what exploring costs is.
It is counted from the launch on. Nothing drifts, so a perfect model would end with no regret but that of exploring.

`both` serves with `exploration = "thompson"`: places go by values drawn as uncertain as few views leave them; after a
narrow start any 60 items are among the candidates too (`quotas.random`), since retrieval has learned from the same
lists. Its label is learned with `loss_options = { importance = true, most = 3, normalised = true }`: rows weigh 1 /
their logged propensity, cut at `most`, and as many as they are (Horvitz and Thompson 1952; the cut and the norm:
Swaminathan and Joachims, ICML and NeurIPS 2015; for recommendations: Schnabel et al., ICML 2016). `exploring` has the
first alone, `weighted` the second alone, which where nothing is left to chance is `neither`: each propensity is 1, and
so is each weight. `offered` is `neither` with the same candidates as `both`.

`regret_ARM_10000` and so on are the cumulative regrets in clicks, means over seeds with their standard errors; a random
list's is beside them. `regret_ratio` is that of `both` by that of `neither` at the end, by seed, with its error. `met`:
it is below 1 by two standard errors.

    python benchmarks/first_launch.py [--quick] [--json] [--start narrow|none] [--seeds 1,2,3] [--arms A,B] [--pages N]
        [--done FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from benchmarks.tastes import Kind, Tastes  # noqa: E402
from benchmarks.tastes_loop import SLATE, Loop, settings_for  # noqa: E402
from benchmarks.tastes_older import Older  # noqa: E402
from headrace.settings import Settings  # noqa: E402

PAGES, QUICK_PAGES, QUICK_BEFORE = 50_000, 2_000, 2_000
MARKS = (0.2, 0.5, 1.0)
"""Shares of the pages after which regret is told."""
EXPLORING = {"exploration": "thompson", "boldness": 1.0, "epsilon": 0.0}
GREEDY = {"exploration": "epsilon", "epsilon": 0.0}
WEIGHTED = {"loss_options": {"importance": True, "most": 3.0, "normalised": True}}
ARMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "both": (EXPLORING, WEIGHTED),
    "exploring": (EXPLORING, {}),
    "weighted": (GREEDY, WEIGHTED),
    "neither": (GREEDY, {}),
    "offered": (GREEDY, {}),
}
TOLD = ("both", "exploring", "weighted", "neither")
"""Arms that are run unless others are asked for."""
OFFERED = ("both", "exploring", "offered")
"""Arms whose candidates any items are among."""
NONE = ("recent", "similar", "covisited", "categories", "trending", "promoted")
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    """What a launch begins with: a world, so many pages of an older system, and how many candidates come from where;
    `random` of them for the arms that are offered any items. A third of the catalogue comes by vectors: of a larger
    share, little would be left to retrieve."""

    kind: Kind
    before: int = 0
    quotas: dict[str, int] = field(default_factory=lambda: {"popular": 20, "fresh": 0})
    random: int = 0

    def quotas_of(self, arm: str) -> dict[str, int]:
        """Candidates by source."""
        told = {"vectors": self.kind.items // 3, "random": self.random if arm in OFFERED else 0}
        return dict.fromkeys(NONE, 0) | told | self.quotas


STARTS = {
    "narrow": Start(Kind(items=1_000, appeal=0.05, spread=1.0), before=10_000, random=60),
    "none": Start(Kind(items=300), quotas={"popular": 20, "fresh": 20}),
}


def settings_of(arm: str, place: Path, seed: int, start: Start) -> Settings:
    """A deployment's settings in an arm: lists are by value alone but for what the arm explores."""
    serving, label = ARMS[arm]
    return settings_for(place, seed=seed, label=label, diversity=0.0, quotas=start.quotas_of(arm), **serving)


def run(arm: str, seed: int, pages: int, place: Path, start: Start) -> Line:
    """One deployment: its cumulative regret at the marks, and that of lists drawn at random for the same pages."""
    began, kind = time.perf_counter(), start.kind
    tastes, served = Tastes(seed, kind), range(start.before, start.before + pages)
    loop = Loop(tastes, settings_of(arm, place, seed, start), seed=seed)
    loop.before(range(start.before), Older(seed, items=kind.items))
    slates = loop.run(served)
    loop.site.close()
    users = [tastes.visit(number).user for number in served]
    drawn = np.random.default_rng([seed, 2]).integers(kind.items, size=(pages, SLATE)).tolist()
    regret, random = (np.cumsum(regrets(tastes, users, lists)) for lists in (slates, drawn))
    marks = [int(share * pages) for share in MARKS]
    sums = {"regret": regret, "random": random}
    told = {name: [float(sum_N[mark - 1]) for mark in marks] for name, sum_N in sums.items()}
    shown = {"items": len({row for slate in slates for row in slate}), "seconds": time.perf_counter() - began}
    return {"arm": arm, "seed": seed, "pages": pages, "before": start.before} | told | shown


def regrets(tastes: Tastes, users: Sequence[int], slates: Sequence[Sequence[int]]) -> list[float]:
    """By page the clicks that the best list would have beyond the one that was shown.

    >>> tastes = Tastes(1, Kind(users=2, items=30))
    >>> regrets(tastes, [0], [tastes.best(0, 10)])
    [0.0]
    """
    best = {user: tastes.expected(user, tastes.best(user, SLATE)).clicks for user in set(users)}
    return [best[user] - tastes.expected(user, slate).clicks for user, slate in zip(users, slates, strict=True)]


def summary(lines: list[Line]) -> dict[str, Any]:
    """One flat object of all runs; arms that were not run are left out."""
    pages, of = lines[0]["pages"], {arm: [line for line in lines if line["arm"] == arm] for arm in ARMS}
    told: dict[str, Any] = {"seeds": len({line["seed"] for line in lines}), "pages": pages}
    for at, share in enumerate(MARKS):
        mark = int(share * pages)
        told[f"regret_random_{mark}"] = mean(line["random"][at] for line in lines)
        for arm, runs in of.items():
            if runs:
                told |= _with_error(f"regret_{arm}_{mark}", [line["regret"][at] for line in runs])
    for arm, runs in of.items():
        told |= {f"items_shown_{arm}": mean(line["items"] for line in runs)} if runs else {}
        if runs and of["neither"] and arm != "neither":
            name = "regret_ratio" if arm == "both" else f"regret_ratio_{arm}"
            told |= _with_error(name, _ratios(runs, of["neither"]))
    told["seconds"] = sum(line["seconds"] for line in lines)
    ratio, error = told.get("regret_ratio", 1.0), told.get("regret_ratio_error", 0.0)
    return told | {"met": bool(told["seeds"] > 1 and ratio + 2 * error < 1)}


def _ratios(runs: list[Line], others: list[Line]) -> list[float]:
    """The regret at the end by the other's, of each seed that has both.

    >>> _ratios([{"seed": 1, "regret": [1.0, 3.0]}], [{"seed": 1, "regret": [2.0, 4.0]}])
    [0.75]
    """
    return [a["regret"][-1] / b["regret"][-1] for a in runs for b in others if a["seed"] == b["seed"]]


def _with_error(name: str, values: list[float]) -> dict[str, float]:
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return {name: mean(values), f"{name}_error": error}


def measured(seeds: list[int], arms: list[str], pages: int, start: Start, done: Path | None) -> list[Line]:
    """All runs; those that stand in `done` are taken from there."""
    known = [json.loads(line) for line in done.read_text().splitlines()] if done and done.exists() else []
    lines = []
    for seed in seeds:
        for arm in arms:
            asked = {"arm": arm, "seed": seed, "pages": pages, "before": start.before}
            same = [one for one in known if asked.items() <= one.items()]
            if not same:
                with tempfile.TemporaryDirectory() as place:
                    same = [run(arm, seed, pages, Path(place), start)]
                print(json.dumps(same[0]), file=sys.stderr, flush=True)
                if done:
                    with done.open("a") as file:
                        file.write(json.dumps(same[0]) + "\n")
            lines.append(same[0])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAGES:,} pages of one seed, both and neither")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--start", choices=STARTS, default="narrow", help="what the model has learned from before")
    parser.add_argument("--seeds", help="separated by commas")
    parser.add_argument("--arms", help=f"separated by commas, of {', '.join(ARMS)}")
    parser.add_argument("--pages", type=int, help="pages of a run")
    parser.add_argument("--done", type=Path, help="file of runs that are over; more are added")
    asked = parser.parse_args()
    pages, start = asked.pages or (QUICK_PAGES if asked.quick else PAGES), STARTS[asked.start]
    if asked.quick:
        start = replace(start, before=min(start.before, QUICK_BEFORE))
    seeds = [int(seed) for seed in (asked.seeds or ("1" if asked.quick else "1,2,3")).split(",")]
    arms = (asked.arms or ("both,neither" if asked.quick else ",".join(TOLD))).split(",")
    told = summary(measured(seeds, arms, pages, start, asked.done)) | {"start": asked.start}
    figures = {name: round(value, 4) if isinstance(value, float) else value for name, value in told.items()}
    print(json.dumps(figures) if asked.json else "\n".join(f"{name:32} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
