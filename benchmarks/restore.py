"""What a version costs: how long a delta is, how long the trainer stands still for it, how long it takes to come back.

`python benchmarks/restore.py [--quick] [--json] [--items N] [--commits N] [--plain]`. The learner that ships, with a
million items, two million users and their counts, about 1 GB (`--quick`: a tenth), before the gate, and with
challengers that know as many names as they may (`--plain`: without both). It learns 1,000 rows a second of event time;
every 2 s a version is taken out of it and written behind its back, to a real disk, as the trainer does it.
`pause_p99_ms` is how long `take` and the hand-over held it up; `delta_share` is the length of a delta after 10 s by
that of the whole version; `restore_seconds_1gb` how long a chain of that many deltas takes to open, digests checked,
and to be a learner again, for 1 GB (by the length). Then a whole version, as where no chain can be gone on with: it is
copied over many turns (`whole_turns`); `whole_pause_p99_ms` is of what each of them was held up by, the last one among
them, and `whole_step_p99_ms` of the steps until it was written. `derive_seconds` is what a follower needs to make the
serving files of the last delta.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.restore_model import LABELS, Size, Traffic, challenged, fresh, grown
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from learners.collecting import pass_over
from learners.committing import Committed, commit, ready, take
from learners.deriving import derive
from learners.evaluation import Evaluation
from learners.gate import Limits
from learners.gathering import mark_of
from learners.learned_state import EVALUATION, LEARNED, State
from learners.ordering import Batch, Ordering
from learners.plan import Plan
from learners.progressive import evaluate, foreseen
from learners.rehearsal import Rehearsal
from learners.two_stage_learner import TwoStageLearner
from learners.writing import WritesBehind
from streams.decisions import Decisions

BATCH, EVERY, GB = 1_000, 2, 1 << 30
LIMITS = Limits()
PLAN = Plan(partitions=1, chain=1_000, gate=LIMITS)
Pauses = list[tuple[float, float]]
"""Milliseconds by the clock, and of the processor."""


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--items", type=int)
    parser.add_argument("--commits", type=int)
    told = parser.parse_args()
    items = told.items or (100_000 if told.quick else 1_000_000)
    with tempfile.TemporaryDirectory() as place:
        size = Size(items, 2 * items)
        figures = run(Path(place), size, told.commits or (40 if told.quick else 150), plain=told.plain)
    for key, value in figures.items():
        print(f"{key:22} {value:,.4f}")
    if told.json:
        print(json.dumps(figures))


def run(place: Path, size: Size, commits: int, *, plain: bool = False) -> dict[str, float]:
    """Everything, on one disk."""
    store, figures = VersionStore(place), dict[str, float]()
    first = whole(store, size)
    length = first.bytes
    figures["whole_mb"] = length / 2**20
    state = opened(store, first, figures)
    if not plain:
        state.riding, state.rehearsal = challenged(size), Rehearsal(fresh, LIMITS)
    traffic = Traffic(size)
    learned(state, traffic.batch(BATCH))
    delta = versions(state, store, traffic, batches=10, commits=2)[0][-1]
    figures |= {"delta_share": delta.bytes / length, "delta_mb": delta.bytes / 2**20}
    made, pauses, steps = versions(state, store, traffic, batches=EVERY, commits=commits)
    figures |= _pauses("", pauses) | {"step_p50_ms": _at(steps, 50), "step_p99_ms": _at(steps, 99)}
    figures["links"] = float(len(store.links(made[-1].version)))
    again = fresh()
    with timed(figures, "restore"):
        folders = VersionStore(place).chain(made[-1].version)
        again.restore(*(folder / LEARNED for folder in folders))
    for kind in ("", "_cpu"):
        figures[f"restore{kind}_seconds_1gb"] = figures[f"restore{kind}_seconds"] * GB / length
    assert again.digest() == state.learner.digest(), "what came back is not what was learned"
    del again
    figures |= from_anew(state, store, traffic)
    with timed(figures, "derive"):
        derive(folders, place / "derived", version=made[-1].version, digest="")
    return figures


def whole(store: VersionStore, size: Size) -> Manifest:
    """The version that all others stand on."""

    def write(folder: Path) -> None:
        grown(folder / LEARNED, size)
        np.savez(folder / EVALUATION, allow_pickle=False, **Evaluation(LABELS).state())

    version = store.reserve()
    return store.commit(version, write, Manifest(version, None, 0, {0: TrainerPosition()}))


def opened(store: VersionStore, first: Manifest, figures: dict[str, float]) -> State:
    """As a trainer opens it."""
    learner = fresh()
    with timed(figures, "open"):
        learner.restore(*(folder / LEARNED for folder in store.chain(first.version)))
    with timed(figures, "hash"):
        mark = mark_of(learner)
    ordering = Ordering({0: TrainerPosition()}, Decisions(), bucket_ms=1_000, size=BATCH)
    state = State(learner, Evaluation(LABELS), ordering, None)
    state.version, state.mark, state.links = first.version, mark, 1
    pass_over()
    return state


def versions(
    state: State, store: VersionStore, traffic: Traffic, *, batches: int, commits: int
) -> tuple[list[Manifest], Pauses, list[float]]:
    """Learn and commit so often; the versions, and how many ms each hand-over and each step took."""
    writer, made = WritesBehind[Committed](), list[Manifest]()
    pauses, steps = Pauses(), list[float]()
    for n in range(commits):
        steps += [stepped(state, traffic) for _ in range(batches)]
        if (written := writer.ended(wait=True)) is not None:
            made.append(written.settle())
        pauses.append(held(lambda n=n: hand_over(state, store, writer, n))[0])  # type: ignore[misc]
    written = writer.ended(wait=True)
    assert written is not None
    return [*made, written.settle()], pauses, steps


def from_anew(state: State, store: VersionStore, traffic: Traffic) -> dict[str, float]:
    """A whole version while it learns, until it is written."""
    writer, pauses, steps = WritesBehind[Committed](), Pauses(), list[float]()
    state.links, is_ready = 0, False
    while not is_ready:
        steps.append(stepped(state, traffic))
        pause, is_ready = held(lambda: ready(state, PLAN))
        pauses.append(pause)
    pauses.append(held(lambda: hand_over(state, store, writer, 0))[0])
    while (written := writer.ended(wait=False)) is None:
        steps.append(stepped(state, traffic))
    assert written.settle().base is None
    told = {"whole_turns": float(len(pauses)), "whole_last_ms": pauses[-1][0], "whole_last_cpu_ms": pauses[-1][1]}
    return told | _pauses("whole_", pauses) | {"whole_step_p99_ms": _at(steps, 99), "whole_step_most_ms": max(steps)}


def hand_over(state: State, store: VersionStore, writer: WritesBehind[Committed], at: int) -> bool:
    """What a trainer stands still for."""
    draft = take(state, PLAN, decisions=0, config="", finite=True, at=at, live=state.version)
    writer.begin(lambda: commit(draft, store))
    return True


def stepped(state: State, traffic: Traffic) -> float:
    """Milliseconds of one step."""
    batch = traffic.batch(BATCH)
    start = time.perf_counter()
    learned(state, batch)
    return 1e3 * (time.perf_counter() - start)


def learned(state: State, batch: Batch) -> None:
    """One step as the trainer takes it."""
    learner = state.learner
    assert isinstance(learner, TwoStageLearner)
    look = state.evaluation.retrieval.look(learner, batch)
    scores = learner.score(batch)
    told = foreseen(batch, scores, look)
    assert learner.learn(batch).finite
    evaluate(state.evaluation, told)
    if state.riding is not None:
        state.riding.see(batch, scores, learner)
    if state.rehearsal is not None:
        state.rehearsal.see(batch, scores)


def held(act: Callable[[], bool]) -> tuple[tuple[float, float], bool]:
    """How long something takes, and what it says."""
    start, spent = time.perf_counter(), time.thread_time()
    told = act()
    return (1e3 * (time.perf_counter() - start), 1e3 * (time.thread_time() - spent)), told


@contextmanager
def timed(figures: dict[str, Any], name: str) -> Iterator[None]:
    start, spent = time.perf_counter(), time.process_time()
    yield
    figures[f"{name}_seconds"] = time.perf_counter() - start
    figures[f"{name}_cpu_seconds"] = time.process_time() - spent


def _pauses(name: str, pauses: Pauses) -> dict[str, float]:
    clock, own = ([pause[column] for pause in pauses] for column in (0, 1))
    told = {"pause_p50_ms": _at(clock, 50), "pause_p99_ms": _at(clock, 99), "pause_most_ms": max(clock)}
    told |= {"pause_cpu_p50_ms": _at(own, 50), "pause_cpu_p99_ms": _at(own, 99), "pause_cpu_most_ms": max(own)}
    return {f"{name}{key}": value for key, value in told.items()}


def _at(told: list[float], percent: float) -> float:
    return float(np.percentile(told, percent))


if __name__ == "__main__":
    main()
