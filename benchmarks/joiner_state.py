"""What a joiner's state costs: room for a million open examples, the longest sweep, a restart, a lost disk.

The stream is that of `joiner_log.py`, in a log on a disk, joined by the poll loop in processes of their own.
`disk_mib` and `resident_mib`: when a million items are open at once, shown in slates of 10 and of 1 (`single_*`: a
million impressions). `sweep_ms`: the longest step in which a joiner let go of what is too old, over a third of a
lifespan after that; a turn of the machine to somebody else is in it, which `sweep_cpu_ms` leaves out. `restart_s`: from
the start of a process over that state to its first event joined, imports and all. `lost_disk_s`: no state, no snapshot,
3 million events of ten minutes in the log, until all are joined anew; `--quick` joins ten minutes of a tenth of that,
and says ten times as much.

    python benchmarks/joiner_state.py [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import tempfile
import time
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from benchmarks.joiner_log import RULES, START, framed, happenings
from streams.kept import Kept
from streams.poll_joiner import join
from streams.sqlite_log import SqliteLogs

OPEN, LOST, LOST_S, FRAME = 1_000_000, 3_000_000, 600, 100
LIFESPAN_S = RULES.lifespan / 1000
BARS = {"disk_mib": 300, "resident_mib": 400, "sweep_ms": 50, "restart_s": 5, "lost_disk_s": 40}
SPAWN = multiprocessing.get_context("spawn")


def on_a_core(what: Any, *asked: Any) -> Any:
    """What a fresh process says, with how long it took from its start on."""
    began = time.perf_counter()
    ours, theirs = SPAWN.Pipe()
    child = SPAWN.Process(target=what, args=(*asked, theirs))
    child.start()
    theirs.close()
    told = ours.recv()
    took = time.perf_counter() - began
    child.join()
    return told, took


def fill(var: Path, slate: int, rate: float, events: int, told: Pipe) -> None:
    log, done, waiting = SqliteLogs(var / "log").open("events", 1), 0, list[bytes]()
    for frame, count in framed(happenings(slate=slate, rate=int(rate)), FRAME):
        waiting.append(frame)
        done += count
        if len(waiting) == 200 or done >= events:
            log.append(0, waiting, at=START)
            waiting = []
        if done >= events:
            break
    told.send(done)


def joined(var: Path, frames: int, told: Pipe) -> None:
    """Join up to `frames` frames (0: all there are); the room that it takes, and the longest sweep."""
    sweeps, sweep = [(0.0, 0.0)], Kept.sweep

    def timed(kept: Kept) -> None:
        began = time.perf_counter(), time.process_time()
        sweep(kept)
        sweeps.append((time.perf_counter() - began[0], time.process_time() - began[1]))

    Kept.sweep = timed  # type: ignore[method-assign, assignment]
    reports = join(
        SqliteLogs(var / "log"), partitions=1, rules=RULES, folder=var / "join", snapshots=var / "snapshots",
        clock=lambda: 0, frames=50,
    )  # fmt: skip
    for report in reports:
        if report.idle or (frames and report.next >= frames):
            break
    state = [path.stat().st_size for path in (var / "join").rglob("*") if path.is_file()]
    told.send(
        {
            "disk_mib": sum(state) / (1 << 20),
            "resident_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "sweep_ms": max(wall for wall, _ in sweeps) * 1e3,
            "sweep_cpu_ms": max(cpu for _, cpu in sweeps) * 1e3,
            "sweeps": len(sweeps) - 1,
        }
    )
    os._exit(0)  # as a kill would end it


def began_again(var: Path, told: Pipe) -> None:
    for report in join(
        SqliteLogs(var / "log"), partitions=1, rules=RULES, folder=var / "join", snapshots=var / "snapshots",
        clock=lambda: 0, frames=1,
    ):  # fmt: skip
        told.send(report.events)
        os._exit(0)


def measure(quick: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for named, slate in (("", 10), ("single_", 1)):
        rate = OPEN * 1.136 / LIFESPAN_S  # the interactions count, but open nothing
        with tempfile.TemporaryDirectory() as place:
            var = Path(place)
            events = int(rate * (LIFESPAN_S + RULES.out_of_orderness / 1000))
            on_a_core(fill, var, slate, rate, events + events // 3)
            frames = SqliteLogs(var / "log").open("events", 1).end(0)
            figures |= {named + name: value for name, value in on_a_core(joined, var, frames * 3 // 4)[0].items()}
            swept, _ = on_a_core(joined, var, frames - 50)
            figures |= {named + name: value for name, value in swept.items() if name.startswith("sweep")}
            figures[f"{named}restart_s"] = on_a_core(began_again, var)[1]
    events = LOST // 10 if quick else LOST
    with tempfile.TemporaryDirectory() as place:
        on_a_core(fill, Path(place), 10, events / LOST_S, events)
        figures["lost_disk_s"] = on_a_core(joined, Path(place), 0)[1] * LOST / events
    return figures | {f"bar_{name}": bar for name, bar in BARS.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the lost events")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    asked = parser.parse_args()
    rounded = {name: round(value, 2) for name, value in measure(asked.quick).items()}
    print(
        json.dumps(rounded) if asked.json else "\n".join(f"{name:24} {value:>12,}" for name, value in rounded.items())
    )


if __name__ == "__main__":
    main()
