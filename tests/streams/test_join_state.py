"""One suite over every store and disk of join states, and the state's changes over a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.join_disk import DamagedSnapshot, JoinDisk, MemoryDisk, Snapshot
from streams.join_keys import OPEN, REQUEST, time_key
from streams.join_state import HOT, JoinState, JoinStore, MemoryStore
from streams.rocks_join_state import RocksDisk, RocksStore


def timed(at: int, name: str = "0123456789") -> bytes:
    return OPEN + time_key(at) + name.encode()


@pytest.fixture(params=["memory", "rocks"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JoinStore]:
    made: JoinStore = MemoryStore() if request.param == "memory" else RocksStore(tmp_path / "store")
    yield made
    made.close()
    made.close()


@pytest.fixture(params=["memory", "rocks"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JoinDisk]:
    made: JoinDisk = MemoryDisk() if request.param == "memory" else RocksDisk(tmp_path / "p0", tmp_path / "aside")
    yield made
    made.close()


def test_a_store_gives_back_what_was_written_and_scans_in_order(store: JoinStore) -> None:
    store.write([], [(timed(9), b"c"), (timed(7), b"a"), (timed(8), b"b"), (REQUEST + b"x", b"y")])
    assert store.get(timed(7)) == b"a"
    assert store.get(timed(6)) is None
    assert [value for _, value in store.scan(timed(7), timed(9))] == [b"a", b"b"]
    store.write([], [(timed(8), None), (REQUEST + b"x", None)])
    assert [value for _, value in store.scan(timed(0), timed(99))] == [b"a", b"c"]
    assert store.get(REQUEST + b"x") is None


def test_a_store_drops_ranges_before_it_makes_changes(store: JoinStore) -> None:
    store.write([], [(timed(at), b"old") for at in range(5)])
    store.write([(timed(0), timed(4))], [(timed(2), b"new")])
    assert [value for _, value in store.scan(timed(0), timed(99))] == [b"new", b"old"]


def test_changes_are_seen_at_once_and_lost_without_a_commit(store: JoinStore) -> None:
    state = JoinState(store)
    state.put(timed(1), b"a")
    state.put(timed(2), b"b")
    state.commit()
    state.delete(timed(1))
    state.put(timed(3), b"c")
    assert (state.get(timed(1)), state.get(timed(3))) == (None, b"c")
    assert [value for _, value in state.scan(timed(0), timed(9))] == [b"b", b"c"]
    assert [value for _, value in JoinState(store).scan(timed(0), timed(9))] == [b"a", b"b"]


def test_a_dropped_range_is_gone_before_and_after_the_commit(store: JoinStore) -> None:
    state = JoinState(store)
    for at in range(6):
        state.put(timed(at), b"v")
    state.commit()
    state.drop(timed(0), timed(3))
    assert [state.get(timed(at)) is None for at in (2, 3)] == [True, False]
    assert len(list(state.scan(timed(0), timed(9)))) == 3
    state.commit()
    assert [state.get(timed(at)) is None for at in (2, 3)] == [True, False]
    with pytest.raises(ValueError, match="must join"):
        state.drop(timed(1), timed(4))


def test_what_is_remembered_of_a_store_is_what_it_holds(store: JoinStore) -> None:
    state = JoinState(store)
    for at in range(3):
        assert state.get(timed(at)) is None
        state.put(timed(at), b"a")
    state.commit()
    for at in range(10, 10 + 2 * HOT):
        state.get(timed(at))
    state.put(timed(0), b"b")
    state.commit()
    assert [state.get(timed(at)) for at in range(3)] == [b"b", b"a", b"a"]


def test_a_disk_is_empty_until_it_is_switched_to_something(disk: JoinDisk) -> None:
    assert disk.current() is None
    store = disk.switch(None, [(timed(1), b"a")])
    assert store.get(timed(1)) == b"a"
    assert disk.current() is store


def test_a_snapshot_is_gone_back_to_whole_with_the_changes_of_the_switch(disk: JoinDisk) -> None:
    store = disk.switch(None, [(timed(1), b"a")])
    early, late = Snapshot(5, 0, "c"), Snapshot(9, 1, "c")
    disk.snapshot(early)
    store.write([], [(timed(1), b"b"), (timed(2), b"b")])
    disk.snapshot(late)
    assert disk.snapshots() == [early, late]
    store = disk.switch(early, [(timed(3), b"c")])
    assert [value for _, value in store.scan(timed(0), timed(9))] == [b"a", b"c"]
    store.write([], [(timed(1), b"spoilt")])
    assert disk.switch(early, []).get(timed(1)) == b"a"
    disk.remove(early)
    assert disk.snapshots() == [late]
    with pytest.raises(DamagedSnapshot):
        disk.switch(early, [])


def test_a_rocksdb_is_found_again_by_another_process_and_leaves_no_lock(tmp_path: Path) -> None:
    disk = RocksDisk(tmp_path / "p0", tmp_path / "aside")
    disk.switch(None, [(timed(1), b"a")])
    disk.snapshot(Snapshot(5, 0, "c"))
    disk.close()
    again = RocksDisk(tmp_path / "p0", tmp_path / "aside")
    store = again.current()
    assert store is not None
    assert store.get(timed(1)) == b"a"
    again.close()


def test_a_switch_that_died_half_way_is_as_if_it_never_began(tmp_path: Path) -> None:
    disk = RocksDisk(tmp_path / "p0", tmp_path / "aside")
    disk.switch(None, [(timed(1), b"a")])
    disk.close()
    half = RocksStore(tmp_path / "p0" / "state-000002")
    half.close()
    again = RocksDisk(tmp_path / "p0", tmp_path / "aside")
    store = again.current()
    assert store is not None
    assert store.get(timed(1)) == b"a"
    assert [path.name for path in (tmp_path / "p0").glob("state-*")] == ["state-000001"]
    again.close()


def test_a_damaged_snapshot_is_refused_by_name_and_what_stood_stands(tmp_path: Path) -> None:
    disk = RocksDisk(tmp_path / "p0", tmp_path / "aside")
    disk.switch(None, [(timed(1), b"a")])
    snapshot = Snapshot(5, 0, "c")
    disk.snapshot(snapshot)
    victim = next((tmp_path / "aside" / snapshot.name).glob("*.sst"))
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(DamagedSnapshot, match=victim.name):
        disk.switch(snapshot, [])
    store = disk.current()
    assert store is not None
    assert store.get(timed(1)) == b"a"
    disk.close()
