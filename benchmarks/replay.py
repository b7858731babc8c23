"""How much faster than it came a log of 1,000 events a second is folded again: joiner, trainer and server folds.

The site is that of `joiner_log.py`: slates of ten with their scores, 4 % of the items clicked, dwells and purchases
behind clicks, organic clicks, repeats, impressions and clicks that come late, upserts of items. One mask line takes an
app version out, from shortly after the lead on; the joiner goes back to a snapshot, the trainer to a version and the
server folds to theirs, and the clock runs until all three have covered the log again, snapshots and versions of the way
included: what a rollback with a quarantine does, each fold a process of its own (`rewind.py`). `replay_speed` is the
masked span over the slowest of the three. Two labels close two minutes after their impression, so each item shown is
one row; with `--far` purchases close after ten, so it is two. One item shown or one interaction is an event; slates
come on top. `events_per_cpu_s_*` is what one core of this machine does of each fold alone.

The peer is what one would write in an afternoon: a dict of open impressions in memory, one loop over the same frames,
lists of yes and no as the windows end. It has no disk, no repeats, no late events and no histories.

    python benchmarks/replay.py [--quick] [--json] [--minutes N] [--far]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

# read when numpy and torch are first imported, so before the imports below
for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.joiner_log import BAD_APP, BUYS, DWELLS, happenings  # noqa: E402
from benchmarks.rewind import measure  # noqa: E402
from benchmarks.rewind_log import RATE, START, S, Scene  # noqa: E402
from headrace.deployment import rules_of  # noqa: E402
from headrace.settings import Settings  # noqa: E402
from headrace.stream_settings import Label  # noqa: E402
from streams.events import Event, Impression, Interaction, Tick  # noqa: E402
from streams.frames import decode_frame  # noqa: E402

BAR = 50.0
PAGE, CLICKED, BAD = 10, 0.04, 0.02
PER_ITEM = 1 + CLICKED * (1 + DWELLS + BUYS)
"""Events for each item shown."""


def labels_of(*, quick: bool, far: bool) -> dict[str, Label]:
    """What is decided: windows of two minutes, in short of twenty seconds, so that as much goes as comes soon."""
    window, horizon = (20_000, 10_000) if quick else (120_000, 60_000)
    labels = {
        "click": Label(event="click", window=window, horizon=horizon),
        "long_view": Label(event="dwell", window=window, horizon=horizon, min_value=18),
    }
    return labels | ({"purchase": Label(event="purchase", window=5 * window, horizon=horizon)} if far else {})


def site(until: int) -> Iterator[Event]:
    """Events up to a time, in the order in which they come."""
    come = happenings(slate=PAGE, rate=RATE, clicked=CLICKED, chance=appeal, bad=BAD)
    come = takewhile(lambda event: event.ts < until, come)
    return (event for event in come if not isinstance(event, Tick))  # the writer of the log has its own


def appeal(item: int, _: int) -> float:
    """How often an item is clicked: some are wanted nine times as often as others, or there would be nothing to learn.

    >>> [round(appeal(item, 0) / CLICKED, 2) for item in (0, 1, 2)]
    [0.2, 1.19, 0.58]
    """
    return CLICKED * (0.2 + 1.6 * (item * 0.618 % 1))


def peer(scene: Scene, window: int) -> dict[str, float]:
    """A join in plain Python over all frames of the log, one partition after the other."""
    log = scene.logs.open("events", scene.settings.partitions)
    rows = events = 0
    began, cpu = time.perf_counter(), time.process_time()
    for partition in range(scene.settings.partitions):
        open_: dict[tuple[str, str], list[Any]] = {}
        due: deque[tuple[int, tuple[str, str]]] = deque()
        learned: list[tuple[str, str, int]] = []
        offset = 0
        while records := log.read(partition, offset):
            offset = records[-1].offset + 1
            for record in records:
                for event in decode_frame(record.value).events:
                    while due and due[0][0] <= event.ts:
                        label, user, item = open_.pop(due.popleft()[1])
                        learned.append((user, item, label))
                    if isinstance(event, Impression):
                        events += len(event.items)
                        for shown in event.items:
                            key = event.request_id, shown.item_id
                            if key not in open_:
                                open_[key] = [0, event.user_id, shown.item_id]
                                due.append((event.ts + window, key))
                    elif isinstance(event, Interaction):
                        events += 1
                        found = open_.get((event.request_id or "", event.item_id or ""))
                        if found is not None:
                            found[0] = 1
            rows += len(learned)
            learned.clear()
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return {"peer_events_per_s": events / wall, "peer_events_per_cpu_s": events / cpu, "peer_rows": float(rows)}


def figures_of(scene: Scene) -> dict[str, Any]:
    """One flat object."""
    found = measure(scene, site(START + scene.lead + scene.span))
    events = found["events"]
    told = {"replay_speed": found["times_real_time"], "bar": BAR} | {k: v for k, v in found.items() if k != "bar"}
    cpu = [found[f"cpu_{name}"] for name in ("join", "train", "serve")]
    told |= {
        f"events_per_cpu_s_{name}": events / seconds
        for name, seconds in zip(("join", "train", "serve"), cpu, strict=True)
    }
    span = found["span_s"]
    told |= {"replay_speed_of_two_free_cores": span / max(*cpu, sum(cpu) / 2)}
    told |= {"replay_speed_of_three_free_cores": span / max(cpu)}
    return told | peer(scene, next(iter(scene.settings.labels.values())).window)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one minute of log and windows of twenty seconds")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--minutes", type=float, help="how much of the log is masked and fed again; an hour")
    parser.add_argument("--far", action="store_true", help="a third label with a window five times as long")
    told = parser.parse_args()
    minutes = told.minutes or (1 if told.quick else 60)
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(var=Path(place), labels=labels_of(quick=told.quick, far=told.far))
        lead = 2 * rules_of(settings).lifespan
        scene = Scene(Path(place), settings, 100, int(minutes * 60 * S), lead, S * PER_ITEM / RATE, BAD_APP)
        figures = figures_of(scene)
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps(rounded) if told.json else "\n".join(f"{name:34} {value}" for name, value in rounded.items()))


if __name__ == "__main__":
    main()
