"""Sequencers that share the lanes: what one gives away another takes up, and nothing is lost between them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from streams.events import Interaction
from streams.log import Log, MemoryLogs
from streams.positions import Positions
from tests.streams.raw_topics import PARTS, Clock, Hooked, buried, click, put, turns, written


@dataclass
class Handed:
    """Lanes that the test hands out."""

    lanes: frozenset[int]
    told: list[dict[str, Positions]] = field(default_factory=list)
    shared: bool = True

    def owned(self) -> frozenset[int]:
        return self.lanes

    def tell(self, positions: dict[str, Positions]) -> None:
        self.told.append(positions)

    def close(self) -> None:
        self.lanes = frozenset()


BOTH = frozenset(range(PARTS))


def test_a_sequencer_runs_the_lanes_that_it_owns_and_no_other() -> None:
    logs, clock, lanes = MemoryLogs(), Clock(), Handed(frozenset({1}))
    for n in range(200):
        put(logs, n % PARTS, click(n), 1_000)
    next(turns(logs, clock, lanes=lanes))
    assert [len(written(logs, p)) for p in range(PARTS)] == [0, 100]
    assert lanes.told[-1]["interactions"] == {1: 100}


def test_a_lane_that_is_given_away_and_comes_back_goes_on_behind_what_the_other_wrote() -> None:
    logs, clock, mine, theirs = MemoryLogs(), Clock(), Handed(BOTH), Handed(frozenset())
    one, two = turns(logs, clock, lanes=mine), turns(logs, clock, lanes=theirs)
    for n, (mine.lanes, theirs.lanes) in enumerate([(BOTH, frozenset()), (frozenset(), BOTH), (BOTH, frozenset())]):
        for k in range(100):
            put(logs, 0, click(100 * n + k), 1_000)
        next(one)
        next(two)
    assert written(logs, 0) == [click(n) for n in range(300)]


def test_two_sequencers_in_one_lane_repeat_events_but_lose_none_and_go_on() -> None:
    logs, clock = MemoryLogs(), Clock()
    one, two = turns(logs, clock, lanes=Handed(BOTH)), turns(logs, clock, lanes=Handed(BOTH))
    for n in range(6):
        for k in range(100):
            put(logs, 0, click(100 * n + k), 1_000)
        next(one if n % 2 else two)
        next(one)
        next(two)
    ids = [event.event_id for event in written(logs, 0) if isinstance(event, Interaction)]
    assert list(dict.fromkeys(ids)) == [f"e{n}" for n in range(600)]
    assert len(ids) < 1_200


def test_what_one_sequencer_buried_is_not_buried_again_by_the_one_that_takes_over() -> None:
    logs, clock, mine, theirs = MemoryLogs(), Clock(), Handed(BOTH), Handed(frozenset())
    logs.open("interactions", PARTS).append(0, [b"junk"], 1_000)
    dies = turns(_DiesAfterBurial(logs), clock, lanes=mine, tick_ms=10**9)
    next(dies)
    clock.now += 20
    with pytest.raises(Died):
        next(dies)
    assert len(buried(logs)) == 1
    two = turns(logs, clock, lanes=theirs)
    next(two)
    theirs.lanes = BOTH
    for _ in range(5):
        next(two)
        clock.now += 20
    assert len(buried(logs)) == 1


class Died(Exception):
    """The death of a process between two effects."""


class _DiesAfterBurial:
    """Logs whose `events` can't be written."""

    def __init__(self, logs: MemoryLogs) -> None:
        self._logs = logs

    def open(self, topic: str, partitions: int) -> Log:
        log = self._logs.open(topic, partitions)
        return Hooked(log, on_append=_die) if topic == "events" else log

    def close(self) -> None:
        """Nothing to let go of."""


def _die(effect: object) -> int:
    raise Died
