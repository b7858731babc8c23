"""What a version costs: how long a delta is, how long the trainer stands still for it, how long it takes to come back.

`python benchmarks/restore.py [--quick] [--json] [--items N] [--commits N]`. The learner that ships, with a million
items, two million users and their counts, about 1 GB (`--quick`: a tenth). It learns 1,000 rows a second of event time;
every 2 s a version is taken out of it and written behind its back, to a real disk, as the trainer does it.
`pause_p99_ms` is how long `take` and the hand-over held it up; `delta_share` is the length of a delta after 10 s by
that of the whole version; `restore_seconds_1gb` how long a chain of that many deltas takes to open, digests checked,
and to be a learner again, for 1 GB (by the length). `derive_seconds` is what a follower needs to make the serving files
of the last one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.restore_model import LABELS, Size, Traffic, fresh, grown
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from learners.committing import Committed, commit, take
from learners.deriving import derive
from learners.evaluation import Evaluation
from learners.gathering import mark_of
from learners.learned_state import EVALUATION, LEARNED, State
from learners.ordering import Batch, Ordering
from learners.plan import Plan
from learners.progressive import evaluate, foreseen
from learners.two_stage_learner import TwoStageLearner
from learners.writing import WritesBehind
from streams.decisions import Decisions

BATCH, EVERY, GB = 1_000, 2, 1 << 30
PLAN = Plan(partitions=1, chain=1_000)


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--items", type=int)
    parser.add_argument("--commits", type=int)
    told = parser.parse_args()
    items = told.items or (100_000 if told.quick else 1_000_000)
    with tempfile.TemporaryDirectory() as place:
        figures = run(Path(place), Size(items, 2 * items), told.commits or (40 if told.quick else 150))
    for key, value in figures.items():
        print(f"{key:22} {value:,.4f}")
    if told.json:
        print(json.dumps(figures))


def run(place: Path, size: Size, commits: int) -> dict[str, float]:
    """Everything, on one disk."""
    store, figures = VersionStore(place), dict[str, float]()
    first = whole(store, size)
    learner = fresh()
    with timed(figures, "open"):
        learner.restore(*(folder / LEARNED for folder in store.chain(first.version)))
    with timed(figures, "hash"):
        mark = mark_of(learner)
    state = State(
        learner, Evaluation(LABELS), Ordering({0: TrainerPosition()}, Decisions(), bucket_ms=1_000, size=BATCH), None
    )
    state.version, state.mark, state.links = first.version, mark, 1
    traffic = Traffic(size)
    learned(state, traffic.batch(BATCH))
    length = first.bytes
    figures["whole_mb"] = length / 2**20
    deltas = [versions(state, store, traffic, batches=10, commits=2)[0][-1]]
    figures["delta_share"] = deltas[0].bytes / length
    figures["delta_mb"] = deltas[0].bytes / 2**20
    made, pauses, steps = versions(state, store, traffic, batches=EVERY, commits=commits)
    clock, own = ([pause[column] for pause in pauses] for column in (0, 1))
    figures |= {"pause_p50_ms": _at(clock, 50), "pause_p99_ms": _at(clock, 99), "pause_most_ms": max(clock)}
    figures |= {"pause_cpu_p50_ms": _at(own, 50), "pause_cpu_p99_ms": _at(own, 99)}
    figures["step_p50_ms"], figures["step_p99_ms"] = _at(steps, 50), _at(steps, 99)
    figures["links"] = float(len(store.links(made[-1].version)))
    again = fresh()
    with timed(figures, "restore"):
        folders = VersionStore(place).chain(made[-1].version)
        again.restore(*(folder / LEARNED for folder in folders))
    for kind in ("", "_cpu"):
        figures[f"restore{kind}_seconds_1gb"] = figures[f"restore{kind}_seconds"] * GB / length
    assert again.digest() == learner.digest(), "what came back is not what was learned"
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


def versions(
    state: State, store: VersionStore, traffic: Traffic, *, batches: int, commits: int
) -> tuple[list[Manifest], list[tuple[float, float]], list[float]]:
    """Learn and commit so often; the versions, and how many ms each hand-over (by the clock, and of the processor) and
    each step took."""
    writer, made = WritesBehind[Committed](), list[Manifest]()
    pauses, steps = list[tuple[float, float]](), list[float]()
    for n in range(commits):
        for _ in range(batches):
            batch = traffic.batch(BATCH)
            start = time.perf_counter()
            learned(state, batch)
            steps.append(1e3 * (time.perf_counter() - start))
        if (written := writer.ended(wait=True)) is not None:
            made.append(written.settle())
        start, spent = time.perf_counter(), time.thread_time()
        draft = take(state, PLAN, decisions=0, config="", finite=True, at=n)
        writer.begin(lambda draft=draft: commit(draft, store))  # type: ignore[misc]
        pauses.append((1e3 * (time.perf_counter() - start), 1e3 * (time.thread_time() - spent)))
    written = writer.ended(wait=True)
    assert written is not None
    return [*made, written.settle()], pauses, steps


def learned(state: State, batch: Batch) -> None:
    """One step as the trainer takes it."""
    learner = state.learner
    assert isinstance(learner, TwoStageLearner)
    look = state.evaluation.retrieval.look(learner, batch)
    told = foreseen(batch, learner.score(batch), look)
    assert learner.learn(batch).finite
    evaluate(state.evaluation, told)


@contextmanager
def timed(figures: dict[str, Any], name: str) -> Iterator[None]:
    start, spent = time.perf_counter(), time.process_time()
    yield
    figures[f"{name}_seconds"] = time.perf_counter() - start
    figures[f"{name}_cpu_seconds"] = time.process_time() - spent


def _at(told: list[float], percent: float) -> float:
    return float(np.percentile(told, percent))


if __name__ == "__main__":
    main()
