"""Texts get numbers by all of their bytes, whatever their hashes, and numbers get their texts back."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learners.tables.text_map import Bytes, Longs, TextMap


def columns(texts: list[bytes]) -> tuple[Bytes, Longs]:
    return np.frombuffer(b"".join(texts), np.uint8), np.cumsum([len(text) for text in texts], dtype=np.int64)


class Oracle:
    """The map as a dictionary and a queue."""

    def __init__(self) -> None:
        self.numbers: dict[bytes, int] = {}
        self.free: list[int] = []
        self.size = 0

    def add(self, texts: list[bytes]) -> list[int]:
        for text in texts:
            if text not in self.numbers:
                self.size += not self.free
                self.numbers[text] = self.free.pop(0) if self.free else self.size - 1
        return [self.numbers[text] for text in texts]

    def remove(self, numbers: list[int]) -> None:
        self.numbers = {text: number for text, number in self.numbers.items() if number not in set(numbers)}
        self.free += numbers


TEXTS = st.lists(
    st.binary(max_size=3) | st.binary(max_size=40) | st.sampled_from([b"", b"\0", b"\0\0", b"a" * 300]), max_size=20
)
ACTS = st.lists(st.tuples(st.sampled_from(["add", "add", "settle", "withdraw", "remove", "load"]), TEXTS), max_size=20)


@pytest.mark.parametrize("hash_bits", [63, 2])
@settings(max_examples=80, deadline=None)
@given(ACTS)
def test_adding_removing_and_taking_back_in_any_order_give_the_numbers_of_a_dictionary(
    hash_bits: int, acts: list[tuple[str, list[bytes]]]
) -> None:
    texts, oracle, settled = TextMap(hash_bits=hash_bits), Oracle(), Oracle()
    for act, these in acts:
        if act == "add":
            assert texts.add(*columns(these)).tolist() == oracle.add(these)
        elif act == "remove":
            numbers = sorted({oracle.numbers[text] for text in these if text in oracle.numbers}, key=lambda n: n % 3)
            texts.remove(np.array(numbers, np.int64))
            oracle.remove(numbers)
        elif act == "withdraw":
            texts.withdraw()
            oracle = copy.deepcopy(settled)
        elif act == "load":
            other = TextMap(hash_bits=hash_bits)
            other.load(texts.dump())
            texts = other
        else:
            texts.settle()
        if act in ("remove", "settle", "load"):
            settled = copy.deepcopy(oracle)
        assert (len(texts), texts.free) == (oracle.size, len(oracle.free))
        assert texts.find(*columns([*oracle.numbers])).tolist() == list(oracle.numbers.values())
        assert all(texts.text(number) == text for text, number in oracle.numbers.items())


def test_a_lookup_numbers_nothing() -> None:
    texts = TextMap()
    texts.add(*columns([b"tea"]))
    assert texts.find(*columns([b"te", b"teaa", b"tea", b""])).tolist() == [-1, -1, 0, -1]
    assert len(texts) == 1


def test_many_texts_in_any_batches_get_the_numbers_of_their_first_appearance() -> None:
    draw = random.Random(4)
    stream = [b"user:%d" % draw.randrange(30_000) + b"x" * draw.randrange(60) for _ in range(60_000)]
    known = {text: number for number, text in enumerate(dict.fromkeys(stream))}
    texts, start = TextMap(), 0
    while start < len(stream):
        part = stream[start : start + draw.choice([1, 50, 7000])]
        assert texts.add(*columns(part)).tolist() == [known[text] for text in part]
        start += len(part)
    byte_X, end_R = texts.texts(np.arange(len(texts)))
    assert byte_X.tobytes() == b"".join(known)
    assert end_R.tolist() == np.cumsum([len(text) for text in known]).tolist()


def test_cells_of_removed_texts_are_used_again() -> None:
    texts = TextMap()
    for turn in range(50):
        row_N = texts.add(*columns([b"%06d" % (turn * 1000 + i) * (1 + i % 50) for i in range(1000)]))
        texts.remove(row_N)
        if turn == 0:
            once = texts._free_K[-1]
    assert texts._free_K[-1] == once
    assert len(texts) == 1000


def test_ends_beyond_the_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="end at byte 9, there are 3"):
        TextMap().find(np.frombuffer(b"tea", np.uint8), np.array([9]))
