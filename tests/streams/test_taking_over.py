"""A partition that goes from one worker to another, and comes back: each has a disk, all share the snapshots."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from streams.examples import decode
from streams.in_force import InForce
from streams.join_standing import floor_of
from streams.rocks_join_state import RocksDisk
from tests.streams.join_runs import World, events_of, framed, rows_of


def turns(world: World, count: int) -> None:
    for _ in range(count):
        world.now += 600
        list(world.joiner.turn())


def handed_to(world: World, disk: RocksDisk) -> None:
    """The partition is another worker's now."""
    world.disk.close()
    world.disk = disk
    world.start()


@pytest.fixture
def disks(tmp_path: Path) -> tuple[RocksDisk, RocksDisk]:
    first, second = (RocksDisk(tmp_path / name / "p0", tmp_path / "aside") for name in ("join-0", "join-1"))
    return first, second


def test_a_worker_that_gets_a_partition_back_goes_on_where_the_other_left_it(
    disks: tuple[RocksDisk, RocksDisk],
) -> None:
    events = events_of(1)
    world = World(framed(events, 5), disks[0], batch=2)
    turns(world, 3)
    handed_to(world, disks[1])
    turns(world, 12)
    newest = disks[1].snapshots()[-1].next
    assert newest > 6
    handed_to(world, disks[0])
    turns(world, 1)
    assert world.joiner.report.rewound
    assert world.joiner.report.next == newest + 2
    world.drain()
    world.disk.close()
    assert world.in_force() == rows_of(events)


def test_its_own_state_stands_where_the_further_snapshot_is_damaged(disks: tuple[RocksDisk, RocksDisk]) -> None:
    events = events_of(2)
    world = World(framed(events, 5), disks[0], batch=2)
    turns(world, 5)
    stood = world.joiner.report.next
    handed_to(world, disks[1])
    turns(world, 2)
    for snapshot in disks[1].snapshots():
        if snapshot.next > stood:
            next((disks[1]._snapshots / snapshot.name).glob("*.sst")).unlink()
    handed_to(world, disks[0])
    turns(world, 1)
    assert not world.joiner.report.rewound
    assert world.joiner.report.next == stood + 2
    world.drain()
    world.disk.close()
    assert world.in_force() == rows_of(events)


def test_the_floor_is_found_from_the_end_of_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(framed(events_of(3), 5), batch=2)
    world.drain()
    records = world.examples.read(0, 0)
    last = decode(records[-1].value).input
    rule = InForce(0, world.decisions.fold)
    monkeypatch.setattr("streams.join_standing.RECENT", 3)
    assert floor_of(world.examples, rule) == last
    world.examples.append(0, [dead(record.value) for record in records[:40]], at=0)
    assert floor_of(world.examples, rule) == last, "forty dead frames lie after the last one in force"


def dead(value: bytes) -> bytes:
    """The same frame in a lineage that never held."""
    frame = msgspec.msgpack.decode(value)
    return msgspec.msgpack.encode(["dead", *frame[1:]])
