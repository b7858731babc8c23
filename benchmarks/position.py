"""Lower places are looked at less: what a learner that is told the place of each row recovers of the items' true order.

An older system orders its lists of ten by a mark of its own for each item, which has something of its quality in it
(`FOLLOWS`: the correlation of both), and some chance. A place k from 0 is looked at with the chance 1 / (k + 1) (the
curve of Joachims, Swaminathan and Schnabel, WSDM 2017, section 6), and what is not looked at is never clicked. So an
item that always stood high has more clicks than it is worth, and what stood low has fewer.

The learner reads a row's place as a field of its own, and a server asks it for place 0 (`serving/scorer.py`), by which
the place drops out. `with` is learned so, `without` is the same learner, batches and seed with every row told as of
place 0, `rate` the plain click rates of items; `seen` is what nobody has: the same learner on the same visits, where
all places are looked at. Values are those of the server's scorer, opened from an export.

`order_ARM`: Spearman's correlation of values with the true chances, over all items, mean over people. `regret_ARM`: of
the best ten in their best order, the share of expected clicks that the ten by these values lose.
`examined_1` to `examined_9` are the looks at a place by those at place 0 as the learner tells them (its mean chance for
the same people and items there, by that at place 0), `truth_K` beside them; `examined_error` is the mean distance,
`examined_error_raw` that of the click rates of places. All are means over seeds; `_error` are standard errors.

    python benchmarks/position.py [--quick] [--json] [--seeds 1,2,3] [--pages N] [--follows .5]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from benchmarks.tastes import Kind, Tastes  # noqa: E402
from learners.learner import Learner  # noqa: E402
from learners.named_learners import make_learner  # noqa: E402
from learners.ordering import Batch, Example  # noqa: E402
from serving.scorer import Asker, Scorer  # noqa: E402
from streams.examples import Attributes, Row, Shot  # noqa: E402

PAGES, QUICK_PAGES = 12_000, 4_000
PLACES, PER_BATCH, ASKED = 10, 25, 60
FOLLOWS = 0.5
CHANCE = 0.5
"""Spread of the chance in the older system's order; its marks have a spread of 1."""
KIND = Kind(items=300, interests=6)
ARMS = ("with", "without", "seen")
LOOK_K = 1.0 / np.arange(1.0, PLACES + 1)
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Page:
    """What the older system showed to `user`, and what they would click where they look."""

    user: int
    item_K: Ints
    likes_K: NDArray[np.bool_]
    looks_K: NDArray[np.bool_]


class Pages:
    """The older system and its visitors; the truth is that of `tastes.py`.

    >>> pages = Pages(1, follows=0.5)
    >>> page, again = next(pages.shown(1)), next(Pages(1, follows=0.5).shown(1))
    >>> page.item_K.tolist() == again.item_K.tolist(), len(page.item_K)
    (True, 10)
    """

    def __init__(self, seed: int, *, follows: float, kind: Kind = KIND) -> None:
        self._seed, tastes = seed, Tastes(seed, kind)
        self.chance_UI = np.stack([tastes.chances(user) for user in range(kind.users)])
        rng = np.random.default_rng([seed, 5])
        quality_I = np.log(tastes.quality_I)
        own_I = rng.normal(size=kind.items)
        self._mark_I = follows * (quality_I - quality_I.mean()) / quality_I.std() + (1 - follows**2) ** 0.5 * own_I
        self.items = [Attributes(f"i{row}", 1, (f"topic{topic}",)) for row, topic in enumerate(tastes.topic_I)]

    def shown(self, pages: int) -> Iterator[Page]:
        """So many pages, each of ten items drawn at random, in the older order."""
        rng = np.random.default_rng([self._seed, 6])
        for _ in range(pages):
            users, items = self.chance_UI.shape
            user, drawn_K = int(rng.integers(users)), rng.choice(items, PLACES, replace=False)
            item_K = drawn_K[np.argsort(-(self._mark_I[drawn_K] + CHANCE * rng.normal(size=PLACES)))]
            likes_K = rng.random(PLACES) < self.chance_UI[user, item_K]
            yield Page(user, item_K, likes_K, rng.random(PLACES) < LOOK_K)


def run(seed: int, pages: int, *, follows: float, kind: Kind = KIND) -> Figures:
    """The figures of one seed."""
    world = Pages(seed, follows=follows, kind=kind)
    learners = {arm: make_learner(labels=("click",), seed=seed) for arm in ARMS}
    views_I, clicks_I, clicks_K = np.zeros(kind.items), np.zeros(kind.items), np.zeros(PLACES)
    waiting: dict[str, list[Example]] = {arm: [] for arm in ARMS}
    for number, page in enumerate(world.shown(pages), 1):
        clicked_K = page.likes_K & page.looks_K
        views_I[page.item_K] += 1
        clicks_I[page.item_K] += clicked_K
        clicks_K += clicked_K
        for arm, learner in learners.items():
            waiting[arm] += _lessons(page, arm, number, world)
            if number % PER_BATCH == 0 or number == pages:
                batch = Batch(tuple(waiting[arm]), number)
                learner.score(batch)
                learner.learn(batch)
                waiting[arm] = []
    values = {arm: _served(learner, world) for arm, learner in learners.items()}
    truth_UI = world.chance_UI[:ASKED]
    values["rate"] = np.tile(clicks_I / np.maximum(views_I, 1), (len(truth_UI), 1))
    told = {f"order_{arm}": _order(value_UI, truth_UI) for arm, value_UI in values.items()}
    told |= {f"regret_{arm}": _regret(value_UI, truth_UI) for arm, value_UI in values.items()}
    examined_K, raw_K = _examined(learners["with"], world), clicks_K / clicks_K[0]
    told |= {f"examined_{place}": float(examined_K[place]) for place in range(1, PLACES)}
    told["examined_error"] = float(np.abs(examined_K - LOOK_K)[1:].mean())
    return told | {"examined_error_raw": float(np.abs(raw_K - LOOK_K)[1:].mean())}


