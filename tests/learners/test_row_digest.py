"""A digest over lines: a function of what stands in them, whatever was there before and in which order it came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from learners.row_digest import Lines, RowDigest, Sum


def lines(value_RW: Any, flag_R: Any, line_C: Any) -> Lines:
    return Lines(line_C, len(value_RW), {"value": value_RW[line_C], "flag": flag_R[line_C]})


@pytest.mark.parametrize("seed", range(4))
def test_a_sum_that_was_changed_is_that_of_what_is_there_now(seed: int) -> None:
    random, value_RW, flag_R = np.random.default_rng(seed), np.zeros((0, 3), np.float32), np.zeros(0, np.bool_)
    often = Sum()
    for _ in range(20):
        was = len(value_RW)
        new = int(random.integers(0, 6))
        value_RW = np.concatenate([value_RW, random.random((new, 3), np.float32)])
        flag_R = np.concatenate([flag_R, random.random(new) < 0.5])
        old = np.unique(random.integers(0, max(was, 1), 4)) if was else np.empty(0, np.int64)
        value_RW[old], flag_R[old] = random.random((len(old), 3), np.float32), random.random(len(old)) < 0.5
        often.take(lines(value_RW, flag_R, np.concatenate([old, np.arange(was, was + new)])))
    once = Sum()
    once.take(lines(value_RW, flag_R, np.arange(len(value_RW))))
    assert often.told == once.told


def test_every_bit_and_every_place_counts() -> None:
    value_RW, flag_R, every = np.arange(12, dtype=np.float32).reshape(4, 3), np.zeros(4, np.bool_), np.arange(4)
    told = set()
    for change in range(5):
        value, flag = value_RW.copy(), flag_R.copy()
        if change == 1:
            value[2, 1] = -value[2, 1]
        if change == 2:
            value[[0, 1]] = value[[1, 0]]
        if change == 3:
            flag[3] = True
        if change == 4:
            value[0, 0] = -0.0
        one = Sum()
        one.take(lines(value, flag, every))
        told.add(tuple(one.told))
    assert len(told) == 5


def test_texts_count_with_their_bounds() -> None:
    told = set()
    for texts in ([b"ab", b"c"], [b"a", b"bc"], [b"ab", b"d"]):
        one = Sum()
        one.take(Lines(np.arange(2), 2, {}, texts))
        told.add(tuple(one.told))
    assert len(told) == 3


def test_spaces_and_documents_are_told_apart() -> None:
    told = set()
    for space, document in (("a", 1), ("b", 1), ("a", 2)):
        digest = RowDigest()
        digest.take({space: Lines(np.arange(1), 1, {"x": np.ones(1)})})
        told.add(digest.told({"w": np.ones(2)}, {"n": document}))
    assert len(told) == 3
    with pytest.raises(ValueError, match="are left"):
        digest.take({"a": Lines(np.empty(0, np.int64), 0, {"x": np.ones(0)})})
