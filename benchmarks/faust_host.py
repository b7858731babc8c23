"""What Faust costs as the joiner's host: the same topic joined under Faust and by the poll loop, on a real broker.

`backlog`: a worker starts before a full topic and joins to its end; it reads in bulk until it has caught up. `live`: it
waits at the end of an empty topic, and another process appends all as fast as it can, so that Faust brings what it can
bring and the rest is read in bulk. The peer is the poll loop over the same backlog, the floor plain Faust that counts
records in an agent. Each measurement is a process of its own with a state of its own, all partitions in it; `cpu`
figures are events per second of its processor time, which others on the machine disturb less.

    python -m benchmarks.faust_host [--quick] [--json] [--url kafka://HOST:PORT]  # without a url, a passing broker
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from threading import Event
from typing import Any

from benchmarks.joiner_log import RULES, framed, happenings
from headrace.broker import Broker
from headrace.options import now
from streams.faust_app import FaustGroup, Member
from streams.faust_joiner import Host
from streams.join_desk import Work
from streams.join_turn import Joined, Pace
from streams.kafka_connection import Connection
from streams.kafka_log import KafkaLogs
from streams.kafka_topics import KafkaTopics
from streams.log import Record
from streams.poll_joiner import join
from streams.topics import Topic

PARTITIONS, FRAME, SLATE, RATE = 2, 100, 10, 20_000
EVENTS, QUICK = 1_500_000, 300_000
SETTLED_S = 4.0


def stream(events: int) -> tuple[list[list[bytes]], int]:
    """Frames of each partition, and how many events they count."""
    shares: list[list[bytes]] = []
    counted = 0
    for p in range(PARTITIONS):
        frames, told = [], 0
        for frame, count in framed(happenings(slate=SLATE, rate=RATE // PARTITIONS, seed=p), FRAME):
            frames.append(frame)
            told += count
            if told >= events // PARTITIONS:
                break
        shares.append(frames)
        counted += told
    return shares, counted


def topics(connection: Connection) -> None:
    """What a joiner needs, empty."""
    admin = KafkaTopics(connection)
    each = (("events", PARTITIONS), ("examples", PARTITIONS), ("decisions", 1))
    admin.create([Topic(name, partitions=many) for name, many in each])
    admin.close()


def fill(connection: Connection, frames: list[list[bytes]]) -> None:
    """Append it all, in turns of some frames."""
    logs = KafkaLogs(connection)
    log = logs.open("events", PARTITIONS)
    for first in range(0, max(map(len, frames)), 50):
        for p, ones in enumerate(frames):
            if ones[first : first + 50]:
                log.append(p, ones[first : first + 50], at=now())
    logs.close()
    os._exit(0)  # an interpreter that goes down frees all of it, one by one


class Progress:
    """When the first and the last frame of all were joined, in wall and processor time."""

    def __init__(self, ends: list[int], over: Callable[[], None]) -> None:
        self._ends, self._over = ends, over
        self._stands = [0] * len(ends)
        self._began: tuple[float, float] | None = None
        self.took: tuple[float, float] = (0.0, 0.0)

    def start(self) -> None:
        self._began = self._began or (time.perf_counter(), time.process_time())

    def reached(self, partition: int, next: int) -> None:
        self._stands[partition] = next
        if self._stands == self._ends and self._began and not self.took[0]:
            self.took = (time.perf_counter() - self._began[0], time.process_time() - self._began[1])
            self._over()

    def joined(self, report: Joined) -> None:
        if not report.idle:
            self.start()
        self.reached(report.partition, report.next)


def under_faust(connection: Connection, ends: list[int], var: Path, told: Pipe) -> None:
    logs, over, brought = KafkaLogs(connection), Event(), [0]
    progress = Progress(ends, over.set)
    work = Work(
        logs.open("events", PARTITIONS), logs.open("examples", PARTITIONS), logs.open("decisions", 1),
        RULES, Pace(now), var / "join-0", var,
    )  # fmt: skip
    host = Host(connection, Member("join-0"), work, told=progress.joined)
    bring = host.bring

    def count(partition: int, record: Record, end: int) -> None:
        progress.start()
        brought[0] += 1
        bring(partition, record, end)

    host.bring = count  # type: ignore[method-assign]
    host.run(over)
    told.send((*progress.took, brought[0]))


def in_a_loop(connection: Connection, ends: list[int], var: Path, told: Pipe) -> None:
    over = Event()
    progress = Progress(ends, over.set)
    progress.start()
    reports = join(
        KafkaLogs(connection), partitions=PARTITIONS, rules=RULES, folder=var / "loop", snapshots=var, clock=now
    )
    for report in reports:
        progress.joined(report)
        if over.is_set():
            break
    told.send((*progress.took, 0))


class Counted:
    """Ears that only count."""

    def __init__(self, faust: Callable[[Counted], FaustGroup], ends: list[int]) -> None:
        self.over = asyncio.Event()
        self.progress = Progress(ends, self.over.set)
        self.faust = faust(self)

    async def assigned(self, partitions: Iterable[int]) -> None:
        self._placing = asyncio.gather(*map(self._place, partitions))

    async def _place(self, partition: int) -> None:
        await asyncio.sleep(1)  # Faust must be through with its own seeking
        await self.faust.place(partition, 0)

    async def revoked(self) -> None: ...

    def displaced(self) -> None: ...

    def bring(self, partition: int, record: Record, end: int) -> None:
        self.progress.start()
        self.progress.reached(partition, record.offset + 1)


def by_faust_alone(connection: Connection, ends: list[int], var: Path, told: Pipe) -> None:
    async def run() -> None:
        def faust(ears: Counted) -> FaustGroup:
            member = Member("plain")
            return FaustGroup(connection, member, ears, group="plain", topic="events", folder=var / "faust")

        ears = Counted(faust, ends)
        await ears.faust.start()
        await ears.over.wait()
        await ears.faust.stop()
        told.send((*ears.progress.took, 0))

    asyncio.run(run())


Measured = Callable[[Connection, list[int], Path, Pipe], None]


def measured(
    what: Measured, connection: Connection, ends: list[int], appended: list[list[bytes]] | None = None
) -> tuple[float, float, int]:
    """(seconds, processor seconds, frames that Faust brought) of one process; some frames may come while it runs."""
    processes = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as var:
        ours, theirs = processes.Pipe()
        child = processes.Process(target=what, args=(connection, ends, Path(var), theirs))
        child.start()
        theirs.close()
        if appended is not None:
            time.sleep(SETTLED_S)
            processes.Process(target=fill, args=(connection, appended)).start()
        took: tuple[float, float, int] = ours.recv()
        child.join()
    return took


def measure(servers: str, events: int) -> dict[str, Any]:
    """All figures, as keys of one flat object."""
    frames, count = stream(events)
    ends = [*map(len, frames)]
    named = [Connection.of(f"kafka://{servers}/faust-host-{time.time_ns()}-{n}") for n in range(4)]
    for connection in named:
        topics(connection)
    processes = multiprocessing.get_context("fork")
    for connection in named[:3]:
        filling = processes.Process(target=fill, args=(connection, frames))
        filling.start()
        filling.join()
    told: dict[str, Any] = {"events": count, "frames": sum(ends), "frame_bytes": sum(map(len, frames[0])) // ends[0]}
    for name, what, connection, appended in (
        ("faust_passthrough", by_faust_alone, named[0], None),
        ("poll_loop", in_a_loop, named[1], None),
        ("faust_backlog", under_faust, named[2], None),
        ("faust_live", under_faust, named[3], frames),
    ):
        seconds, cpu, brought = measured(what, connection, ends, appended)
        told |= {f"{name}_events_s": round(count / seconds), f"{name}_events_cpu_s": round(count / cpu)}
        if appended:
            told["faust_live_brought"] = round(brought / sum(ends), 3)
    told["faust_to_loop"] = round(told["faust_backlog_events_cpu_s"] / told["poll_loop_events_cpu_s"], 2)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--url", default="")
    asked = parser.parse_args()
    with ExitStack() as over:
        url = asked.url
        if not url:
            broker = Broker(Path(over.enter_context(tempfile.TemporaryDirectory())), port=0, tied=True)
            over.callback(broker.kill)
            broker.start()
            url = broker.url()
        told = measure(Connection.of(url).servers, QUICK if asked.quick else EVENTS)
    for name, figure in told.items():
        print(f"{name:28} {figure:>12,}")
    if asked.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
