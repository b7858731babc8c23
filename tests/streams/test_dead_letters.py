from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dead_letters import PARTITIONS, REPLAY, TOPIC, DeadLetter, DeadLetters, Wanted
from streams.errors import LogError
from streams.log import MemoryLog


@given(st.lists(st.binary(), max_size=5))
def test_the_original_bytes_come_back_whatever_they_were(data: list[bytes]) -> None:
    letters = DeadLetters(MemoryLog(TOPIC, PARTITIONS))
    letters.bury([DeadLetter(1, "is wrong", "event", "gateway", each) for each in data])
    assert [letter.data for _, letter in letters.list()] == data


def test_letters_are_listed_from_a_number_on() -> None:
    letters = DeadLetters(MemoryLog(TOPIC, PARTITIONS))
    letters.bury([DeadLetter(n, "is wrong", "event", "gateway", b"") for n in range(5)])
    assert [number for number, _ in letters.list(since=2, limit=2)] == [2, 3]
    assert letters.show(4).at == 4


def test_a_letter_that_is_not_there_is_told_with_those_that_are() -> None:
    letters = DeadLetters(MemoryLog(TOPIC, PARTITIONS))
    with pytest.raises(LogError, match="there are: none"):
        letters.show(0)
    letters.bury([DeadLetter(1, "is wrong", "event", "gateway", b"")])
    with pytest.raises(LogError, match="0 to 0"):
        letters.show(7)


def test_a_letter_written_before_replays_were_known_is_read() -> None:
    log = MemoryLog(TOPIC, PARTITIONS)
    log.append(0, [msgspec.msgpack.encode([5, "is wrong", "ts", "gateway", b"{}"])], at=5)
    assert DeadLetters(log).show(0) == DeadLetter(5, "is wrong", "ts", "gateway", b"{}")


def test_what_was_taken_is_no_letter_and_stops_no_reader() -> None:
    letters = buried(3)
    for first in (0, 1):
        letters.settle([first], [], at=9)
    letters.bury([DeadLetter(9, "is wrong", "event", "gateway", b"")])
    assert [n for n, _ in letters.list(since=1, limit=3)] == [1, 2, 5]
    with pytest.raises(LogError, match="number 3"):
        letters.show(3)


def test_the_last_of_a_chain_is_the_one_that_is_open() -> None:
    letters = buried(2)
    letters.settle([], [DeadLetter(0, "is wrong still", "event", REPLAY, b"", first=0)], at=9)
    assert [(n, at) for n, _, at in letters.standing()] == [(0, "replaced"), (1, "open"), (2, "open")]
    letters.settle([0], [], at=9)
    assert [(n, at) for n, _, at in letters.standing()] == [(0, "taken"), (1, "open"), (2, "taken")]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Wanted(reason="missing"), [1]),
        (Wanted(field="item"), [1, 2]),
        (Wanted(origin="interactions[1]"), [2]),
        (Wanted(since=6), [1, 2]),
        (Wanted(field="item", since=7), [2]),
        (Wanted(), [0, 1, 2]),
    ],
)
def test_letters_are_found_by_parts_of_their_texts_and_by_time(wanted: Wanted, numbers: list[int]) -> None:
    letters = DeadLetters(MemoryLog(TOPIC, PARTITIONS))
    letters.bury(
        [DeadLetter(5, "is late", "ts", "gateway", b""), DeadLetter(6, "is missing", "item_id", "gateway", b"")]
    )
    letters.bury([DeadLetter(7, "is wrong", "items", "interactions[1]@7", b"")])
    assert [n for n, _, _ in letters.standing(wanted)] == numbers


def buried(count: int) -> DeadLetters:
    letters = DeadLetters(MemoryLog(TOPIC, PARTITIONS))
    letters.bury([DeadLetter(n, "is wrong", "event", "gateway", b"") for n in range(count)])
    return letters
