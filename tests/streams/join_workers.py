"""Several workers over the partitions of one log: they take over from each other, and some don't hear of it at once."""

from __future__ import annotations

from random import Random

from streams.decisions import DecisionLog
from streams.events import Event
from streams.frames import EventFrame, encode_frame
from streams.given import resolved
from streams.in_force import InForce
from streams.join_disk import MemoryDisk, Snapshot
from streams.join_state import MemoryStore
from streams.join_turn import Pace, Topics
from streams.log import MemoryLogs
from streams.partition_joiner import PartitionJoiner
from streams.rules import Rules
from tests.streams.join_runs import Resolved, framed, in_force


class Workers:
    """A log that grows, and workers with a disk each; the snapshots of a partition lie where all of them reach."""

    def __init__(self, events: list[list[Event]], rules: Rules, random: Random) -> None:
        self.events, self.rules, self.random = events, rules, random
        self.logs, self.partitions, self.now = MemoryLogs(), len(events), 0
        self.log = self.logs.open("events", self.partitions)
        self.examples = self.logs.open("examples", self.partitions)
        self.waiting = [[list(frame) for frame in framed(one, random.choice((1, 4, 20)))] for one in events]
        self.aside: list[dict[Snapshot, MemoryStore]] = [{} for _ in events]
        self.disks: dict[tuple[int, int], MemoryDisk] = {}
        self.joiners: dict[tuple[int, int], PartitionJoiner] = {}
        self.owner = [0] * self.partitions
        self.takeovers = 0

    def grow(self) -> None:
        """A few frames more, in any partition."""
        p = self.random.randrange(self.partitions)
        more = self.random.randrange(1, 6)
        told = [encode_frame(EventFrame(tuple(frame))) for frame in self.waiting[p][:more]]
        self.waiting[p] = self.waiting[p][more:]
        if told:
            self.log.append(p, told, at=self.now)

    def take_over(self, workers: int) -> None:
        """A partition goes to another worker; the one before may go on for a while."""
        p = self.random.randrange(self.partitions)
        self.owner[p] = self.random.randrange(workers)
        self.takeovers += 1

    def work(self) -> None:
        """A turn of someone who has or had a partition; it may die in it, or lose its disk."""
        p = self.random.randrange(self.partitions)
        had = [worker for worker, q in self.joiners if q == p]
        worker = self.random.choice([self.owner[p], self.owner[p], *had])
        self.now += self.random.randrange(700)
        for _ in self.joiner(worker, p).turn():
            if self.random.randrange(25) == 0:
                del self.joiners[worker, p]
                if self.random.randrange(3) == 0:
                    self.disks[worker, p].lose()
                return

    def end(self) -> None:
        """All comes, and the owners read it."""
        while any(self.waiting):
            self.grow()
        for p, worker in enumerate(self.owner):
            joiner = self.joiner(worker, p)
            while True:
                list(joiner.turn())
                if joiner.report.idle and not joiner.report.rewound:
                    break

    def joiner(self, worker: int, partition: int) -> PartitionJoiner:
        """That of a worker, started where it does not run."""
        key = worker, partition
        if key not in self.joiners:
            disk = self.disks.setdefault(key, MemoryDisk())
            disk._aside = self.aside[partition]
            topics = Topics(self.log, self.examples, DecisionLog(self.logs.open("decisions", 1)))
            pace = Pace(lambda: self.now, frames=self.random.choice((1, 3, 50)), snapshot_ms=1_000, keep=3)
            self.joiners[key] = PartitionJoiner(partition, topics, rules=self.rules, disk=disk, pace=pace)
        return self.joiners[key]

    def rows(self) -> list[Resolved]:
        """What readers accept, by partition."""
        decisions = DecisionLog(self.logs.open("decisions", 1)).fold
        return [resolved(in_force(self.examples, InForce(p, decisions))) for p in range(self.partitions)]
