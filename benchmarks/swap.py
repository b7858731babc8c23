"""A hundred swaps of everything that serves, under load from a second process, beside a server that loads hnswlib.

    python -m benchmarks.swap [--quick] [--json] [--items N] [--swaps N] [--ground DIR]

`headrace serve` itself, over HTTP, with two versions of a learner of a million items; it keeps one bundle, so each swap
opens the other version from the disk: hashes, ranges, scorer, index, warming. Requests come at a fixed rate, and their
latency counts from when they were due. A swap lasts from the decision until all clients had an answer of the new
version; after each comes a quiet stretch as long, and ratios are of these two, so that what else the machine does is in
both. `longest_stall_ms` is how late a thread was that wants to run every millisecond, as far as the process held it up;
`gap` counts the machine's other work too. `peer_` are those of the same server while it loads an
index of as many items by `hnswlib.load_index` in a thread, as often.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

for _threads in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ.setdefault(f"{_threads}_NUM_THREADS", "1")

from benchmarks.report_rows import Row, as_json, at_most, told  # noqa: E402
from benchmarks.restore_model import Size  # noqa: E402
from benchmarks.rollback_ground import NEW, OLD, Ground  # noqa: E402
from benchmarks.swap_load import Load, Stretch, figures  # noqa: E402
from benchmarks.swap_served import Served, peers_file  # noqa: E402

OURS = "p50", "p99", "p99_quiet", "longest", "stall_quiet", "gap", "gap_quiet", "seconds"
THEIRS = "p99_ratio", "p99", "longest", "stall", "gap", "errors"


def measure(ground: Ground, swaps: int, rate: float) -> list[Row]:
    """Our swaps, then the peer's."""
    ground.prepare()
    ground.say("promote", OLD)
    with Served.start(ground) as served, Load.on(served.port, ground.size.users, rate) as load:
        load.wait_for(OLD)
        _swap(ground, load, NEW)
        _swap(ground, load, OLD)
        before, stretches = served.resident, list[Stretch]()
        for number in range(swaps):
            stretches += _swap(ground, load, (NEW, OLD)[number % 2])
        after = served.resident
        ours, answers = figures(load.answers, stretches, served.gaps()), len(load.answers)
    with Served.start(ground, peer=peers_file(ground)) as served, Load.on(served.port, ground.size.users, rate) as load:
        load.wait_for((OLD, NEW, OLD)[swaps % 2])
        stretches = [one for _ in range(max(4, swaps // 10)) for one in load.around(served.load_peer)]
        theirs = figures(load.answers, stretches, served.gaps())
    return [
        Row("items", ground.size.items),
        Row("swaps", swaps),
        at_most("errors", ours.errors, 0),
        at_most("mixed", ours.mixed, 0),
        at_most("p99_ratio", ours.p99_ratio, 1.5),
        at_most("over_100_ms_more_than_quiet", max(0, ours.slow - ours.slow_quiet), 0),
        at_most("longest_stall_ms", ours.stall, 5.0),
        at_most("memory_ratio", after / before, 1.10),
        *(
            Row(name, getattr(ours, name))
            for name in ("p50", "p99", "p99_quiet", "longest", "stall_quiet", "gap", "gap_quiet", "seconds")
        ),
        Row("answers", answers),
        Row("resident_mb", after / 1e6),
        *(
            Row(f"peer_{name}", getattr(theirs, name))
            for name in ("p99_ratio", "p99", "longest", "stall", "gap", "errors")
        ),
    ]


def _swap(ground: Ground, load: Load, version: int) -> list[Stretch]:
    """One, and as long a stretch without."""

    def swap() -> None:
        ground.say("promote", version)
        load.wait_for(version)

    return load.around(swap)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="50,000 items")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--items", type=int)
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second")
    parser.add_argument("--ground", type=Path, help="where versions and indices stay for the next run")
    asked = parser.parse_args()
    items = asked.items or (50_000 if asked.quick else 1_000_000)
    with ExitStack() as stack:
        place = asked.ground or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headrace-swap-")))
        rows = measure(Ground(place, Size(items, items // 2)), asked.swaps, asked.rate)
    print("\n".join(told(row) for row in rows))
    if asked.json:
        print(as_json(rows))


if __name__ == "__main__":
    main()
