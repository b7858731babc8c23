"""Search through a generation beside raw hnswlib: the same graph, the same queries, the same run.

    python -m benchmarks.index [--quick] [--json] [--items N] [--ground DIR] [--part speed|updates|moves|restart]...

Ratios of queries per second are ours over hnswlib's, of times ours over those of hnswlib's plain search, at the median
query, one thread, k = 100, by the processor time of that thread. The searches take turns and the best of several rounds
counts, so that what else the machine does hits them alike. What two threads do, and readers beside a writer, is by the
clock. Recall is against an exact scan. `--ground` keeps the graph, which takes longest to make, for the next run. The
last line of `--json` is one flat object.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.index_ground import Ground, mapped
from benchmarks.index_restart import restart
from benchmarks.index_speed import beside_a_writer, speed, two_threads, upserts
from benchmarks.index_updates import after_updates, at_once, beside_rebuilds
from benchmarks.report_rows import Row, as_json, told

PARTS = "speed", "updates", "moves", "restart"


@dataclass(frozen=True, slots=True)
class Length:
    """How long each part may take."""

    queries: int
    rounds: int
    seconds: float
    beside: float
    drifting: int
    updates: int
    rebuilt: int


QUICK = Length(queries=300, rounds=5, seconds=2.0, beside=4.0, drifting=20_000, updates=200_000, rebuilt=0)
WHOLE = Length(queries=1_000, rounds=10, seconds=6.0, beside=60.0, drifting=100_000, updates=1_000_000, rebuilt=50_000)


def measure(parts: list[str], items: int, length: Length, place: Path, kept: Path) -> Iterator[Row]:
    """The rows of the parts asked for."""
    ground = Ground.prepare(items, length.queries, 5_000, kept)
    yield Row("items", items)
    yield Row("build_s", ground.build_s)
    ef = 400 if items >= 500_000 else 200
    ground.peer.set_ef(ef)
    if "speed" in parts:
        plain = mapped(ground.graph, place / "plain", 1, ef).searcher
        yield from speed(ground, plain, queries=length.queries, rounds=length.rounds)
        yield from two_threads(ground, plain, seconds=length.seconds)
        yield from upserts(ground, ef, seconds=length.seconds)
        yield from beside_a_writer(ground, ef, seconds=length.beside)
    if "updates" in parts:
        yield from after_updates(length.drifting, length.updates, place / "updates")
        if length.rebuilt:
            yield from beside_rebuilds(length.rebuilt, place / "rebuilt")
    if "moves" in parts:
        yield from at_once(ground.vec_ID if length.rebuilt else ground.vec_ID[: length.drifting], place / "moves")
    if "restart" in parts:
        yield from restart(ground, place / "restart")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer queries and updates; ends within a minute")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--ground", type=Path, help="where the graph is kept")
    parser.add_argument("--part", choices=PARTS, action="append")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-index-") as place:
        length, kept = QUICK if asked.quick else WHOLE, asked.ground or Path(place) / "ground"
        rows = list[Row]()
        for row in measure(asked.part or list(PARTS), asked.items, length, Path(place), kept):
            rows.append(row)
            print(told(row), flush=True)
    if asked.json:
        print(as_json(rows))


if __name__ == "__main__":
    main()
