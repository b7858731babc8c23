"""How fast everything catches up after a quarantine: joiner, trainer and server folds, each in a process of its own.

A log on a disk is joined, learned and folded once, with snapshots and versions as a live system leaves them: they
follow the log's own time. Then ONE mask line takes one app version out, from shortly after the lead on, and the clock
runs until all three have covered the log's ends as of that line: with clocks of the wall, snapshots and versions
included. `times_real_time` is the masked span over the slowest of the three, `cpu_*` the seconds of its core. One item
shown or one interaction is an event; slates come on top. Clicks count for two minutes and correct for one more; with
`--all-labels` the default labels are decided. A live log at this rate has about 3 events in a frame, one that waited
100: `--frame-events`. The peer is the same log, lead and all, fed from empty by the same processes.

    python benchmarks/rewind.py [--quick] [--json] [--minutes N] [--frame-events N] [--all-labels]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# read when numpy and torch are first imported, so before the imports below
for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.rewind_log import RATE, START, S, Scene, happenings, write_log  # noqa: E402
from checkpoints.store import VersionStore  # noqa: E402
from headrace.deployment import fold_rules_of, rules_of  # noqa: E402
from headrace.process_terms import learner_of, plan_of  # noqa: E402
from headrace.settings import DEFAULT_LABELS, Settings  # noqa: E402
from headrace.stream_settings import Label  # noqa: E402
from streams.decisions import TOPIC, Decision, DecisionLog  # noqa: E402
from streams.events import Event  # noqa: E402
from streams.mask import Entry  # noqa: E402
from streams.positions import Positions  # noqa: E402

BAR = 20.0
SELDOM = 6
"""Versions to go back to are made so many times as seldom as a live trainer makes them: that saves room on the disk."""
LONGEST_LEAD = 12 * 60 * S


class LogTime:
    """A clock that shows the time of the log as far as it was read; from `run` on it goes as the wall's does."""

    def __init__(self) -> None:
        self.at, self._since = START, 0.0

    def __call__(self) -> int:
        return self.at + int(S * (time.monotonic() - self._since) if self._since else 0)

    def reach(self, at: int) -> None:
        self.at = self.at if self._since else max(self.at, at)

    def run(self) -> None:
        self._since = time.monotonic()


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a process: the time in the log that it came to, the positions that it covers, what it did."""

    at: int
    covered: Positions
    idle: bool
    events: int
    rewound: bool
    versions: bool = False


def joining(scene: Scene, clock: LogTime) -> Iterator[Turn]:
    from streams.poll_joiner import join

    told = scene.settings
    turns = join(
        scene.logs,
        partitions=told.partitions,
        rules=rules_of(told),
        folder=scene.var / "join",
        snapshots=scene.var / "snapshots",
        clock=clock,
        snapshot_ms=told.join.snapshot_every,
    )
    for turn in turns:
        yield Turn(turn.watermark, {turn.partition: turn.next}, turn.idle, turn.events, turn.rewound)


def training(scene: Scene, clock: LogTime) -> Iterator[Turn]:
    from learners.trainer import train

    plan, store = plan_of(scene.settings), VersionStore(scene.var / "versions")
    for turn in train(scene.logs, store, learner_of(scene.settings), plan=plan, clock=clock):
        at = START + int(turn.examples * scene.row_ms) // SELDOM
        restored, committed = turn.restored is not None, turn.committed is not None
        yield Turn(at, turn.input, turn.idle, turn.rows, restored, committed)


def serving(scene: Scene, clock: LogTime) -> Iterator[Turn]:
    from serving.folding import fold
    from serving.known import Known

    known = Known(partitions=scene.settings.partitions, rules=fold_rules_of(scene.settings))
    every = scene.settings.serving.snapshot_every
    for turn in fold(scene.logs, known, folder=scene.var / "snapshots" / "serve", clock=clock, snapshot_every=every):
        covered = {} if turn.rewinding else turn.positions
        yield Turn(known.view.at, covered, turn.idle, turn.events, turn.rewinding > 0)


LOOPS: dict[str, Callable[[Scene, LogTime], Iterator[Turn]]] = {
    "join": joining,
    "train": training,
    "serve": serving,
}


def work(name: str, scene: Scene, ends: Positions, line: Connection) -> None:
    """One process: covers the log twice, each time from when it is told to, and tells what that took."""
    clock = LogTime()
    turns = LOOPS[name](scene, clock)
    if name == "train":
        import learners.named_learners  # noqa: F401  # its seconds of import are no part of what is timed
    line.send(name)
    for fresh in (True, False):
        asked_at, cpu = line.recv(), time.process_time()
        if not fresh:
            clock.run()
        covered: Positions = dict.fromkeys(ends, 0)
        told = dict.fromkeys(("events", "rewound", "versions"), 0)
        for turn in turns:
            clock.reach(turn.at)
            covered |= turn.covered
            told = {key: value + getattr(turn, key) for key, value in told.items()}
            if all(covered[p] >= end for p, end in ends.items()):
                break
            if turn.idle:
                time.sleep(0.002)
        line.send({"seconds": time.monotonic() - asked_at, "cpu": time.process_time() - cpu} | told)
    if isinstance(turns, Generator):
        turns.close()


def measure(scene: Scene, events: Iterable[Event]) -> dict[str, Any]:
    """A log of these events, both passes, and one flat object."""
    ends = write_log(scene, events)
    context = multiprocessing.get_context("spawn")
    lines, processes = {}, []
    for name in LOOPS:
        lines[name], theirs = context.Pipe()
        processes.append(context.Process(target=work, args=(name, scene, ends, theirs), daemon=True))
        processes[-1].start()
    for line in lines.values():
        line.recv()
    empty = _pass(lines)
    decide(scene, ends)
    again = _pass(lines)
    for process in processes:
        process.join()
    total, total_empty = (max(told["seconds"] for told in each.values()) for each in (again, empty))
    span = scene.span / S
    figures: dict[str, Any] = {"span_s": span, "events": int(span * RATE), "bar": BAR}
    figures |= {"frame_events": scene.frame_events}
    figures |= {"labels": ",".join(scene.settings.labels), "lead_s": scene.lead / S}
    for name, told in again.items():
        figures |= {f"{key}_{name}": value for key, value in told.items()}
    figures |= {"seconds_total": total, "times_real_time": span / total, "events_per_s": span * RATE / total}
    figures |= {f"seconds_{name}_peer": told["seconds"] for name, told in empty.items()}
    figures |= {f"cpu_{name}_peer": told["cpu"] for name, told in empty.items()}
    return figures | {"seconds_total_peer": total_empty, "ratio": total_empty / total}


def decide(scene: Scene, ends: Positions) -> None:
    """One line: what the bad app sent from shortly after the lead on is masked."""
    log, decisions = scene.logs.open("events", len(ends)), scene.logs.open(TOPIC, 1)
    start = {p: log.offset_at(p, START + scene.lead) for p in ends}
    entry = Entry("q", start=start, stop=ends, t0=START + scene.lead, app_version=scene.bad_app)
    DecisionLog(decisions).decide(Decision("mask", at=START, who="benchmark", why="bad app", seen=0, add=(entry,)))


def _pass(lines: dict[str, Connection]) -> dict[str, dict[str, float]]:
    for line in lines.values():
        line.send(time.monotonic())
    return {name: line.recv() for name, line in lines.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one minute of log instead of ten")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--minutes", type=float, help="how much of the log is masked and fed again")
    parser.add_argument("--frame-events", type=int, default=100, help="events in a frame of the log at most")
    parser.add_argument("--all-labels", action="store_true", help="the default labels, not the click alone")
    told = parser.parse_args()
    minutes = told.minutes or (1 if told.quick else 10)
    labels = DEFAULT_LABELS if told.all_labels else {"click": Label(event="click", window=120_000, horizon=60_000)}
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(var=Path(place), labels=labels)
        lead = min(2 * rules_of(settings).lifespan, LONGEST_LEAD)
        scene = Scene(Path(place), settings, told.frame_events, int(minutes * 60 * S), lead)
        figures = measure(scene, happenings(START + scene.lead + scene.span))
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps(rounded) if told.json else "\n".join(f"{name:24} {value}" for name, value in rounded.items()))


if __name__ == "__main__":
    main()
