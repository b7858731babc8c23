"""Experiments of which nothing comes: how often an interval that is looked at each day cries wolf, and what it costs.

A/A experiments: both arms get the same, users differ (their own rates, their own appetite, heavy watch times) and come
back day after day. Each day every interval is looked at; a false alarm is an experiment in which one of them, at any
look, did not hold 0. Beside it what the usual interval of one look gives when it is looked at as often, and the power
of both at a real difference. The sums are those that `serving/arm_fold.py` keeps; a part of the bench feeds that fold
itself and times it.

    python benchmarks/experiments.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from serving.arm_figures import UNEVEN
from serving.arm_fold import ArmFold
from serving.arm_sums import ArmSums
from serving.intervals import Difference, always, chi_squared, difference, once, uneven
from streams.events import Event, Impression, Interaction, Shown, Slate
from streams.experiments import Trial, arm_of

METRICS = ("page_ctr", "watch_time")


@dataclass(frozen=True)
class World:
    """`users` who come back for `days`; `share` of them get what is tried, which is worth `lift`."""

    users: int = 2_000
    days: int = 14
    share: float = 0.5
    lift: float = 0.0


WORLDS = {"small": World(), "small_share_05": World(share=0.05), "large": World(users=20_000)}
REAL = World(users=20_000, lift=0.1)


def main() -> None:
    """A table on stderr; with --json one line of it on stdout too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="400 experiments instead of 2,000")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    figures = measured(400 if asked.quick else 2_000)
    for name, value in figures.items():
        sys.stderr.write(f"{name:56} {value:g}\n")
    if asked.json:
        sys.stdout.write(json.dumps(figures) + "\n")


def measured(experiments: int) -> dict[str, float]:
    """All figures."""
    figures: dict[str, float] = {"experiments": experiments}
    for name, world in WORLDS.items():
        found = np.array([looked(world, seed) for seed in range(experiments)])
        for n, metric in enumerate(METRICS):
            figures[f"false_alarms_{metric}_{name}"] = float(found[:, n].mean())
            figures[f"false_alarms_{metric}_{name}_usual_interval"] = float(found[:, len(METRICS) + n].mean())
        figures[f"false_uneven_{name}"] = float(found[:, -2].mean())
        figures[f"false_uneven_{name}_tested_as_once"] = float(found[:, -1].mean())
    real = np.array([looked(REAL, seed) for seed in range(experiments // 20)])
    figures["found_at_10_percent"] = float(real[:, 0].mean())
    figures["events_per_second"] = round(speed())
    return figures


def looked(world: World, seed: int) -> list[bool]:
    """One experiment looked at each day: whether each metric's interval left out 0 at any look, the same of the usual
    interval, and whether the split of users was called uneven (at every look, and as tested once)."""
    random = np.random.default_rng(seed)
    arm_U = (random.random(world.users) >= world.share).astype(np.int64)
    group_U = random.integers(0, ArmSums.GROUPS, world.users)
    rate_U = random.beta(2, 8, world.users) * np.where(arm_U == 0, 1 + world.lift, 1.0)
    visits_U = random.gamma(0.5, 3.0, world.users)
    taste_U = random.lognormal(2, 1, world.users)
    sums, seen_U = ArmSums(), np.zeros(world.users, np.bool_)
    told = [False] * (2 * len(METRICS) + 2)
    for _ in range(world.days):
        pages_U = random.poisson(visits_U)
        clicked_U = random.binomial(pages_U, np.minimum(rate_U, 1)).astype(float)
        watched_U = clicked_U * taste_U * random.lognormal(0, 1, world.users)
        for arm in (0, 1):
            here = arm_U == arm
            for metric, top_U in zip(METRICS, (clicked_U, watched_U), strict=True):
                for cell_G, much_U in zip(sums.of(metric, arm), (top_U, pages_U), strict=True):
                    cell_G += np.bincount(group_U[here], much_U[here], ArmSums.GROUPS)
        seen_U |= pages_U > 0
        for n, metric in enumerate(METRICS):
            found = difference(sums.of(metric, 0), sums.of(metric, 1))
            told[n] |= _left_out(found, usual=False)
            told[len(METRICS) + n] |= _left_out(found, usual=True)
        on, off = int((seen_U & (arm_U == 0)).sum()), int((seen_U & (arm_U == 1)).sum())
        told[-2] |= uneven(on, off, world.share) < UNEVEN
        told[-1] |= chi_squared(on, off, world.share) < UNEVEN
    return told


def _left_out(found: Difference | None, *, usual: bool) -> bool:
    ends = None if found is None else found.within(once if usual else always)
    return ends is not None and not ends[0] <= 0 <= ends[1]


def speed(pages: int = 20_000) -> float:
    """Events that the fold takes in a second: a slate, an impression, and a click on every fifth page."""
    trial, events = Trial("fast", "start", share=0.5), list[Event]()
    shown = tuple(Shown(f"i{n}", n) for n in range(10))
    for n in range(pages):
        user, at = f"u{n % 2_000}", 1_000 * n
        events.append(Slate(f"s{n}", at, user, f"r{n}", shown, arms={"fast": arm_of(trial, user)}, took=3.0))
        events.append(Impression(f"p{n}", at + 1, user, f"r{n}", shown))
        if n % 5 == 0:
            events.append(Interaction(f"c{n}", at + 2, user, "click", item_id="i3", request_id=f"r{n}"))
    fold, began = ArmFold("fast"), time.perf_counter()
    for first in range(0, len(events), 100):
        fold.feed(events[first : first + 100])
    return len(events) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
