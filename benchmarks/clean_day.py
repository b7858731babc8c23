"""A clean day in which people click 60 % more from two o'clock on: nobody asked for a way back, so there must be none.

A made-up site over 24 hours, busy in what it clicks in the evening and slack in the morning: 2.3 items shown a second,
4 % of them clicked before the step, some items wanted more than others. Its log is joined, learned behind the guard,
measured by the gate and published, and between versions the watcher of automatic rollback looks at the trainer's
figures: each the class that a process of its own would run, over a log in memory, with the time of the log as clock.
Windows are half an hour long, because a day at this rate is what fits in a minute or two.

`looks` are the watcher's; `bad_windows` those in which a metric was beyond its limit; `guard_holds` and `rollbacks`
must be 0. `false_rollback_rate` is the share of days with one. Each day has a seed of its own. `gate_holds` are told
and not judged: half an hour at this rate has few clicks, so versions differ by chance in how they order rows.

    python benchmarks/clean_day.py [--quick] [--json] [--days N]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

# read when numpy and torch are first imported, so before the imports below
for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.joiner_log import BUYS, DWELLS, START, S, happenings  # noqa: E402
from headrace.deployment import rules_of, version_store  # noqa: E402
from headrace.process_terms import learner_of, plan_of  # noqa: E402
from headrace.settings import Settings  # noqa: E402
from headrace.watching import Watched, watching_of  # noqa: E402
from learners.learner import Learner  # noqa: E402
from learners.ordering import Batch  # noqa: E402
from learners.progressive import Foreseen  # noqa: E402
from learners.trainer import Trainer  # noqa: E402
from streams.decisions import TOPIC, DecisionLog  # noqa: E402
from streams.events import Event, Tick  # noqa: E402
from streams.examples import encode  # noqa: E402
from streams.log import MemoryLogs  # noqa: E402
from streams.replay import replay  # noqa: E402

HOUR = 3_600 * S
STEP, STEP_AT, SWING = 1.6, 14, 0.25
CLICKED, PAGE = 0.04, 10
PER_ITEM = 1 + CLICKED * (1 + DWELLS + BUYS)


@dataclass(slots=True)
class Day:
    """What came of a day."""

    looks: int = 0
    bad_windows: int = 0
    versions: int = 0
    published: int = 0
    rows: int = 0
    guard_holds: int = 0
    gate_holds: int = 0
    rollbacks: int = 0
    said: list[str] = field(default_factory=list)
    """Every warning, hold and rollback, with its hour."""


class LogTime:
    """A clock that shows how far a trainer has learned; its `Watches`."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def meet(self, learner: Learner, batch: Batch) -> None:
        """It is about to learn up to here."""
        self.at = max(self.at, batch.horizon)

    def learned(self, told: Foreseen) -> None:
        """What was foreseen is no matter of time."""


def chance_of(item: int, at: int) -> float:
    """The chance that an item is clicked.

    >>> [round(chance_of(1, START + hour * HOUR) / chance_of(1, START), 2) for hour in (6, 13, 14, 18)]
    [0.75, 1.06, 1.8, 2.0]
    """
    hour = (at - START) / HOUR
    swing = 1 - SWING * math.sin(2 * math.pi * hour / 24)
    return CLICKED * (0.2 + 1.6 * (item * 0.618 % 1)) * swing * (STEP if hour >= STEP_AT else 1.0)


def site(seed: int, *, shown_a_second: float, hours: tuple[int, int]) -> Iterator[tuple[int, Event]]:
    """The events of these hours as they come, each with when it is received."""
    rate, now = shown_a_second * PER_ITEM, START + hours[0] * HOUR
    come = happenings(slate=PAGE, rate=rate, clicked=CLICKED, chance=chance_of, seed=seed, start=now)
    for event in takewhile(lambda one: one.ts < START + hours[1] * HOUR, come):
        now = max(now, event.ts)
        if not isinstance(event, Tick):
            yield now, event


def settings_at(var: Path) -> Settings:
    """Two labels, the guard and the gate as they are by default; windows and versions each half an hour."""
    told: dict[str, Any] = {
        "labels": {
            "click": {"event": "click", "window": 120_000, "horizon": 60_000},
            "long_view": {"event": "dwell", "window": 120_000, "horizon": 60_000, "min_value": 18},
        },
        "trainer": {"bucket": 300_000, "commit": HOUR // 2, "challengers": {"on": False}},
        "gate": {"every": 1},
        "rollback": {
            "automatic": {"on": True, "metrics": ("clicks", "ne", "calibration", "guard"), "every": HOUR // 2}
        },
    }
    return Settings.model_validate({"var": var} | told)


def live(seed: int, var: Path, *, shown_a_second: float, hours: tuple[int, int] = (0, 24)) -> Day:
    """One day, or these hours of it, from the first event to the last."""
    settings, day, clock = settings_at(var), Day(), LogTime(START + hours[0] * HOUR)
    logs = MemoryLogs()
    examples = logs.open("examples", settings.partitions)
    events = site(seed, shown_a_second=shown_a_second, hours=hours)
    for partition, frame in replay(events, rules_of(settings), partitions=settings.partitions):
        examples.append(partition, [encode(frame)], frame.watermark)
    store, decisions = version_store(settings), DecisionLog(logs.open(TOPIC, 1))
    heard: dict[str, Any] = {}
    watching = watching_of(settings, store, decisions, lambda: (heard, {}))
    assert watching is not None
    trainer = Trainer(logs, store, learner_of(settings), plan=plan_of(settings), clock=clock)
    trainer.watch = clock
    while not (done := trainer.turn()).idle:
        heard |= {"guard": done.guard} if done.guard else {}
        day.rows += done.rows
        changed = done.guard["changed"] if done.guard else []
        holds = [f"{one['verdict']} {one['axis']}={one['value']}" for one in changed if one["verdict"] == "hold"]
        day.guard_holds += len(holds)
        day.said += [_at(clock(), one) for one in holds + ([f"gate: {done.held}"] if done.held else [])]
        if done.committed is None:
            continue
        heard["rehearsed"] = done.rehearsed or {}
        day.versions, day.published = day.versions + 1, day.published + done.published
        day.gate_holds += bool(done.held)
        _looked(day, watching.look(clock()), clock())
    return day


def _looked(day: Day, seen: Watched | None, now: int) -> None:
    if seen is None:
        return
    day.looks += 1
    day.bad_windows += any(beyond > 0 for beyond in (seen.metrics or {}).values())
    day.rollbacks += seen.rolled_back is not None
    day.said += [_at(now, seen.warning)] if seen.warning else []


def _at(now: int, said: str) -> str:
    return f"{(now - START) / HOUR:.1f} h: {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one day, with a third of the people")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--days", type=int, help="how many days, each with a seed of its own; five")
    told = parser.parse_args()
    shown, days = (0.8, 1) if told.quick else (2.3, 5)
    lived = []
    for seed in range(told.days or days):
        with tempfile.TemporaryDirectory() as var:
            lived.append(live(seed, Path(var), shown_a_second=shown))
        print(f"day {seed}: {lived[-1]}", flush=True)
    names = ("looks", "bad_windows", "versions", "published", "rows", "guard_holds", "gate_holds", "rollbacks")
    figures: dict[str, Any] = {name: sum(getattr(day, name) for day in lived) for name in names}
    figures |= {"days": len(lived), "false_rollback_rate": sum(bool(day.rollbacks) for day in lived) / len(lived)}
    print(json.dumps(figures) if told.json else "\n".join(f"{name:20} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
