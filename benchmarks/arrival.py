"""Does it matter in which order events arrive, and in how many partitions? The progressive AUC, run against run.

A simulated world (`headrace/world.py`) shows ten items at random on every page; impressions and clicks go through the
real joiner, trainer and default learner, of both stages. `auc_base`: in order, in 4 partitions, and `auc_4_partitions`
is the same run; `auc_1_partition`: in order, in one; `auc_shuffled`: each event comes up to the out-of-orderness after
its time, so that nearly every one is overtaken; of several shuffles the one that is furthest from the base is told.
`relative_*` is |AUC / base - 1|, `worst_relative` the largest. Beside it `relative_of_seed`: how far a run is from the
base that differs in nothing but the seed of the learner's layers and draws: what another start alone makes of it.

Two things stand behind the gaps. A row starts at values that derive from its number, and numbers go by who came first;
and histories are what stood in the log before an impression, so that a click that was overtaken is missing in them.

Labels are decided at their close, as the settings say where they say nothing; `--mode fast` tells a yes at once.

    python benchmarks/arrival.py [--quick] [--json] [--pages N] [--mode wait|fast|delayed]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from headrace.world import Page, World
from headrace.world_items import WorldItem
from learners.backtest import ReplayedLog, ReplayedLogs, to_the_end
from learners.named_learners import make_learner
from learners.plan import Plan
from learners.trainer import Trainer
from streams.events import Event, Impression, Interaction, Item, Shown
from streams.replay import replay
from streams.rules import MODES, Label, Rules

S = 1_000
PAGE_MS = 50
"""A page every so often."""
SLATE = 10
PAGES, QUICK = 25_000, 6_000
SHUFFLES = 2
SEED = 1

Arrivals = list[tuple[int, Event]]


def rules_of(mode: str = "wait") -> Rules:
    """Clicks within ten seconds, events up to five seconds out of order."""
    told: Any = mode
    return Rules((Label("click", event="click", window=10 * S, mode=told, horizon=10 * S),), S, 5 * S)


def happenings(pages: int, *, seed: int = SEED) -> list[Event]:
    """What happens in the world, in order of time: new items, pages that are seen, clicks."""
    world, random = World(seed, started_at=0), np.random.default_rng(seed)
    later: list[tuple[int, int, Event]] = []
    for number in range(pages):
        now = S + number * PAGE_MS
        later += [(now, 0, _item(one, now)) for one in world.arrivals(now)]
        page, size = world.ask(now), world.items.size
        slate = [f"i{row}" for row in random.choice(size, SLATE, replace=False)]
        reaction = world.react(page, slate, now)
        shown = tuple(Shown(seen.item_id, seen.position) for seen in reaction.shown)
        later.append((now, 1, _impression(page, shown, now)))
        later += [(now + c.delay, 2, _click(page, c.item_id, c.position, now + c.delay)) for c in reaction.clicks]
    return [event for _, _, event in sorted(later, key=lambda one: one[:2])]


def in_order(events: Sequence[Event]) -> Arrivals:
    """Each at its own time."""
    return [(event.ts, event) for event in events]


def shuffled(events: Sequence[Event], out_of_orderness: int, *, seed: int) -> Arrivals:
    """Each up to the out-of-orderness after its time; new items, which move no watermark, too.

    >>> told = [Interaction(f"c{ts}", ts, "ana", "click") for ts in range(3)]
    >>> [event.ts for _, event in shuffled(told, 100, seed=3)]
    [0, 2, 1]
    """
    random = Random(seed)
    late = [(event.ts + random.randrange(out_of_orderness), event) for event in events]
    return sorted(late, key=lambda one: one[0])


def learned(arrivals: Arrivals, rules: Rules, *, partitions: int = 4, seed: int = SEED) -> dict[str, Any]:
    """What a trainer says of its clicks after all of it: n, auc and the others."""
    plan = to_the_end(Plan(partitions=partitions))
    frames = replay(arrivals, rules, partitions=partitions)
    logs = ReplayedLogs(ReplayedLog(frames, partitions=partitions, bucket_ms=plan.bucket_ms))
    trainer = Trainer(
        logs, None, lambda: make_learner(labels=("click",), context=("hour", "device"), seed=seed),
        plan=plan, clock=lambda: 0,
    )  # fmt: skip
    while not trainer.turn().ended:
        pass
    click: dict[str, Any] = trainer.report()["click"]
    return click


def measure(pages: int, *, mode: str = "wait", shuffles: int = SHUFFLES) -> dict[str, Any]:
    """The figures of all runs over one world."""
    events, rules = happenings(pages), rules_of(mode)
    base, alone = learned(in_order(events), rules), learned(in_order(events), rules, partitions=1)
    other = learned(in_order(events), rules, seed=SEED + 1)
    mixed = [learned(shuffled(events, rules.out_of_orderness, seed=k), rules) for k in range(shuffles)]
    auc = base["auc"]
    furthest = max((run["auc"] for run in mixed), key=lambda one: abs(one - auc))
    found = {"rows": base["n"], "auc_base": auc, "auc_shuffled": furthest, "auc_1_partition": alone["auc"]}
    found |= {"auc_4_partitions": auc, "rows_shuffled": mixed[0]["n"], "rows_1_partition": alone["n"]}
    gaps = {"shuffled": furthest, "partitions": alone["auc"]}
    relative = {f"relative_{name}": abs(one / auc - 1) for name, one in gaps.items()}
    worst = max(relative.values())
    return found | relative | {"worst_relative": worst, "relative_of_seed": abs(other["auc"] / auc - 1)}


def _item(one: WorldItem, now: int) -> Item:
    return Item(f"x{one.item_id}", now, one.item_id, categories=one.categories, tags=one.tags, author=one.author)


def _impression(page: Page, shown: tuple[Shown, ...], now: int) -> Impression:
    return Impression(
        f"v{page.number}", now, page.user_id, f"r{page.number}", shown,
        surface=page.surface, context=page.context, app_version=page.app_version,
    )  # fmt: skip


def _click(page: Page, item_id: str, position: int, at: int) -> Interaction:
    name = f"c{page.number}.{position}"
    return Interaction(
        name, at, page.user_id, "click", item_id=item_id, request_id=f"r{page.number}", position=position,
        surface=page.surface, context=page.context, app_version=page.app_version,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} pages in place of {PAGES:,}")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--pages", type=int, default=None)
    parser.add_argument("--mode", choices=MODES, default="wait")
    told = parser.parse_args()
    found = measure(told.pages or (QUICK if told.quick else PAGES), mode=told.mode)
    if told.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
