"""What a page of unlike items gains, and what it costs: the grid of `diversity` in a world of several interests.

People have four interests of twelve topics, of which some are awake on a visit; nobody tells Headrace which. A list of
one topic is worth nothing where that one sleeps; a further item of a topic on the same page is worth `--fresh` of the
one before. A deployment starts with a catalogue alone, serves with the default diversity and learns
(`tastes_loop.py`). In the second half of its pages one of eight is also asked for at each diversity, without chance, by
the same version for the same user at the same moment; only the default's answer is shown.

Rates are by the world's truth, over all moods and depths that the page may meet: `page_click_rate_D` is the chance of
any click on the page, `item_click_rate_D` clicks by item looked at. `page_gain_D` and `item_loss_D` are relative to
diversity 0 on the same pages, means over seeds with their standard errors. `similarity_D` is the mean likeness of two
items of a list by the learned vectors, `same_topic_D` the share of its pairs that have one topic, `topics_D` how many
topics it has. `met`: at `best_diversity`, the one with the most page clicks among those that lose at most `BOUND` of
the item clicks, the gain is above two standard errors.

    python benchmarks/diversity.py [--quick] [--json] [--seeds 1,2,3,4,5] [--pages N] [--awake .25] [--fresh .9]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev
from typing import Any

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from benchmarks.tastes import Kind, Tastes, Visit  # noqa: E402
from benchmarks.tastes_loop import Loop, settings_for  # noqa: E402
from serving.answers import Ask  # noqa: E402
from serving.reranking import likeness  # noqa: E402

GRID = (0.0, 0.05, 0.1, 0.2, 0.4)
BOUND = 0.05
"""Share of the item clicks that a page may cost."""
PAGES, QUICK_PAGES = 8_000, 3_000
JUDGED = 8
"""Of so many pages of the second half one is asked for at each diversity."""
AWAKE, FRESH = 0.25, 0.9
FIGURES = ("page_click_rate", "item_click_rate", "similarity", "same_topic", "topics")
RELATIVE = ("page_gain", "item_loss")
Told = dict[str, float]


class Judge:
    """Asks for each page at each diversity, and adds up what the lists are worth."""

    def __init__(self, loop: Loop, grid: tuple[float, ...], since: int) -> None:
        self._loop, self._grid, self._since = loop, grid, since
        self.sum_DF = np.zeros((len(grid), len(FIGURES)))
        self.pages = 0

    def __call__(self, visit: Visit, ask: Ask) -> None:
        """One page, before it is answered."""
        if visit.number < self._since or visit.number % JUDGED:
            return
        self.sum_DF += [self._figures(visit, ask, diversity) for diversity in self._grid]
        self.pages += 1

    def _figures(self, visit: Visit, ask: Ask, diversity: float) -> list[float]:
        given = self._loop.site.imagine(replace(ask, diversity=diversity, epsilon=0.0))
        names = [one.item_id for one in given.items]
        rows = [int(name[1:]) for name in names]
        told = self._loop.tastes.expected(visit.user, rows)
        topics = self._loop.tastes.topics(rows).tolist()
        same = mean(one == other for one, other in combinations(topics, 2))
        return [told.any, told.clicks / told.looks, self._likeness(names), same, len(set(topics))]

    def _likeness(self, names: list[str]) -> float:
        """Of two items of a list, by the vectors that they were chosen by."""
        bundle = self._loop.site.live.current()
        assert bundle is not None
        rows = bundle.scorer.rows_of(names)
        vector_nD = bundle.scorer.item_vectors[rows[rows >= 0]]
        like_nn = likeness(vector_nD, [()] * len(vector_nD), np.ones(len(vector_nD), np.bool_))
        return float(like_nn[np.triu_indices(len(like_nn), 1)].mean())


def run(seed: int, kind: Kind, pages: int, place: Path, grid: tuple[float, ...] = GRID) -> dict[float, Told]:
    """One deployment; by diversity its figures, as means over the judged pages."""
    loop = Loop(Tastes(seed, kind), settings_for(place, seed=seed), seed=seed)
    judge = Judge(loop, grid, since=pages // 2)
    loop.run(range(pages), judge)
    loop.site.close()
    means_DF = judge.sum_DF / judge.pages
    return {one: dict(zip(FIGURES, row_F, strict=True)) for one, row_F in zip(grid, means_DF.tolist(), strict=True)}


def summary(runs: list[dict[float, Told]], bound: float = BOUND) -> dict[str, Any]:
    """One flat object of all seeds.

    >>> plain = {"page_click_rate": 0.5, "item_click_rate": 0.2, "similarity": 1.0, "same_topic": 1.0, "topics": 1.0}
    >>> better = plain | {"page_click_rate": 0.6, "item_click_rate": 0.196}
    >>> told = summary([{0.0: plain, 0.1: better, 0.4: better | {"item_click_rate": 0.1}}] * 2)
    >>> told["best_diversity"], round(told["page_gain_0.1"], 3), round(told["item_loss_0.1"], 3), told["met"]
    (0.1, 0.2, 0.02, True)
    """
    told: dict[str, Any] = {"seeds": len(runs)}
    for one in runs[0]:
        told |= {f"{name}_{one:g}": mean(run[one][name] for run in runs) for name in FIGURES}
        told |= _with_error(f"page_gain_{one:g}", [_ratio(run, one, "page_click_rate") - 1 for run in runs])
        told |= _with_error(f"item_loss_{one:g}", [1 - _ratio(run, one, "item_click_rate") for run in runs])
    bounded = [one for one in runs[0] if told[f"item_loss_{one:g}"] <= bound]
    best = max(bounded, key=lambda one: told[f"page_gain_{one:g}"])
    gain, error = told[f"page_gain_{best:g}"], told[f"page_gain_{best:g}_error"]
    return told | {"item_loss_bound": bound, "best_diversity": best, "met": bool(len(runs) > 1 and gain > 2 * error)}


def _ratio(run: dict[float, Told], one: float, name: str) -> float:
    return run[one][name] / run[0.0][name]


def _with_error(name: str, values: list[float]) -> Told:
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return {name: mean(values), f"{name}_error": error}


def table(figures: dict[str, Any]) -> str:
    """The grid, a line for each diversity."""
    lines = ["diversity  page clicks  gain            item clicks  loss            similarity  same topic  topics"]
    for one in GRID:
        told = {name: figures[f"{name}_{one:g}"] for name in (*FIGURES, "page_gain", "item_loss")}
        gain, loss = (f"{told[name]:+.2%} +- {figures[f'{name}_{one:g}_error']:.2%}" for name in RELATIVE)
        lines.append(
            f"{one:<9g}  {told['page_click_rate']:<11.4f}  {gain:<14}  {told['item_click_rate']:<11.4f}  {loss:<14}  "
            f"{told['similarity']:<10.3f}  {told['same_topic']:<10.3f}  {told['topics']:.2f}"
        )
    return "\n".join([*lines, f"best: {figures['best_diversity']:g}, {'met' if figures['met'] else 'MISSED'}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAGES:,} pages of two seeds")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--seeds", help="separated by commas")
    parser.add_argument("--pages", type=int, help="pages of a seed")
    parser.add_argument("--awake", type=float, default=AWAKE, help="chance that an interest is awake on a visit")
    parser.add_argument("--fresh", type=float, default=FRESH, help="worth of a further item of a topic, of the last")
    asked = parser.parse_args()
    pages = asked.pages or (QUICK_PAGES if asked.quick else PAGES)
    kind, runs = Kind(awake=asked.awake, fresh=asked.fresh, appeal=0.25), []
    for seed in map(int, (asked.seeds or ("1,2" if asked.quick else "1,2,3,4,5")).split(",")):
        with tempfile.TemporaryDirectory() as place:
            runs.append(run(seed, kind, pages, Path(place)))
        print(f"seed {seed}: {json.dumps(_rounded(summary(runs[-1:])))}", file=sys.stderr, flush=True)
    figures = _rounded({"pages": pages, "awake": kind.awake, "fresh": kind.fresh} | summary(runs))
    print(json.dumps(figures) if asked.json else table(figures))


def _rounded(told: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in told.items()}


if __name__ == "__main__":
    main()
