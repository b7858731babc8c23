from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dead_letters import PARTITIONS, TOPIC, DeadLetters
from streams.errors import LogError
from streams.events import RAW_TOPICS, Event, Interaction, Shown, Slate, Tick
from streams.frames import decode_event
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.positions import partition_of
from tests.streams.full_disk import FullDisk

PARTS = 4


def click(**more: Any) -> bytes:
    return json.dumps({"type": "click", "event_id": "e1", "user_id": "ana", "item_id": "tea", "ts": 5} | more).encode()


def taken(logs: MemoryLogs, topic: str) -> list[Event]:
    log = logs.open(topic, PARTS)
    return [decode_event(record.value) for p in range(PARTS) for record in log.read(p, 0)]


def buried(logs: MemoryLogs) -> list[bytes]:
    return [letter.data for _, letter in DeadLetters(logs.open(TOPIC, PARTITIONS)).list()]


def test_good_events_are_kept_when_others_are_wrong() -> None:
    logs = MemoryLogs()
    outcomes = Intake(logs, partitions=PARTS, clock=lambda: 9).take([click(), b"{", click(event_id="e2", user_id=None)])
    assert [(o.index, o.event_id, o.accepted, o.field) for o in outcomes] == [
        (0, "e1", True, ""),
        (1, None, False, "event"),
        (2, "e2", False, "user_id"),
    ]
    assert taken(logs, "interactions") == [Interaction("e1", 5, "ana", "click", item_id="tea")]
    assert buried(logs) == [b"{", click(event_id="e2", user_id=None)]


def test_a_letter_says_what_is_wrong_and_where_it_came_from() -> None:
    logs = MemoryLogs()
    Intake(logs, partitions=PARTS, clock=lambda: 9).take([click(ts="noon")])
    letter = DeadLetters(logs.open(TOPIC, PARTITIONS)).show(0)
    assert (letter.at, letter.field, letter.origin) == (9, "ts", "gateway")
    assert "got `str`" in letter.reason


def test_events_stand_in_the_topic_and_partition_of_their_key() -> None:
    logs = MemoryLogs()
    shown = {"request_id": "r", "items": [{"item_id": "tea"}]}
    events = [click(event_id=t, type=t, **shown) for t in ("slate", "impression", "click", "item", "user")]
    assert all(outcome.accepted for outcome in Intake(logs, partitions=PARTS, clock=lambda: 9).take(events))
    for topic, key in zip(RAW_TOPICS, ("ana", "ana", "ana", "tea", "ana"), strict=True):
        assert [logs.open(topic, PARTS).end(p) for p in range(PARTS)] == [
            p == partition_of(key, PARTS) for p in range(PARTS)
        ]


def test_a_repeat_within_a_call_is_accepted_and_taken_once() -> None:
    logs = MemoryLogs()
    outcomes = Intake(logs, partitions=PARTS, clock=lambda: 9).take([click(), click(), click(event_id="e2")])
    assert [outcome.accepted for outcome in outcomes] == [True, True, True]
    assert [event.event_id for event in taken(logs, "interactions") if not isinstance(event, Tick)] == ["e1", "e2"]


def test_an_event_over_the_limit_is_refused_alone() -> None:
    logs = MemoryLogs()
    big = click(query_text="x" * 200)
    outcomes = Intake(logs, partitions=PARTS, clock=lambda: 9, max_event_bytes=150).take([big, click()])
    assert [outcome.status for outcome in outcomes] == [413, 202]
    assert buried(logs) == [big]


def test_one_call_makes_one_append_per_topic_and_partition() -> None:
    logs = MemoryLogs()
    Intake(logs, partitions=PARTS, clock=iter(range(99)).__next__).take([click(event_id=f"e{n}") for n in range(50)])
    records = logs.open("interactions", PARTS).read(partition_of("ana", PARTS), 0)
    assert [record.offset for record in records] == list(range(50))
    assert len({record.at for record in records}) == 1


def test_many_threads_lose_and_repeat_nothing() -> None:
    logs = MemoryLogs()
    intake = Intake(logs, partitions=PARTS, clock=lambda: 9)

    def write(name: int) -> None:
        for n in range(100):
            intake.append(Slate(f"{name}-{n}", 5, f"u{n}", "r", (Shown("tea", 0),)))

    threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [event.event_id for event in taken(logs, "slates") if not isinstance(event, Tick)]
    assert sorted(ids) == sorted(f"{name}-{n}" for name in range(8) for n in range(100))


def test_a_full_disk_is_told_to_the_caller_and_the_intake_goes_on() -> None:
    logs = FullDisk("interactions")
    intake = Intake(logs, partitions=PARTS, clock=lambda: 9)
    with pytest.raises(LogError, match=r"interactions\.sqlite"):
        intake.take([click()])
    intake.append(Slate("s", 5, "ana", "r", (Shown("tea", 0),)))
    assert len(taken(logs.whole, "slates")) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("position", 2**70), ("position", -1), ("model_version", 2**40), ("context", {"a": 10**400}), ("value", 1e999)],
)
def test_numbers_that_no_record_can_hold_are_refused_by_field(field: str, value: object) -> None:
    (outcome,) = Intake(MemoryLogs(), partitions=PARTS, clock=lambda: 9).take([click(**{field: value})])
    assert outcome.field == ("event" if field == "value" else field)  # Infinity is no JSON


def test_a_tick_is_nobodys_to_send() -> None:
    with pytest.raises(ValueError, match="tick"):
        Intake(MemoryLogs(), partitions=PARTS, clock=lambda: 9).append(Tick(5))


Json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "event_id",
    "ts",
    "user_id",
    "item_id",
    "request_id",
    "items",
    "position",
    "value",
    "context",
    "attributes",
    "vector",
    "model_version",
    "tags",
    "author",
    "text",
    "query_item_id",
    "impression_ts",
    "v",
    "surface",
)
Almost = st.fixed_dictionaries(
    {"type": st.sampled_from(["slate", "impression", "click", "search", "item", "user", "item_delete", "tick"])},
    optional={name: Json | st.text(min_size=1, max_size=3) | st.integers(0, 9) for name in FIELDS},
)


@given(st.lists(st.binary(max_size=40) | Almost.map(lambda event: json.dumps(event).encode()), max_size=4))
def test_whatever_comes_is_taken_or_buried_and_never_an_error(events: list[bytes]) -> None:
    logs = MemoryLogs()
    outcomes = Intake(logs, partitions=PARTS, clock=lambda: 9).take(events)
    assert buried(logs) == [data for data, outcome in zip(events, outcomes, strict=True) if not outcome.accepted]
    ids = {event.event_id for topic in RAW_TOPICS for event in taken(logs, topic) if not isinstance(event, Tick)}
    assert ids == {outcome.event_id for outcome in outcomes if outcome.accepted}


def test_records_are_stamped_by_the_clock_of_the_append() -> None:
    logs = MemoryLogs()
    Intake(logs, partitions=PARTS, clock=lambda: 77).append(Interaction("e", 5, "ana", "click", item_id="tea"))
    assert [record.at for record in logs.open("interactions", PARTS).read(0, 0)] == [77]
