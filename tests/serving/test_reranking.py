"""Reranking: chance is logged as it was, and decided by the request alone."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.reranking import choose, demoted


def test_the_same_chance_gives_the_same_list() -> None:
    value, alike = np.arange(9, dtype=np.float32), np.eye(9, dtype=np.float32)
    lists = [choose(value, alike, 5, diversity=0.1, epsilon=0.5, random=Random(b"request")) for _ in range(2)]
    assert lists[0] == lists[1]


@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 99))
def test_a_list_names_no_item_twice_and_is_as_long_as_it_can_be(n: int, count: int, epsilon: float, seed: int) -> None:
    value = np.linspace(0, 1, n, dtype=np.float32)
    chosen = choose(value, np.eye(n, dtype=np.float32), count, diversity=0.3, epsilon=epsilon, random=Random(seed))
    assert len({one.index for one in chosen}) == len(chosen) == min(n, count)
    assert all(0 < one.propensity <= 1.0 + 1e-9 for one in chosen)


def test_propensities_are_how_often_an_item_gets_the_place() -> None:
    value, alike = np.array([3.0, 2.0, 1.0], np.float32), np.zeros((3, 3), np.float32)
    firsts: Counter[int] = Counter()
    told = {}
    for seed in range(4_000):
        first = choose(value, alike, 1, diversity=0.0, epsilon=0.3, random=Random(seed))[0]
        firsts[first.index] += 1
        told[first.index] = first.propensity
    assert {index: round(p, 6) for index, p in told.items()} == {0: 0.8, 1: 0.1, 2: 0.1}
    assert all(abs(firsts[index] / 4_000 - p) < 0.03 for index, p in told.items())


def test_items_without_chance_have_propensity_one() -> None:
    chosen = choose(
        np.array([1, 2], np.float32), np.eye(2, dtype=np.float32), 2, diversity=0, epsilon=0, random=Random(1)
    )
    assert [(one.index, one.propensity) for one in chosen] == [(1, 1.0), (0, 1.0)]


def test_an_item_shown_in_vain_falls_behind() -> None:
    values = demoted(np.array([0.5, 0.45], np.float32), [5, 0], keep=0.9)
    assert values[1] > values[0]
    assert (demoted(values, [900, 900], keep=0.9) > 0).all()
