from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dead_letters import PARTITIONS, TOPIC, DeadLetter, DeadLetters
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
