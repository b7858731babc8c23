"""The folds of one partition: what they drop, and that framing and snapshots change nothing."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.fold_rules import FoldRules
from serving.part import Part
from serving.part_files import restore, snapshot
from serving.part_heads import prune, snapshots
from streams.decisions import Decision, Decisions
from streams.events import Event, Tick, User
from streams.mask import Entry
from tests.worlds import Now, Telling

RULES = FoldRules(
    history=4, seen=5, out_of_orderness=10, horizon=1_000, fast_half_life=50, slow_half_life=400, follow_window=90
)


def stream(seed: int, size: int = 60) -> list[Event]:
    """Some of everything, with repeats, late events and deletes."""
    random, telling = Random(seed), Telling(Now(5_000))
    events: list[Event] = []
    for _ in range(size):
        telling.now.at += random.choice([0, 5, 40, 4_000 if random.random() < 0.02 else 0])
        user, item = f"u{random.randrange(4)}", f"i{random.randrange(6)}"
        makers = [
            lambda user=user, item=item: telling.click(user, item, random.choice(["click", "dwell", "like"])),
            lambda user=user: telling.shown(user, *random.sample([f"i{n}" for n in range(6)], 3)),
            lambda item=item: telling.item(item, categories=(random.choice("ab"),)),
            lambda: Tick(telling.now()),
            lambda: random.choice(events) if events else Tick(telling.now()),
            lambda user=user: User(f"d{telling.now()}", telling.now() - random.choice([0, 30]), user, deleted=True),
        ]
        events.append(random.choices(makers, [8, 6, 2, 1, 3, 0.5])[0]())
    return events


def told(part: Part) -> bytes:
    """Everything that a part knows, as bytes."""
    pieces = [
        sorted(part.profiles.told()),
        part.popularity.told(),
        part.following.told(),
        sorted(part.covisitation.told()),
        sorted(part.catalogue.told(), key=lambda pair: pair[0].item_id),
        sorted(part.forgotten.items()),
        part.newest,
        part.positions,
    ]
    return msgspec.msgpack.encode(pieces)


def folded(events: list[Event], cuts: list[int]) -> Part:
    part, edges = Part(0, 1, RULES), sorted({0, len(events), *cuts})
    for n, (start, stop) in enumerate(pairwise(edges)):
        part.feed(0, n, events[start:stop])
    part.next = len(events)
    return part


@given(st.integers(0, 10_000), st.lists(st.integers(0, 60), max_size=8))
def test_the_state_does_not_depend_on_frames(seed: int, cuts: list[int]) -> None:
    events = stream(seed)
    assert told(folded(events, cuts)) == told(folded(events, list(range(60))))


@given(st.integers(0, 10_000), st.integers(0, 60))
def test_a_restored_part_goes_on_as_if_nothing_had_happened(seed: int, cut: int) -> None:
    events = stream(seed)
    whole, first = Part(0, 1, RULES), Part(0, 1, RULES)
    for offset, event in enumerate(events):
        whole.feed(0, offset, [event])
        if offset < cut:
            first.feed(0, offset, [event])
    with TemporaryDirectory() as folder:
        second = Part(0, 1, RULES)
        restore(second, snapshot(first, Path(folder)))
    for offset, event in enumerate(events):
        second.feed(0, offset, [event])
    assert told(second) == told(whole)


def test_a_repeated_event_counts_once() -> None:
    part, telling = Part(0, 1, RULES), Telling()
    click = telling.click("ana", "tea")
    part.feed(0, 0, [click])
    part.feed(0, 1, [click])
    assert len(part.profiles.of("ana").history) == 1


def test_a_deleted_user_is_forgotten_and_late_events_bring_nothing_back() -> None:
    part, telling = Part(0, 1, RULES), Telling()
    early, late = telling.click("ana", "tea"), telling.click("ana", "jam")
    part.feed(0, 0, [early, User("d", late.ts, "ana", deleted=True), late])
    assert part.profiles.of("ana").history_at is None
    part.feed(0, 1, [telling.click("ana", "oil")])
    assert [past.item_id for past in part.profiles.of("ana").history] == ["oil"]


def test_a_frame_that_was_fed_before_changes_nothing() -> None:
    part, telling = Part(0, 1, RULES), Telling()
    part.feed(0, 0, [telling.click("ana", "tea")])
    part.feed(0, 0, [telling.click("ana", "jam")])
    assert part.positions == {0: 1}
    assert len(part.profiles.of("ana").history) == 1


def test_a_damaged_snapshot_is_refused(tmp_path: Path) -> None:
    part = folded(stream(3), [])
    home = snapshot(part, tmp_path)
    data = bytearray((home / "pairs").read_bytes())
    data[-1] ^= 1
    (home / "pairs").write_bytes(data)
    with pytest.raises(ValueError, match="other bytes"):
        restore(Part(0, 1, RULES), home)


def test_the_newest_snapshots_stay(tmp_path: Path) -> None:
    part, telling = Part(0, 1, RULES), Telling()
    for offset in range(40):
        part.feed(0, offset, [telling.click("ana", "tea")])
        snapshot(part, tmp_path)
        prune(tmp_path, Decisions(), keep=2, newest=part.next)
    kept = [head.next for _, head in snapshots(tmp_path)]
    assert (kept[:2], kept[-1]) == ([40, 39], 1)
    assert 10 < len(kept) < 25, "and some of each doubling of the distance"


def test_of_two_snapshots_at_one_position_the_valid_one_stays(tmp_path: Path) -> None:
    """One from before a mask and one after: after the lift the older one holds again."""
    decisions, part = Decisions(), Part(0, 1, RULES)
    part.feed(0, 9, [Telling().click("ana", "tea")])
    snapshot(part, tmp_path)
    decisions.feed(Decision("mask", 1, "ana", "", 0, add=(Entry("q", start={0: 3}),)))
    part.decisions = decisions.position
    snapshot(part, tmp_path)
    decisions.feed(Decision("mask", 1, "ana", "", 1, remove=("q",)))
    prune(tmp_path, decisions, keep=2, newest=part.next)
    assert [head.decisions for _, head in snapshots(tmp_path)] == [0]