def _lessons(page: Page, arm: str, number: int, world: Pages) -> list[Example]:
    """The rows of a page as an arm is told them."""
    shot = Shot(f"u{page.user}", number, request_id=f"r{number}", surface="home")
    clicked_K = page.likes_K if arm == "seen" else page.likes_K & page.looks_K
    return [
        _line(world, item, shot, place if arm == "with" else 0, float(clicked))
        for place, (item, clicked) in enumerate(zip(page.item_K.tolist(), clicked_K.tolist(), strict=True))
    ]


def _line(world: Pages, item: int, shot: Shot, place: int, value: float = 0.0) -> Example:
    row = Row(1, shot.ts, "label", "", {"click": value}, item_id=f"i{item}", position=place, first=True)
    return Example(row, shot, world.items[item], 0)


def _served(learner: Learner, world: Pages) -> Doubles:
    """By the server's scorer the values of all items for some people, [U, I]."""
    with tempfile.TemporaryDirectory() as folder:
        learner.export(Path(folder), version=1)
        scorer = Scorer.open(Path(folder))
        rows = scorer.rows_of([item.item_id for item in world.items])
        askers = [Asker(f"u{user}", (), "home", {}, 1) for user in range(len(world.chance_UI[:ASKED]))]
        value_UI: Doubles = np.stack([scorer.score(asker, rows)[:, 0] for asker in askers]).astype(np.float64)
        return value_UI


def _examined(learner: Learner, world: Pages) -> Doubles:
    """What the learner holds of a place, by place 0, for the same people and items."""
    shots = [Shot(f"u{user}", 1, surface="home") for user in range(len(world.chance_UI[:ASKED]))]
    mean_K = np.empty(PLACES)
    for place in range(PLACES):
        lines = [_line(world, item, shot, place) for shot in shots for item in range(0, len(world.items), 5)]
        mean_K[place] = learner.score(Batch(tuple(lines), 1)).probability_BL.mean()
    looks_K: Doubles = mean_K / mean_K[0]
    return looks_K


def _order(value_UI: Doubles, truth_UI: Doubles) -> float:
    """Spearman's correlation, mean over people.

    >>> _order(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 4.0, 9.0]]))
    1.0
    """
    ranks = [np.argsort(np.argsort(told_UI, axis=1), axis=1) for told_UI in (value_UI, truth_UI)]
    return float(np.mean([np.corrcoef(one_I, other_I)[0, 1] for one_I, other_I in zip(*ranks, strict=True)]))


def _regret(value_UI: Doubles, truth_UI: Doubles) -> float:
    """The share of the best ten's expected clicks that the ten by these values lose.

    >>> _regret(np.arange(12.0)[None], np.arange(12.0)[None])
    0.0
    """
    best, ours = (
        np.take_along_axis(truth_UI, np.argsort(-by_UI, axis=1, kind="stable")[:, :PLACES], axis=1) @ LOOK_K
        for by_UI in (truth_UI, value_UI)
    )
    return float(1 - (ours.sum() / best.sum()))


def summary(runs: list[Figures]) -> dict[str, Any]:
    """Means over seeds with their standard errors, and the gain of each seed by the place. `met`: the order is better
    by more than two errors."""
    for one in runs:
        one |= {"order_gain": one["order_with"] - one["order_without"]}
        one |= {"regret_ratio": one["regret_with"] / one["regret_without"]}
    told: dict[str, Any] = {"seeds": len(runs)}
    for name in runs[0]:
        told[name] = mean(one[name] for one in runs)
        if len(runs) > 1:
            told[f"{name}_error"] = stdev(one[name] for one in runs) / len(runs) ** 0.5
    told |= {f"truth_{place}": float(LOOK_K[place]) for place in range(1, PLACES)}
    return told | {"met": bool(len(runs) > 1 and told["order_gain"] > 2 * told["order_gain_error"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_PAGES:,} pages of two seeds")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--seeds", help="separated by commas")
    parser.add_argument("--pages", type=int, help="pages that are learned from")
    parser.add_argument("--follows", type=float, default=FOLLOWS, help="how much of quality is in the older order")
    asked = parser.parse_args()
    pages, started = asked.pages or (QUICK_PAGES if asked.quick else PAGES), time.perf_counter()
    seeds = [int(seed) for seed in (asked.seeds or ("1,2" if asked.quick else "1,2,3")).split(",")]
    told = summary([run(seed, pages, follows=asked.follows) for seed in seeds])
    told |= {"pages": pages, "follows": asked.follows, "seconds": time.perf_counter() - started}
    figures = {name: round(value, 4) if isinstance(value, float) else value for name, value in told.items()}
    print(json.dumps(figures) if asked.json else "\n".join(f"{name:28} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
