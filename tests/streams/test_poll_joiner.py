"""The joiner as a process on the embedded log: killed for real, and started again."""

from __future__ import annotations

import contextlib
import time
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

from streams.decisions import Decisions
from streams.frames import EventFrame, encode_frame
from streams.given import resolved
from streams.in_force import InForce
from streams.log import MemoryLogs
from streams.poll_joiner import join
from streams.sqlite_log import SqliteLogs
from tests.streams.join_runs import fed, framed, in_force
from tests.streams.messy_logs import RULES, messy_log, shares


def joining(home: Path, frames: int, told: Connection) -> None:
    """A joiner in a process of its own, until it has read everything twice."""
    ticking = count()
    reports = join(
        SqliteLogs(home / "log"),
        partitions=2,
        rules=RULES,
        folder=home / "join",
        snapshots=home / "snapshots",
        clock=lambda: next(ticking),
        frames=frames,
        snapshot_ms=20,
    )
    idle = 0
    while idle < 2:
        report = next(reports)
        idle = idle + 1 if report.idle else 0
        told.send(report.next)


def test_one_process_joins_every_partition_in_turn(tmp_path: Path) -> None:
    logs = MemoryLogs()
    split = shares(messy_log(Random(1), 60), 2)
    for p, events in enumerate(split):
        logs.open("events", 2).append(p, [encode_frame(EventFrame(tuple(f))) for f in framed(events, 10)], at=0)
    reports = join(
        logs, partitions=2, rules=RULES, folder=tmp_path / "join", snapshots=tmp_path / "snapshots", clock=lambda: 0
    )
    first = [next(reports) for _ in range(4)]
    reports.close()  # type: ignore[attr-defined]
    assert [(report.partition, report.idle, report.lag) for report in first] == [
        (0, False, 0),
        (1, False, 0),
        (0, True, 0),
        (1, True, 0),
    ]
    for p, events in enumerate(split):
        rows = resolved(in_force(logs.open("examples", 2), InForce(p, Decisions())))
        assert rows == resolved(fed([events], partition=p, partitions=2)[0])


def test_kill_9_at_twenty_random_moments_on_the_embedded_log_changes_no_row(tmp_path: Path) -> None:
    random = Random(7)
    logs = SqliteLogs(tmp_path / "log")
    split = shares(messy_log(random, 1500), 2)
    for p, events in enumerate(split):
        logs.open("events", 2).append(p, [encode_frame(EventFrame(tuple(f))) for f in framed(events, 3)], at=0)
    processes = get_context("forkserver")
    processes.set_forkserver_preload(["streams.poll_joiner", "streams.sqlite_log", "tests.streams.messy_logs"])
    kills, ended = 0, False
    while not ended:
        reports, told = processes.Pipe(duplex=False)
        child = processes.Process(target=joining, args=(tmp_path, 2 if kills < 20 else 200, told))
        child.start()
        told.close()
        if kills < 20:
            for _ in range(random.randrange(1, 25)):
                reports.recv()
            time.sleep(random.random() * 0.01)
            child.kill()
            kills += 1
        ended = _ended_well(child, reports)
    assert kills == 20, "the joiner was through before it was killed twenty times: the log is too short"
    for p, events in enumerate(split):
        rows = resolved(in_force(logs.open("examples", 2), InForce(p, Decisions())))
        assert rows == resolved(fed([events], partition=p, partitions=2)[0])
    logs.close()


def _ended_well(child: BaseProcess, reports: Connection) -> bool:
    with contextlib.suppress(EOFError):
        while True:
            reports.recv()
    child.join()
    reports.close()
    return child.exitcode == 0
