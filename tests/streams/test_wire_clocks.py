"""Clocks of devices: what `sent_at` says of them, and what becomes of the times beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadEvent
from streams.events import Interaction
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.positions import partition_of
from streams.wire import read
from tests.streams.raw_topics import PARTS, Clock, settle, written

CLICK: dict[str, Any] = {"type": "click", "event_id": "e", "user_id": "ana", "item_id": "tea"}
NOW = 1_700_000_000_000
ANA = partition_of("ana", PARTS)


def moved(**fields: Any) -> Any:
    return read(json.dumps(CLICK | fields).encode(), received_at=NOW)


@given(error=st.integers(-(10**11), 10**11), age=st.integers(0, 10**9))
def test_however_wrong_the_clock_the_event_is_as_old_as_it_was_at_sending(error: int, age: int) -> None:
    told = moved(ts=NOW - age + error, sent_at=NOW + error)
    assert told.event.ts == NOW - age
    assert told.shifted == (error != 0)


def test_the_event_says_no_more_of_the_device_and_a_repeat_has_the_same_id() -> None:
    fields = {name: value for name, value in CLICK.items() if name != "event_id"} | {"ts": 500}
    ids = {read(fields | more, received_at=NOW).event.event_id for more in ({}, {"sent_at": 600}, {"sent_at": 700})}
    assert len(ids) == 1
    assert moved(ts=500, sent_at=600).event == Interaction("e", NOW - 100, "ana", "click", item_id="tea")


def test_all_times_of_the_device_are_moved_and_a_missing_one_is_the_time_of_receipt() -> None:
    told = moved(ts=1_500, impression_ts=1_000, sent_at=2_000).event
    assert (told.ts, told.impression_ts) == (NOW - 500, NOW - 1_000)
    assert moved(sent_at=2_000).event.ts == NOW


@pytest.mark.parametrize(
    "fields",
    [
        {"ts": NOW, "sent_at": NOW // 1000},  # seconds
        {"ts": NOW, "sent_at": NOW * 1000},  # microseconds
        {"ts": 1, "sent_at": 250_000_000_000_000},  # corrected, it would be long before 1970
        {"ts": NOW, "sent_at": -1},
        {"ts": NOW, "sent_at": "noon"},
    ],
)
def test_a_sent_at_that_can_not_be_is_refused_by_name(fields: dict[str, Any]) -> None:
    with pytest.raises(BadEvent) as refused:
        moved(**fields)
    assert refused.value.field == "sent_at"


def test_a_clock_that_is_ahead_of_its_own_sending_is_clamped_afterwards() -> None:
    logs = MemoryLogs()
    told = json.dumps(CLICK | {"ts": 5_000, "sent_at": 1_000}).encode()
    logs.open("interactions", PARTS).append(ANA, [told], NOW)
    reports = settle(logs, Clock(NOW))
    assert [event.ts for event in written(logs, ANA)] == [NOW]
    assert (sum(r.shifted for r in reports), sum(r.clamped for r in reports)) == (1, 1)


def test_a_corrected_time_is_the_same_after_a_restart_of_the_sequencer() -> None:
    times = []
    for now in (NOW, NOW + 10**7):
        logs = MemoryLogs()
        told = json.dumps(CLICK | {"ts": 5_000, "sent_at": 6_000}).encode()
        logs.open("interactions", PARTS).append(ANA, [told], NOW)
        settle(logs, Clock(now))
        times.append(written(logs, ANA)[0].ts)
    assert times == [NOW - 1_000, NOW - 1_000]


def test_the_gateway_corrects_by_its_own_clock_at_the_request() -> None:
    logs = MemoryLogs()
    intake = Intake(logs, partitions=PARTS, clock=lambda: NOW)
    intake.take([json.dumps(CLICK | {"ts": 5_000, "sent_at": 6_000}).encode()])
    settle(logs, Clock(NOW))
    assert [event.ts for event in written(logs, ANA)] == [NOW - 1_000]
    assert intake.told()["intake"]["shifted"] == 1
