"""What sources say of their own counts: from the wire into the frames, past every fold that doesn't count."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.fold_rules import FoldRules
from serving.part import Part
from streams.deliveries import Deliveries
from streams.errors import BadEvent
from streams.events import Announcement, Arrival, Event, Tick
from streams.frames import EventFrame, decode_event, decode_frame, encode_event, encode_frame
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.mask import Entry
from streams.positions import partition_of
from streams.wire import parse, read
from tests.streams.raw_topics import PARTS, Clock, buried, click, frames, settle, ticks

HOME = partition_of("page-1", PARTS)
TOLD: dict[str, Any] = {
    "type": "announce",
    "event_id": "a",
    "ts": 900,
    "source": "page-1",
    "since": 100,
    "totals": {"impression": 7, "click": 3},
    "producer": "web",
    "app_version": "9",
}
SAID = Announcement("a", 900, "page-1", 100, {"click": 3, "impression": 7}, "web", "9")


def told(**change: Any) -> bytes:
    return json.dumps({name: value for name, value in (TOLD | change).items() if value is not None}).encode()


def in_order(logs: MemoryLogs, p: int = HOME) -> list[Arrival]:
    return [event for _, frame in frames(logs, p) for event in frame.in_order() if not isinstance(event, Tick)]


def test_on_the_wire_it_is_one_flat_object_like_the_events() -> None:
    assert read(told(), received_at=1_000).event == SAID
    assert read(told(sent_at=950), received_at=1_000).event == msgspec.structs.replace(SAID, ts=950, since=150)
    assert decode_event(encode_event(SAID)) == SAID


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"source": None}, "source"),
        ({"since": None}, "since"),
        ({"totals": None}, "totals"),
        ({"totals": {}}, "totals"),
        ({"totals": {"clack": 1}}, "totals"),
        ({"totals": {"announce": 1}}, "totals"),
        ({"totals": {"click": -1}}, "totals.click"),
        ({"totals": {"click": 2**60}}, "totals.click"),
    ],
)
def test_a_wrong_one_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadEvent) as refused:
        read(told(**change), received_at=1_000)
    assert refused.value.field == field


def test_whoever_asks_for_an_event_gets_no_announcement() -> None:
    with pytest.raises(BadEvent, match="announce"):
        parse(told(), received_at=1_000)


def test_over_the_gateway_and_over_kafka_it_comes_into_the_frames_at_its_place() -> None:
    logs = MemoryLogs()
    intake = Intake(logs, partitions=PARTS, clock=lambda: 1_000)
    user = next(name for name in map(str, range(99)) if partition_of(name, PARTS) == HOME)
    done = json.dumps({"type": "click", "user_id": user, "item_id": "tea", "ts": 900, "producer": "web"}).encode()
    outcomes = intake.take([done, told(), done.replace(b"900", b"901")])
    logs.open("interactions", PARTS).append(HOME, [told(event_id="b")], 1_001)
    reports = settle(logs, Clock(now=50))  # a sequencer that was there before the source
    assert all(outcome.accepted for outcome in outcomes)
    assert [type(event).__name__ for event in in_order(logs)] == ["Interaction", "Announcement"] * 2
    assert reports[-1].announced == {"web/impression": 7, "web/click": 3}
    assert reports[-1].delivered == {"web/click": 2}
    assert buried(logs) == []


def test_it_moves_no_time_so_ticks_go_on_beside_it() -> None:
    logs = MemoryLogs()
    logs.open("interactions", PARTS).append(HOME, [told()], 1_000)
    settle(logs, Clock())
    (_, frame), *_ = frames(logs, HOME)
    assert (frame.events, frame.announced) == ((), ((0, SAID),))
    assert len(ticks(logs, HOME)) == 1


@settings(deadline=None, max_examples=60)
@given(kinds=st.lists(st.booleans(), max_size=30), frame_events=st.integers(1, 9), read_limit=st.integers(1, 9))
def test_its_place_among_the_events_does_not_depend_on_frames(
    kinds: list[bool], frame_events: int, read_limit: int
) -> None:
    logs = MemoryLogs()
    sent: list[Arrival] = [
        click(n) if one else msgspec.structs.replace(SAID, event_id=f"e{n}") for n, one in enumerate(kinds)
    ]
    logs.open("interactions", PARTS).append(HOME, [encode_event(event) for event in sent], 1_000)
    settle(logs, Clock(), frame_events=frame_events, read_limit=read_limit)
    assert in_order(logs) == sent
    for _, frame in frames(logs, HOME):
        assert len(frame.events) + len(frame.announced) <= frame_events


def test_a_frame_without_announcements_has_the_bytes_that_it_always_had() -> None:
    frame = EventFrame((click(1),), {"slates": {0: 3}})
    assert encode_frame(frame) == msgspec.msgpack.encode([list(frame.events), frame.sources])
    assert decode_frame(encode_frame(frame)) == frame


def test_a_reader_of_the_days_before_reads_the_events_beside_it() -> None:
    class Frame(msgspec.Struct, frozen=True, array_like=True):
        events: tuple[Event, ...]
        sources: dict[str, dict[int, int]] = {}

    frame = EventFrame((click(1),), {"slates": {0: 3}}, ((1, SAID),))
    assert msgspec.msgpack.decode(encode_frame(frame), type=Frame).events == frame.events


def test_a_fold_that_does_not_count_is_the_same_with_and_without_it() -> None:
    parts = []
    for announced in ((), ((0, SAID),)):
        frame = decode_frame(encode_frame(EventFrame((click(1),), {}, announced)))
        part = Part(0, 1, FoldRules(history=5, out_of_orderness=0, horizon=10_000, impressions="shown"))
        part.feed(0, 0, frame.events)
        parts.append((part.newest, part.next, part.popularity.told()))
    assert parts[0] == parts[1]


def test_a_mask_line_covers_it_by_producer_version_and_time() -> None:
    assert Entry("q", {0: 0}, producer="web").covers(0, 5, SAID)
    assert Entry("q", {0: 0}, app_version="9", t0=0, t1=901).covers(0, 5, SAID)
    assert not Entry("q", {0: 6}, producer="web").covers(0, 5, SAID)
    assert not Entry("q", {0: 0}, producer="tv").covers(0, 5, SAID)
    assert not Entry("q", {0: 0}, surface="home").covers(0, 5, SAID)


def test_half_of_the_clicks_lost_on_the_way_are_told_from_frames_alone() -> None:
    logs = MemoryLogs()
    intake = Intake(logs, partitions=PARTS, clock=lambda: 1_000)
    for n in range(1, 41):
        done = {"type": "click", "user_id": f"u{n}", "item_id": "tea", "event_id": f"e{n}", "producer": "web"}
        lost = n % 2 == 0 and n > 20
        intake.take([json.dumps(done).encode()] * (not lost))
        if n % 5 == 0 and n != 25:  # one announcement gets lost too
            intake.take([told(event_id=f"a{n}", totals={"click": n})])
    settle(logs, Clock())
    deliveries = Deliveries(since=0)
    for p in range(PARTS):
        for event in in_order(logs, p):
            deliveries.feed(event)
    assert deliveries.announced["web", "click"] == 40
    assert deliveries.delivered["web", "click"] == 30
