"""The host of the joiner: killed between any two effects, with lost disks, under masks that change."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.decisions import Decision, Decisions
from streams.errors import LogError, LogMismatch, PositionsBeyondLog
from streams.examples import decode
from streams.join_disk import MemoryDisk, Snapshot, spare
from streams.join_standing import Standing, changes_of
from streams.mask import Entry
from streams.partition_joiner import PartitionJoiner
from streams.rocks_join_state import RocksDisk
from streams.rules import Rules
from tests.streams.join_runs import World, events_of, framed, killed_somewhere, rows_of
from tests.streams.messy_logs import RULES


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.sampled_from((1, 20, 100)), st.sampled_from((1, 7, 100, 10_000)))
def test_rows_do_not_depend_on_frames_or_batches(seed: int, size: int, batch: int) -> None:
    events = events_of(seed, 20)
    world = World(framed(events, size), batch=batch)
    world.drain()
    assert world.in_force() == rows_of(events)


@pytest.mark.parametrize(("size", "batch"), [(1, 1), (1, 10_000), (20, 3), (100, 1)])
def test_rows_do_not_depend_on_frames_or_batches_with_the_state_in_rocksdb(
    tmp_path: Path, size: int, batch: int
) -> None:
    events = events_of(5, 60)
    disk = RocksDisk(tmp_path / "p0", tmp_path / "aside")
    world = World(framed(events, size), disk, batch=batch)
    world.drain()
    disk.close()
    assert world.in_force() == rows_of(events)


@pytest.mark.parametrize("seed", range(20))
def test_kills_between_any_two_effects_and_lost_disks_change_no_row(seed: int) -> None:
    random = Random(seed)
    events = events_of(seed)
    world = World(framed(events, random.choice((1, 5, 20))), batch=random.choice((1, 3, 10)))
    assert killed_somewhere(world, random, one_in=9) > 0
    assert world.in_force() == rows_of(events)


@pytest.mark.parametrize("seed", range(3))
def test_kills_between_any_two_effects_change_no_row_with_the_state_in_rocksdb(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    events = events_of(seed, 60)
    disk = RocksDisk(tmp_path / "p0", tmp_path / "aside")
    world = World(framed(events, 10), disk, batch=2)
    assert killed_somewhere(world, random, one_in=6) > 0
    disk.close()
    assert world.in_force() == rows_of(events)


def test_a_lost_disk_goes_on_from_the_newest_snapshot_and_sends_nothing_twice() -> None:
    events = events_of(1)
    world = World(framed(events, 5), batch=2)
    for _ in range(12):
        world.now += 600
        list(world.joiner.turn())
    assert isinstance(world.disk, MemoryDisk)
    newest = world.disk.snapshots()[-1].next
    assert newest > 0
    world.disk.lose()
    world.start()
    list(world.joiner.turn())
    assert world.joiner.report.rewound
    assert world.joiner.report.next == newest + 2
    world.drain()
    inputs = [decode(record.value).input for record in world.examples.read(0, 0)]
    assert inputs == sorted(set(inputs))
    assert world.in_force() == rows_of(events)


def test_a_lost_disk_without_snapshots_starts_at_the_begin_of_the_log() -> None:
    events = events_of(2)
    world = World(framed(events, 5), batch=4)
    list(world.joiner.turn())
    assert isinstance(world.disk, MemoryDisk)
    world.disk.lose()
    world.start()
    world.drain()
    assert world.in_force() == rows_of(events)


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_a_state_of_other_rules_is_refused() -> None:
    world = World(framed(events_of(1, 5), 5))
    world.drain()
    other = Rules(RULES.labels, grace=1, out_of_orderness=1)
    joiner = PartitionJoiner(0, world.joiner.topics, rules=other, disk=world.disk, pace=world.pace)
    with pytest.raises(LogMismatch, match="configure apply"):
        list(joiner.turn())


def test_a_state_that_stands_behind_the_end_of_its_log_is_refused() -> None:
    world = World(framed(events_of(1, 5), 5))
    world.drain()
    shorter = World(framed(events_of(1, 5), 50), world.disk)
    with pytest.raises(PositionsBeyondLog, match="made anew"):
        shorter.drain()


def test_a_log_that_lost_its_begin_is_refused_without_a_snapshot() -> None:
    class Cut:
        """A log whose first records were taken by retention."""

        topic, partitions = "events", 1

        def __init__(self, world: World) -> None:
            self.append, self.read, self.end = world.events.append, world.events.read, world.events.end
            self.offset_at, self.close = world.events.offset_at, world.events.close

        def begin(self, partition: int) -> int:
            return 3

    world = World(framed(events_of(1, 5), 5))
    world.events = Cut(world)  # type: ignore[assignment]
    world.start()
    with pytest.raises(LogError, match="begins at 3"):
        list(world.joiner.turn())


# ---- retention -------------------------------------------------------------------------------------------------------


def expire(world: World, floor: int) -> None:
    world.decisions.follow()
    seen = world.decisions.fold.position
    world.decisions.decide(Decision("expire", world.now, "retention", "", seen, floor={0: floor}))


def worked(world: World, turns: int) -> None:
    for _ in range(turns):
        world.now += 1_000
        list(world.joiner.turn())


def test_the_snapshot_at_the_floor_stays_and_those_below_it_go() -> None:
    world = World(framed(events_of(1), 2), batch=1)
    assert isinstance(world.disk, MemoryDisk)
    worked(world, 20)
    expire(world, 14)
    below = max(one.next for one in world.disk.snapshots() if one.next <= 14)
    worked(world, 30)
    kept = [one.next for one in world.disk.snapshots()]
    assert kept[0] == below
    assert kept[1] > 14
    assert len(kept) < 25


def test_a_state_that_retention_left_behind_goes_on_from_a_newer_snapshot() -> None:
    events = events_of(1)
    world = World(framed(events, 2), batch=1)
    assert isinstance(world.disk, MemoryDisk)
    worked(world, 30)
    newest = world.disk.snapshots()[-1]
    left = world.disk.current()
    assert left is not None
    world.disk.switch(world.disk.snapshots()[0], changes_of(Standing(world.disk.snapshots()[0].next, 0, newest.config)))
    world.events.trim(0, newest.next)
    world.start()
    list(world.joiner.turn())
    assert world.joiner.report.rewound
    world.drain()
    assert world.in_force() == rows_of(events)


def test_snapshots_that_a_mask_made_invalid_take_no_place_of_those_made_anew() -> None:
    decisions = Decisions()
    decisions.feed(Decision("mask", 1, "ana", "", 0, add=(Entry("q", start={0: 50}),)))
    ahead = [Snapshot(next, 0, "c") for next in range(60, 160, 10)]
    anew = [Snapshot(next, 1, "c") for next in (10, 20, 30, 40, 51, 52)]
    gone = spare([*ahead, *anew], 0, decisions, keep=4)
    assert not set(anew[-4:]) & set(gone)
    assert Snapshot(150, 0, "c") not in gone, "a lift may make it good again"
    assert len(ahead) > len(set(ahead) - set(gone)) >= 1
