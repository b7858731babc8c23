from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.dead_letters import PARTITIONS, REPLAY, TOPIC, DeadLetter, DeadLetters
from streams.errors import BadEvent, LogError
from streams.events import Event, Impression, Interaction, Shown
from streams.frames import decode_event, encode_event
from streams.intake import Intake
from streams.letters_again import Again, Tried, event_in, mended
from streams.log import MemoryLogs
from streams.request_ids import mint

CLICK = {"type": "click", "user_id": "ana", "item_id": "tea"}


class Ground:
    """A log in memory with letters in it, and time that has passed since."""

    def __init__(self, *data: bytes | dict[str, Any], origin: str = "gateway") -> None:
        self.logs = MemoryLogs()
        self.letters = DeadLetters(self.logs.open(TOPIC, PARTITIONS))
        told = [one if isinstance(one, bytes) else msgspec.json.encode(one) for one in data]
        self.letters.bury([DeadLetter(1_000 + n, "was wrong", "v", origin, one) for n, one in enumerate(told)])
        self.intake = Intake(self.logs, partitions=1, clock=lambda: 90_000)

    def replay(self, changes: dict[str, Any] | None = None, **more: Any) -> list[Tried]:
        batch = [(n, letter) for n, letter, standing in self.letters.standing() if standing == "open"]
        return Again(self.letters, self.intake, clock=lambda: 90_000).take(batch, changes, **more)

    def events(self, topic: str = "interactions") -> list[Event]:
        return [decode_event(record.value) for record in self.logs.open(topic, 1).read(0, 0)]

    @property
    def standings(self) -> list[str]:
        return [standing for _, _, standing in self.letters.standing()]


def test_letters_of_a_reader_that_was_upgraded_are_taken_once() -> None:
    ground = Ground(CLICK, CLICK | {"item_id": "jam"})
    assert [one.taken for one in ground.replay()] == [True, True]
    assert ground.standings == ["taken", "taken"]
    assert ground.replay() == []
    assert len(ground.events()) == 2


def test_an_event_keeps_its_time_or_takes_that_of_its_letter() -> None:
    ground = Ground(CLICK | {"ts": 7}, CLICK)
    ground.replay()
    assert [event.ts for event in ground.events()] == [7, 1_001]


def test_the_same_bytes_give_the_same_id_each_time() -> None:
    ids = [Ground(CLICK).replay()[0].event_id for _ in range(2)]
    assert ids[0] == ids[1] != ""


def test_what_fails_again_takes_the_place_of_its_letter_and_nothing_grows() -> None:
    ground = Ground({"type": "click", "user_id": "ana"})
    for _ in range(3):
        assert [(one.field, one.taken) for one in ground.replay()] == [("item_id", False)]
    assert ground.standings == ["replaced"] * 3 + ["open"]
    last = ground.letters.list()[-1][1]
    assert (last.origin, last.first, last.at, last.field) == (REPLAY, 0, 1_000, "item_id")


def test_a_letter_that_failed_again_can_be_mended_and_closes_the_first() -> None:
    ground = Ground({"type": "click", "user_id": "ana"})
    ground.replay()
    assert ground.replay({"item_id": "tea"})[0].taken
    assert ground.standings == ["taken", "taken"]
    assert [event.ts for event in ground.events()] == [1_000]


def test_trying_writes_nothing() -> None:
    ground = Ground(CLICK, {"type": "click"})
    assert [one.taken for one in ground.replay(dry_run=True)] == [True, False]
    assert ground.standings == ["open", "open"]
    assert ground.events() == []


def test_events_are_in_the_log_before_their_letters_count_as_taken() -> None:
    ground = Ground(CLICK)

    def refuse(*_: object) -> None:
        raise LogError("the disk is full")

    ground.intake.append = refuse  # type: ignore[method-assign]
    with pytest.raises(LogError):
        ground.replay()
    assert ground.standings == ["open"]


def test_a_record_of_our_own_is_taken_to_the_topic_of_its_kind() -> None:
    shown = encode_event(Impression("i", 5, "ana", "r", (Shown("tea", 0),)))
    ground = Ground(shown, b"\x00junk", origin="interactions[0]@3")
    assert [(one.event_id, one.field) for one in ground.replay()] == [("i", ""), ("", "record")]
    assert len(ground.events("impressions")) == 1


def test_foreign_records_of_raw_topics_are_json() -> None:
    ground = Ground(CLICK, origin="interactions[0]@3")
    assert ground.replay()[0].taken


def test_a_click_of_the_wrong_version_is_not_sent_to_be_buried_once_more() -> None:
    request = mint(5, 7, bytes(8))
    wrong = encode_event(Interaction("c", 5, "ana", "click", item_id="tea", request_id=request, model_version=8))
    with pytest.raises(BadEvent, match="7, the version"):
        event_in(DeadLetter(5, "", "", "interactions[0]@3", wrong))
    assert Ground(CLICK | {"request_id": request}).replay()[0].taken


def test_a_letter_that_is_too_large_stays_one() -> None:
    with pytest.raises(BadEvent, match="at most 10 are taken"):
        event_in(DeadLetter(5, "", "", "gateway", b" " * 11), max_bytes=10)


def test_only_json_can_be_mended() -> None:
    with pytest.raises(BadEvent, match="no field of it can be set"):
        mended(b"\x00", {"v": 1})
