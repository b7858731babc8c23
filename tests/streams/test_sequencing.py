"""What becomes of raw records: their order, their clocks, their versions, and where the wrong ones go."""

from __future__ import annotations

from streams.events import Item, Tick, User
from streams.frames import encode_event
from streams.log import MemoryLogs
from streams.request_ids import mint
from tests.streams.raw_topics import (
    PARTS,
    Clock,
    buried,
    click,
    frames,
    impression,
    put,
    settle,
    slate,
    written,
)


def test_after_an_outage_events_stand_in_the_order_in_which_they_were_received() -> None:
    logs = MemoryLogs()
    for n in range(60):
        put(logs, 0, slate(f"r{n}"), 1_000 * n)
        put(logs, 0, impression(f"r{n}"), 1_000 * n + 100)
        put(logs, 0, click(n, request_id=f"r{n}"), 1_000 * n + 800)
    settle(logs, Clock(), read_limit=7)
    names = [event.event_id for event in written(logs, 0) if not isinstance(event, Tick)]
    assert names == [name for n in range(60) for name in (f"s-r{n}", f"i-r{n}", f"e{n}")]


def test_received_at_once_what_others_refer_to_comes_first() -> None:
    logs = MemoryLogs()
    for event in (click(1), impression("r"), slate("r"), User("u", 5, "ana"), Item("t", 5, "tea")):
        put(logs, 0, event, 1_000)
    settle(logs, Clock())
    kinds = [type(event).__name__ for event in written(logs, 0)]
    assert kinds == ["Item", "User", "Slate", "Impression", "Interaction"]


def test_a_clock_ahead_becomes_the_receive_time_and_an_old_event_keeps_its_own() -> None:
    logs = MemoryLogs()
    for n, ts in enumerate((7_000, 7_001, 10**12, 1, 5_000)):
        put(logs, 0, click(n, ts=ts), at=5_000)
    reports = settle(logs, Clock(), clock_ahead=2_000)
    assert [event.ts for event in written(logs, 0)] == [7_000, 5_000, 5_000, 1, 5_000]
    assert sum(report.clamped for report in reports) == 2


def test_the_version_in_the_request_id_becomes_the_model_version() -> None:
    logs = MemoryLogs()
    ours = mint(5, 7, bytes(8))
    for event in (slate(ours), impression(ours, model_version=7), click(1, request_id=ours)):
        put(logs, 0, event, 1_000)
    put(logs, 0, impression("theirs", model_version=3), 1_001)
    put(logs, 0, click(2), 1_002)
    settle(logs, Clock())
    assert [getattr(event, "model_version", 0) for event in written(logs, 0)] == [7, 7, 7, 3, None]


def test_what_can_not_be_taken_is_buried_with_its_bytes_and_its_place() -> None:
    logs = MemoryLogs()
    wrong = encode_event(click(1, request_id=mint(5, 7, bytes(8)), model_version=8))
    log = logs.open("interactions", PARTS)
    log.append(1, [encode_event(click(0)), b"\xff junk", wrong, encode_event(Tick(5)), encode_event(slate("r"))], 1_000)
    reports = settle(logs, Clock())
    assert [(letter.origin, letter.field) for letter in buried(logs)] == [
        ("interactions[1]@1", "record"),
        ("interactions[1]@2", "model_version"),
        ("interactions[1]@3", "type"),
        ("interactions[1]@4", "type"),
    ]
    assert [letter.data for letter in buried(logs)][:2] == [b"\xff junk", wrong]
    assert buried(logs)[0].at == 1_000
    assert written(logs, 1) == [click(0)]
    assert sum(report.buried for report in reports) == 4


def test_an_item_stands_in_every_partition_and_a_wrong_one_is_buried_once() -> None:
    logs = MemoryLogs()
    put(logs, 0, Item("a", 5, "tea"), 1_000)
    put(logs, 1, Item("b", 5, "cup"), 1_001)
    logs.open("items", PARTS).append(1, [b"junk"], 1_002)
    settle(logs, Clock())
    for p in range(PARTS):
        assert [event.item_id for event in written(logs, p) if isinstance(event, Item)] == ["tea", "cup"]
    assert [letter.origin for letter in buried(logs)] == ["items[1]@1"]


def test_the_header_tells_where_to_read_on_in_every_source() -> None:
    logs = MemoryLogs()
    put(logs, 1, click(1), 1_000)
    put(logs, 0, Item("a", 5, "tea"), 1_000)
    settle(logs, Clock())
    assert frames(logs, 1)[-1][1].sources == {
        "slates": {1: 0},
        "impressions": {1: 0},
        "interactions": {1: 1},
        "users": {1: 0},
        "items": {0: 1, 1: 0},
    }
