"""The joiner's host on any log that is polled: all partitions in one process, round robin.

Never sleeps, logs or counts: it yields one report per turn. The order of effects is that of `partition_joiner.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.join_turn import Joined, Pace, Topics
from streams.log import Logs
from streams.partition_joiner import PartitionJoiner
from streams.rocks_join_state import RocksDisk
from streams.rules import Rules

__all__ = ["Joined", "join", "to_the_end"]


def join(
    logs: Logs,
    *,
    partitions: int,
    rules: Rules,
    folder: Path,
    snapshots: Path,
    clock: Callable[[], int],
    frames: int = 200,
    snapshot_ms: int = 60_000,
) -> Iterator[Joined]:
    """Join `events` into `examples`, for ever; states lie in folder/p{n}, snapshots in snapshots/join/p{n}.

    Closing the generator lets go of the states; being killed does no harm.
    """
    decisions = logs.open(DECISIONS, 1)
    events, examples = logs.open("events", partitions), logs.open("examples", partitions)
    pace = Pace(clock, frames=frames, snapshot_ms=snapshot_ms)
    disks = [RocksDisk(folder / f"p{p}", snapshots / "join" / f"p{p}") for p in range(partitions)]
    try:
        joiners = [
            PartitionJoiner(p, Topics(events, examples, DecisionLog(decisions)), rules=rules, disk=disk, pace=pace)
            for p, disk in enumerate(disks)
        ]
        while True:
            for joiner in joiners:
                for _ in joiner.turn():
                    pass
                yield joiner.report
    finally:
        for disk in disks:
            disk.close()


def to_the_end(reports: Iterator[Joined], partitions: int) -> Iterator[Joined]:
    """The same reports, until each partition in turn had nothing left to read.

    >>> [report.idle for report in to_the_end(iter([Joined(0), Joined(1, idle=False), Joined(0), Joined(1)]), 2)]
    [True, False, True, True]
    """
    quiet = 0
    for report in reports:
        yield report
        quiet = quiet + 1 if report.idle else 0
        if quiet == partitions:
            return
