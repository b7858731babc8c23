"""What one answer costs, from a second process, beside the plain stack that one would write instead of all this.

    python -m benchmarks.recommend [--quick] [--json] [--items N] [--ground DIR]

`headrace serve` with its whole way: profile, retrieval from six sources, filter, ranking of 500, fatigue, diversity,
exploration, the slate in the log before the answer leaves. The plain stack (`recommend_plain.py`) finds 500 by hnswlib
and scores them with a 64-64 network of torch, and does nothing else. Both are asked in turn, in short stretches, over 1
connection (latencies) and over 8 (requests a second). `cpu_us` is the processor time of a request in the answering
process, all its threads and its idle work included; it says most where a machine has other work.
`p50_1m_ratio` is the median over a million items by that over 100,000, and is left out by `--quick`. For
`p99_training_ratio` a learner of the size of the catalogue learns 2,000 rows a second in a process of its own, by turns
with quiet.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.recommend_ground import RANKED, Asked, asking_of, ground_of, headrace, plain  # noqa: E402
from benchmarks.recommend_load import Measured, Way, alternated, ask, failed  # noqa: E402
from benchmarks.recommend_trainer import training  # noqa: E402
from benchmarks.report_rows import Row, as_json, at_least, at_most, told  # noqa: E402
from benchmarks.rollback_ground import Ground  # noqa: E402

MANY = 8
LARGE = 1_000_000


def _home(asked: Asked, connections: int = 1) -> Way:
    return Way(asked, connections, asking_of("/v1/recommend", n=10, surface="home", context={"hour": 9}))


def _plainly(asked: Asked, ranked: int, connections: int = 1) -> Way:
    return Way(asked, connections, asking_of("/recommend", n=10, ranked=ranked))


def beside(ground: Ground, rounds: int, seconds: float) -> dict[str, Measured]:
    """Ours and the plain stack, by turns; and a hundred given items in order."""
    with headrace(ground, RANKED) as ours, plain(ground) as theirs:
        ways = {
            "ours": _home(ours),
            "plain": _plainly(theirs, RANKED),
            "ours_8": _home(ours, MANY),
            "plain_8": _plainly(theirs, RANKED, MANY),
            "rank_100": Way(ours, 1, asking_of("/v1/rank", items=[*range(1, 101)])),
        }
        return alternated(ways, rounds, seconds)


def beside_with_more(ground: Ground, rounds: int, seconds: float) -> dict[str, Measured]:
    """Twice as many ranked."""
    with headrace(ground, 2 * RANKED) as ours, plain(ground) as theirs:
        return alternated({"ours": _home(ours), "plain": _plainly(theirs, 2 * RANKED)}, rounds, seconds)


def over_two_sizes(small: Ground, large: Ground, rounds: int, seconds: float) -> dict[str, Measured]:
    """The same over a catalogue of another size, by turns."""
    with headrace(small, RANKED) as few, headrace(large, RANKED) as many:
        return alternated({"small": _home(few), "large": _home(many)}, rounds, seconds)


def while_training(ground: Ground, rounds: int, seconds: float) -> tuple[Measured, Measured]:
    """Quiet, and beside a trainer."""
    quiet, busy = Measured(), Measured()
    with headrace(ground, RANKED) as ours, training(ground) as trainer:
        way = _home(ours)
        ask(ours, 1, seconds / 4, way.request)
        for _ in range(rounds):
            quiet.add(ask(ours, 1, seconds, way.request))
            with trainer.at_work():
                busy.add(ask(ours, 1, seconds, way.request))
    return quiet, busy


def measure(place: Path, items: int, *, quick: bool) -> list[Row]:
    """Every figure."""
    ground, (rounds, seconds) = ground_of(place, items), ((4, 1.0) if quick else (10, 2.0))
    told = beside(ground, rounds, seconds)
    ours, theirs, ours_8, theirs_8, rank = told.values()
    quiet, busy = while_training(ground, rounds, seconds)
    rows = [
        Row("items", items),
        at_most("p50_ratio", ours.at(50) / theirs.at(50), 2.0),
        at_least("rps_ratio", ours_8.rps / theirs_8.rps, 0.6),
        at_most("p99_ratio", ours.at(99) / theirs.at(99), 1.5),
        at_most("rank_100_p99_ms", rank.at(99), 10.0),
        at_most("p99_training_ratio", busy.at(99) / quiet.at(99), 2.0),
    ]
    if not quick:
        more = beside_with_more(ground, rounds, seconds)
        sizes = over_two_sizes(ground, ground_of(place, LARGE), rounds, seconds)
        rows.append(at_most("p50_1m_ratio", sizes["large"].at(50) / sizes["small"].at(50), 1.5))
        rows.append(Row("p50_ratio_1000_ranked", more["ours"].at(50) / more["plain"].at(50)))
        told |= {f"{name}_1000": one for name, one in more.items()} | sizes
    told |= {"quiet": quiet, "training": busy}
    rows.append(at_most("failed", failed(told.values()), 0))
    rows.append(Row("cpu_ratio", ours.cpu_us / theirs.cpu_us))
    for name, one in told.items():
        figures = {"p50_ms": one.at(50), "p99_ms": one.at(99), "rps": one.rps, "cpu_us": one.cpu_us}
        rows += [Row(f"{name}_{figure}", value) for figure, value in figures.items()]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one catalogue, short stretches")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--ground", type=Path, help="where versions and indices stay for the next run")
    asked = parser.parse_args()
    with ExitStack() as stack:
        place = asked.ground or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-recommend-")))
        rows = measure(place, asked.items, quick=asked.quick)
    print("\n".join(told(row) for row in rows))
    if asked.json:
        print(as_json(rows))


if __name__ == "__main__":
    main()
