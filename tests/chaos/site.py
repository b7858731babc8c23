"""What outlives every process of a run: the topics, the disks, the versions, and the clock on the wall.

`Archive` is a topic that remembers what retention took; `Behind` is how a process sees it that was cut off for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checkpoints.floors import Aside
from checkpoints.store import VersionStore
from serving.part_heads import snapshots as part_snapshots
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.join_disk import MemoryDisk
from streams.log import Log, MemoryLog, Record
from tests.chaos.world import PARTITIONS


class Archive:
    """A topic in memory, and every record that was ever in it."""

    def __init__(self, topic: str, partitions: int) -> None:
        self.topic, self.partitions = topic, partitions
        self._log = MemoryLog(topic, partitions)
        self.ever: list[list[Record]] = [[] for _ in range(partitions)]

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        end = self._log.append(partition, values, at)
        first = end - len(values)
        self.ever[partition] += [Record(first + i, at, value) for i, value in enumerate(values)]
        return end

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        return self._log.read(partition, since, limit)

    def begin(self, partition: int) -> int:
        return self._log.begin(partition)

    def end(self, partition: int) -> int:
        return self._log.end(partition)

    def offset_at(self, partition: int, at: int) -> int:
        return self._log.offset_at(partition, at)

    def trim(self, partition: int, before: int) -> None:
        self._log.trim(partition, before)

    def close(self) -> None:
        """Nothing to let go of."""


class Behind:
    """A topic as it was at some moment, until its reader appends to it: then it sees what is there."""

    def __init__(self, log: Log) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self._log = log
        self._until: int | None = log.end(0)

    def append(self, partition: int, values: Sequence[bytes], at: int) -> int:
        self._until = None
        return self._log.append(partition, values, at)

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        records = self._log.read(partition, since, limit)
        return records if self._until is None else [record for record in records if record.offset < self._until]

    def begin(self, partition: int) -> int:
        return self._log.begin(partition)

    def end(self, partition: int) -> int:
        return self._log.end(partition) if self._until is None else self._until

    def offset_at(self, partition: int, at: int) -> int:
        return self._log.offset_at(partition, at)

    def trim(self, partition: int, before: int) -> None:
        self._log.trim(partition, before)

    def close(self) -> None:
        """Nothing to let go of."""


class Topics:
    """Every topic of the site; with `behind`, the decisions as they stand now."""

    def __init__(self, logs: dict[str, Archive], *, behind: bool = False) -> None:
        self._logs, self._behind = logs, behind

    def open(self, topic: str, partitions: int) -> Log:
        log = self._logs.setdefault(topic, Archive(topic, partitions))
        return Behind(log) if self._behind and topic == DECISIONS else log

    def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class Site:
    """Everything durable, and the time."""

    folder: Path
    now: int = 1000
    logs: dict[str, Archive] = field(default_factory=dict)
    disks: list[MemoryDisk] = field(default_factory=lambda: [MemoryDisk() for _ in range(PARTITIONS)])

    def __post_init__(self) -> None:
        self.topics = Topics(self.logs)
        self.events, self.examples = (self.archive(name, PARTITIONS) for name in ("events", "examples"))
        self.archive(DECISIONS, 1)
        self.store = VersionStore(self.folder / "versions")
        self.folds = self.folder / "folds"

    def clock(self) -> int:
        return self.now

    def archive(self, topic: str, partitions: int) -> Archive:
        return self.logs.setdefault(topic, Archive(topic, partitions))

    def decisions(self) -> DecisionLog:
        """Someone who has read every line up to now."""
        log = DecisionLog(self.logs[DECISIONS])
        log.follow()
        return log

    def aside(self) -> Aside:
        """The snapshots of all folds."""
        joins = {p: [(one.next, one.decisions) for one in disk.snapshots()] for p, disk in enumerate(self.disks)}
        served = {
            p: [(head.next, head.decisions) for _, head in part_snapshots(self.folds / f"p{p}")]
            for p in range(PARTITIONS)
        }
        return {"join": joins, "serve": served}

    def cut_off(self) -> Topics:
        """The topics for one who learns of no decision made from now on."""
        return Topics(self.logs, behind=True)
