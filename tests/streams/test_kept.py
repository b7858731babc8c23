"""How a joiner lets go: a little at a time, by the events alone, and in the end of everything."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from streams import join_keys
from streams.events import Event, Tick, User
from streams.families import changes_in
from streams.given import resolved
from streams.join_disk import Snapshot
from streams.join_keys import META
from streams.join_state import JoinState, MemoryStore
from streams.joiner import Joiner
from streams.rocks_join_state import RocksDisk
from tests.streams.join_runs import events_of, fed, framed
from tests.streams.join_stories import CLICK, done, shown, told
from tests.streams.messy_logs import S, messy_log, shares


@pytest.mark.parametrize("seed", range(8))
def test_rows_and_counts_do_not_depend_on_how_much_a_step_lets_go_of(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    events = [*shares(messy_log(Random(seed), 60), 1)[0], *(Tick((1000 + n) * S) for n in range(400))]
    frames, counts = fed(framed(events, 9))
    monkeypatch.setattr("streams.kept.MOST_SWEPT", 2)
    again, counted = fed(framed(events, 4))
    assert resolved(again) == resolved(frames)
    assert counted == counts


def test_after_a_gap_in_time_each_event_waits_for_a_step_and_in_the_end_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.kept.MOST_SWEPT", 5)
    store = MemoryStore()
    state = JoinState(store)
    joiner = Joiner(CLICK, state, partition=0, partitions=1)
    shows: list[Event] = [shown(100 + n, "tea", request=f"r{n}") for n in range(20)]
    waits: list[Event] = [done(100 + n, "jam", request=f"q{n}") for n in range(20)]
    joiner.feed(0, [*shows, *waits])
    left = []
    for n in range(20):
        joiner.feed(1 + n, [Tick((900 + n) * S)])
        joiner.save()
        state.commit()
        found = [key for key, value in changes_in(store._families) if value is not None]
        left.append(sum(key[:1] not in (META, join_keys.HISTORY) for key in found))
    steps = [before - after for before, after in pairwise(left)]
    assert left[0] > left[1] > 0
    assert max(steps) <= 2 * 5 * 4  # as many of each kind, each with its name
    assert left[-1] == 0


def test_what_is_opened_again_after_a_forget_closes_once() -> None:
    again = shown(100, "tea")
    events: list[Event] = [again, User("f", 99 * S, "ana", deleted=True), again, Tick(300 * S)]
    assert [row[:3] for row in told(events) if row[0] == "label"] == [("label", "tea", {"click": 0.0})]


def test_a_snapshot_of_another_format_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = RocksDisk(tmp_path / "p0", tmp_path / "aside")
    disk.switch(None, [])
    disk.snapshot(Snapshot(5, 0, "c"))
    assert len(disk.snapshots()) == 1
    monkeypatch.setattr("streams.rocks_join_state.FORMAT", join_keys.FORMAT + 1)
    assert disk.snapshots() == []
    disk.close()


def test_a_lot_of_messy_events_is_all_let_go_of() -> None:
    store = MemoryStore()
    state = JoinState(store)
    joiner = Joiner(CLICK, state, partition=0, partitions=1)
    for offset, events in enumerate(framed([*events_of(3, 80), *(Tick(n * S) for n in range(2000, 2400))], 10)):
        joiner.feed(offset, events)
        joiner.save()
        state.commit()
    lasting = {join_keys.META, join_keys.HISTORY, join_keys.ITEM, join_keys.ATTRIBUTES}
    found = {key[:1] for key, value in changes_in(store._families) if value is not None}
    assert found <= lasting
