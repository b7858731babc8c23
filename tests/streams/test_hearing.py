"""Raw topics that others write to: flat JSON beside our own records, wrong ones, gaps between offsets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.events import RawTopic, User
from streams.frames import encode_event
from streams.hearing import Hearing, Place
from streams.log import Log, MemoryLogs, Record
from streams.positions import partition_of
from streams.rates import RateLimits, Seconds
from tests.streams.raw_topics import PARTS, Clock, buried, click, frames, put, settle, written

ANA = partition_of("ana", PARTS)


def as_json(**more: Any) -> bytes:
    told = {"type": "click", "event_id": "e1", "user_id": "ana", "item_id": "tea", "ts": 900}
    return json.dumps({name: value for name, value in (told | more).items() if value is not None}).encode()


def heard(data: bytes, *, topic: RawTopic = "interactions", partition: int = ANA, **more: Any) -> Any:
    hearing = Hearing(ANA, partitions=PARTS, **({"clock_ahead": 100} | more))
    return hearing.hear(Place(topic, partition), Record(7, 1_000, data))


def test_json_and_our_own_records_stand_side_by_side() -> None:
    logs = MemoryLogs()
    raw = logs.open("interactions", PARTS)
    raw.append(ANA, [as_json(), encode_event(click(2)), b"\n " + as_json(event_id="e3")], 1_000)
    settle(logs, Clock())
    assert [getattr(event, "event_id", "") for event in written(logs, ANA)] == ["e1", "e2", "e3"]


def test_an_event_without_a_time_has_that_of_its_record() -> None:
    assert heard(as_json(ts=None)).event.ts == 1_000


@pytest.mark.parametrize(
    ("data", "field", "reason"),
    [
        (b'{"type": "click", ', "event", "not a JSON object"),
        (as_json(v=2), "v", "version 1"),
        (as_json(type="clack"), "type", "known are"),
        (as_json(type="user", item_id=None), "type", "User, which has no place in interactions"),
        (as_json(type="tick"), "type", "known are"),
        (as_json(query_text="x" * 70_000), "event", "at most 65,536"),
        (b"[]", "record", "no event"),
        (b"", "record", "no event"),
    ],
)
def test_a_wrong_record_becomes_a_letter_with_its_bytes_and_its_place(data: bytes, field: str, reason: str) -> None:
    told = heard(data)
    assert told.event is None
    assert (told.letter.field, told.letter.origin, told.letter.data) == (field, f"interactions[{ANA}]@7", data)
    assert reason in told.letter.reason
    assert told.next == 8


def test_a_record_in_the_partition_of_another_user_is_buried_before_it_breaks_a_join() -> None:
    told = heard(as_json(), partition=1 - ANA)
    assert told.event is None
    assert told.letter is None, "the lane of that partition buries it"
    other = Hearing(1 - ANA, partitions=PARTS, clock_ahead=100)
    letter = other.hear(Place("interactions", 1 - ANA), Record(7, 1_000, as_json())).letter
    assert letter is not None
    assert letter.field == "user_id"
    assert f"'ana', which belongs to partition {ANA} of {PARTS}, but its record stands in {1 - ANA}" in letter.reason
    assert "murmur2" in letter.reason


def test_an_item_may_stand_in_any_partition_since_all_lanes_read_it() -> None:
    item = as_json(type="item", user_id=None)
    for partition in range(PARTS):
        assert heard(item, topic="items", partition=partition).event.item_id == "tea"


def test_a_size_limit_of_ones_own_holds() -> None:
    assert heard(as_json(), max_event_bytes=50).letter is not None


def test_events_above_the_rate_are_counted_and_taken() -> None:
    seconds = Seconds(RateLimits(rate=1, rates={"bulk": 0}))
    hearing = Hearing(ANA, partitions=PARTS, clock_ahead=100, seconds=seconds)
    told = [
        hearing.hear(Place("interactions", ANA), Record(n, at, as_json(producer=producer)))
        for n, (at, producer) in enumerate([(1_000, "web"), (1_001, "web"), (2_000, "web"), (1_002, "bulk")] * 2)
    ]
    assert all(one.event is not None for one in told)
    assert [one.fast for one in told] == [False, True, False, False, True, True, True, False]


class Gaps:
    """Raw topics with offsets that nobody sees: ends of transactions, records that were compacted away."""

    def __init__(self, logs: MemoryLogs, every: int) -> None:
        self._logs, self._every = logs, every

    def open(self, topic: str, partitions: int) -> Log:
        log = self._logs.open(topic, partitions)
        return log if topic in ("events", "dead-letters") else WithGaps(log, self._every)

    def close(self) -> None:
        """Nothing to let go of."""


class WithGaps:
    """A log that shows only the offsets that `every` divides."""

    def __init__(self, log: Log, every: int) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self.append, self.begin, self.trim, self.close = log.append, log.begin, log.trim, log.close
        self.offset_at = log.offset_at
        self._log, self._every = log, every

    def read(self, partition: int, since: int, limit: int = 1000) -> list[Record]:
        return [r for r in self._log.read(partition, since, 10**6) if r.offset % self._every == 0][:limit]

    def end(self, partition: int) -> int:
        return self._log.end(partition)


@settings(deadline=None, max_examples=60)
@given(count=st.integers(1, 40), every=st.integers(2, 5), read_limit=st.integers(1, 7), stops=st.integers(1, 4))
def test_gaps_between_offsets_lose_and_double_nothing(count: int, every: int, read_limit: int, stops: int) -> None:
    logs = MemoryLogs()
    sent = []
    for n in range(count):
        put(logs, 0, User(f"e{n}", 5, "ana"), 1_000 + n)
        sent += [f"e{n}"] if n % every == 0 else []
        if n % (count // stops + 1) == 0:
            settle(Gaps(logs, every), Clock(), read_limit=read_limit, tick_ms=10**9)
    settle(Gaps(logs, every), Clock(2_000_000), read_limit=read_limit)
    assert [getattr(event, "event_id", "") for event in written(logs, 0)] == sent
    assert frames(logs, 0)[-1][1].sources["users"] == {0: (len(sent) - 1) * every + 1}
    assert frames(logs, 0)[-1][1].events, "the last one is a tick: a gap at the end holds no time up"
    assert buried(logs) == []


@given(
    st.binary(max_size=80)
    | st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=5)).map(json.dumps).map(str.encode)
)
def test_whatever_stands_in_a_record_is_an_event_or_a_letter(data: bytes) -> None:
    told = heard(data)
    assert (told.event is None) == (told.letter is not None)
