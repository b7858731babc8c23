"""A watch beside a worker: only getting on counts, and only while the broker answers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from streams.errors import LogError
from streams.join_watch import Watch
from streams.log import MemoryLog


@dataclass
class Partition:
    next: int = 0
    pulse: int = 0


@dataclass
class Worker:
    assignments: int = 1
    settled: bool = True
    desks: dict[int, Partition] = field(default_factory=lambda: {0: Partition()})


class Ground:
    """A worker, its log, and a clock that a test turns."""

    def __init__(self) -> None:
        self.worker, self.log, self.now, self.away = Worker(), MemoryLog("events", 1), 0, False
        end = self.log.end

        def asked(partition: int) -> int:
            if self.away:
                raise LogError("no broker")
            return end(partition)

        self.log.end = asked  # type: ignore[method-assign]
        self.watch = Watch(
            self.worker, self.log, lambda _: None, patience=30_000, joining=10_000, clock=lambda: self.now
        )

    def looks(self, seconds: int) -> str:
        words = ""
        for _ in range(seconds):
            self.now += 1_000
            words = self.watch.look()
        return words


@pytest.fixture
def ground() -> Ground:
    return Ground()


def test_a_worker_at_the_end_of_its_log_may_rest(ground: Ground) -> None:
    assert ground.looks(100) == ""
    assert ground.watch.stood == 0


def test_a_partition_that_stays_where_it_is_while_its_log_goes_on_is_named(ground: Ground) -> None:
    ground.log.append(0, [b"frame"], at=0)
    assert ground.looks(31) == ""
    assert ground.watch.stood == 30_000
    assert ground.looks(1) == "events[0] at 0 of 1, for 31 s"


def test_whoever_gets_on_with_anything_does_not_stand_still(ground: Ground) -> None:
    ground.log.append(0, [b"frame"], at=0)
    for _ in range(10):
        assert ground.looks(20) == ""
        ground.worker.desks[0].pulse += 1


def test_nothing_is_said_while_the_broker_is_away_nor_at_once_when_it_is_back(ground: Ground) -> None:
    ground.log.append(0, [b"frame"], at=0)
    ground.looks(5)
    ground.away = True
    assert ground.looks(120) == ""
    ground.away = False
    assert ground.looks(30) == ""
    assert "events[0]" in ground.looks(5)


def test_a_worker_that_is_told_no_partitions_for_too_long_is_named_later(ground: Ground) -> None:
    ground.worker.settled = False
    assert ground.looks(41) == ""
    assert ground.looks(1) == "no partitions were given or refused, for 31 s"


def test_a_partition_behind_the_end_of_its_log_is_named_too(ground: Ground) -> None:
    ground.worker.desks[0].next = 9
    assert "at 9 of 0" in ground.looks(40)
