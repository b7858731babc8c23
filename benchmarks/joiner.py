"""How many events a second one core joins, alone and through a broker, and what the libraries around it do alone.

The stream is that of `joiner_log.py`: one item shown or one interaction is an event. `joiner_events_s`: frames of 100
records from memory into examples in memory, with the host's own steps (decode, feed, one write of state and outbox,
send, clear) and the state in RocksDB, over the time in which as much is let go of as comes in; for slates of 10 items,
of 5 and of 1. `broker_framed_events_s`: the same frames from a real broker into examples on it, from the first to the
last frame of a full topic. `broker_single_events_s`: every event a record of its own in a raw topic, through a
sequencer and a joiner, each a process. Beside them, on the same topic of frames: plain Faust that counts records in an
agent, and plain kafka-python that polls them. Each measured process is tied to one core, the broker to the other.
`*_cpu_s` is per second of the process's own time, which others on the machine disturb less. `--profile` samples the
joiner alone, and says which functions its time goes to.

    python benchmarks/joiner.py [--quick] [--json] [--profile] [--alone] [--url kafka://HOST:PORT]

Without a url a broker is started in a passing folder.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.joiner_broker import BARS as BROKER_BARS
from benchmarks.joiner_broker import through_broker
from benchmarks.joiner_log import RULES, START, framed, happenings
from streams.decisions import DecisionLog
from streams.join_turn import Pace, Topics
from streams.log import MemoryLogs
from streams.partition_joiner import PartitionJoiner
from streams.rocks_join_state import RocksDisk

BARS = {"joiner_events_s": 100_000} | BROKER_BARS
FRAME, BATCH = 100, 50
LIFESPAN_S = RULES.lifespan // 1000
WHOLE = {"rate": 2_000, "measured": 1_000_000, "broker": 1_500_000, "single": 400_000}
QUICK = {"rate": 400, "measured": 150_000, "broker": 250_000, "single": 80_000}


class Sampled:
    """Where the processor's time goes: the function that runs, every 2 ms."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def __enter__(self) -> Sampled:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _: int, frame: FrameType | None) -> None:
        if frame is not None:
            self.seen[f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"] += 1


def alone(slate: int, sizes: dict[str, int], profiled: bool, told: Pipe) -> None:
    """Join the stream from memory; figures of what came after the first lifespan."""
    rate, warm = sizes["rate"], sizes["rate"] * (LIFESPAN_S + 10)
    logs, counts, total = MemoryLogs(), list[int](), 0
    for frame, count in framed(happenings(slate=slate, rate=rate), FRAME):
        logs.open("events", 1).append(0, [frame], at=START)
        counts.append(count)
        total += count
        if total >= warm + sizes["measured"]:
            break
    topics = Topics(logs.open("events", 1), logs.open("examples", 1), DecisionLog(logs.open("decisions", 1)))
    with tempfile.TemporaryDirectory() as var:
        disk = RocksDisk(Path(var) / "p0", Path(var) / "aside")
        joiner = PartitionJoiner(0, topics, rules=RULES, disk=disk, pace=Pace(lambda: 0, frames=BATCH))
        _turns(joiner, lambda: sum(counts[: joiner.report.next]) >= warm)
        begun, wall, cpu, sampled = joiner.report.next, time.perf_counter(), time.process_time(), Sampled()
        with sampled if profiled else ExitStack():
            rows, longest = _turns(joiner, lambda: joiner.report.next >= len(counts))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        done = sum(counts[begun:])
        figures: dict[str, Any] = {
            "events_s": done / wall,
            "events_cpu_s": done / cpu,
            "records_s": (len(counts) - begun) * FRAME / wall,
            "rows_s": rows / wall,
            "longest_batch_ms": longest * 1e3,
            "state_mib": sum(path.stat().st_size for path in Path(var).rglob("*") if path.is_file()) / (1 << 20),
        }
        disk.close()
    whole = max(sampled.seen.total(), 1)
    told.send((figures, [(name, seen / whole) for name, seen in sampled.seen.most_common(20)]))


def _turns(joiner: PartitionJoiner, over: Callable[[], bool]) -> tuple[int, float]:
    """Turns until it is over: their rows, and the longest."""
    rows, longest = 0, 0.0
    while not over():
        began = time.perf_counter()
        for _ in joiner.turn():
            pass
        longest, rows = max(longest, time.perf_counter() - began), rows + joiner.report.rows
    return rows, longest


def on_one_core(what: Callable[..., None], *asked: Any) -> Any:
    """What a process of its own says, tied to the first core that there is."""
    ours, theirs = multiprocessing.get_context("fork").Pipe()

    def run() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        what(*asked, theirs)

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    theirs.close()
    told = ours.recv()
    child.join()
    return told


def measure(asked: argparse.Namespace) -> tuple[dict[str, Any], list[tuple[str, float]]]:
    """All figures in one flat object, and the profile."""
    sizes, figures, profile = QUICK if asked.quick else WHOLE, dict[str, Any](), list[tuple[str, float]]()
    for slate in (10, 5, 1):
        told, seen = on_one_core(alone, slate, sizes, asked.profile and slate == 10)
        profile = profile or seen
        named = "joiner" if slate == 10 else f"joiner_slates_of_{slate}"
        figures |= {f"{named}_{name}": value for name, value in told.items()}
    if not asked.alone:
        figures |= through_broker(asked.url, sizes, on_one_core)
        figures["framed_to_faust"] = figures["broker_framed_events_s"] / figures["faust_passthrough_events_s"]
        figures["framed_to_kafka_python"] = figures["broker_framed_events_s"] / figures["kafka_python_events_s"]
    return figures | {f"bar_{name}": bar for name, bar in BARS.items()}, profile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a slower site, so a smaller state and fewer events")
    parser.add_argument("--json", action="store_true", help="one flat object as the last line")
    parser.add_argument("--profile", action="store_true", help="sample the joiner alone")
    parser.add_argument("--alone", action="store_true", help="without a broker")
    parser.add_argument("--url", default="", help="a broker that runs already")
    asked = parser.parse_args()
    figures, profile = measure(asked)
    rounded = {name: round(value, 2) if value < 100 else round(value) for name, value in figures.items()}
    for name, part in profile:
        print(f"{part:6.1%}  {name}")
    print(
        json.dumps(rounded) if asked.json else "\n".join(f"{name:36} {value:>12,}" for name, value in rounded.items())
    )


if __name__ == "__main__":
    main()
