"""Caps, promotions and draws: the list keeps them, and every chance that is logged is the one that is foreseen."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.limits import Limits, groups_of
from serving.posterior import deviation, drawn
from serving.reranking import choose, foreseen

N = 14
VALUE = np.random.default_rng(5).random(N).astype(np.float32)
LIKE = np.clip(np.random.default_rng(6).random((N, N)), 0, 1).astype(np.float32)
AUTHORS = [(f"a{n % 3}",) for n in range(N)]
KINDS = [(f"k{n % 4}", "all") for n in range(N)]
PROMOTED = np.arange(N) % 5 == 0
LIMITS = Limits(groups_of(AUTHORS, 2) + groups_of(KINDS, 3), PROMOTED, 0.34)
WIDE = deviation(VALUE[:, None], np.ones(1, np.float32), np.arange(N, dtype=float))
DRAWN = drawn(VALUE, WIDE, "ana 5")
LAWS: list[dict[str, Any]] = [
    {"limits": LIMITS},
    {"limits": LIMITS, "drawn_DI": DRAWN},
    {"drawn_DI": DRAWN},
    {},
]


@pytest.mark.parametrize("law", LAWS)
def test_what_is_foreseen_of_a_list_is_what_was_logged(law: dict[str, Any]) -> None:
    explored = 0
    for seed in range(300):
        random = Random(seed)
        diversity, epsilon = random.choice((0.0, 0.3)), random.choice((0.0, 0.2, 1.0))
        how = law | {"diversity": diversity, "epsilon": epsilon}
        chosen = choose(VALUE, LIKE, 7, random=random, **how)
        told = foreseen(VALUE, LIKE, [one.index for one in chosen], VALUE, **how)
        assert [place.chance for place in told] == [one.propensity for one in chosen]
        assert all(0 < one.propensity <= 1 + 1e-9 for one in chosen)
        explored += any(one.explored for one in chosen)
    assert explored


@pytest.mark.parametrize("law", LAWS)
def test_the_chance_of_a_place_is_how_often_it_goes_to_an_item(law: dict[str, Any]) -> None:
    """At each place, after what the other places were filled with, over many lists."""
    times, lists = 6_000, Counter[tuple[int, ...]]()
    chance: dict[tuple[int, ...], float] = {}
    for seed in range(times):
        chosen = choose(VALUE, LIKE, 2, diversity=0.2, epsilon=0.3, random=Random(seed), **law)
        key = tuple(one.index for one in chosen)
        lists[key] += 1
        chance[key] = chosen[0].propensity * chosen[1].propensity
    assert sum(chance.values()) == pytest.approx(1, abs=0.05)
    for key, count in lists.most_common(20):
        assert abs(count / times - chance[key]) < 5 * (chance[key] / times) ** 0.5


@given(st.integers(1, N), st.integers(1, 3), st.floats(0, 1), st.integers(0, 99))
def test_no_author_has_more_places_than_the_cap_while_others_are_left(
    count: int, most: int, epsilon: float, seed: int
) -> None:
    limits = Limits(groups_of(AUTHORS, most))
    chosen = choose(VALUE, LIKE, count, diversity=0.1, epsilon=epsilon, random=Random(seed), limits=limits)
    places = Counter(AUTHORS[one.index] for one in chosen[: 3 * most])
    assert len(chosen) == count
    assert max(places.values()) <= most


@given(st.integers(1, N), st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_what_is_promoted_has_its_share_of_places_and_no_more(
    count: int, share: float, epsilon: float, seed: int
) -> None:
    limits = Limits(promoted_I=PROMOTED, share=share)
    chosen = choose(VALUE, LIKE, count, diversity=0.1, epsilon=epsilon, random=Random(seed), limits=limits)
    others = count - sum(bool(PROMOTED[one.index]) for one in chosen)
    due = min(int(share * count + 1e-9), int(PROMOTED.sum()))
    assert count - others == max(due, count - int((~PROMOTED).sum()))


def filled(value: list[float], count: int, limits: Limits) -> list[int]:
    worth, alike = np.array(value, np.float32), np.eye(len(value), dtype=np.float32)
    return [one.index for one in choose(worth, alike, count, diversity=0, epsilon=0, random=Random(1), limits=limits)]


def test_a_cap_gives_way_before_promotions_have_more_than_their_share() -> None:
    one_author = groups_of([("ana",), ("ana",), ("bob",)], 1)
    assert filled([0.9, 0.8, 1.0], 2, Limits(one_author, np.array([False, False, True]), 0.0)) == [0, 1]


def test_a_promotion_that_is_due_does_not_break_a_cap() -> None:
    one_author = groups_of([("ana",), ("ana",), ("bob",)], 1)
    assert filled([0.9, 0.8, 0.7], 2, Limits(one_author, np.array([True, True, False]), 1.0)) == [0, 2]


def test_a_promotion_stands_where_its_share_is_due_at_last() -> None:
    value = np.where(PROMOTED, 0, VALUE + 1).astype(np.float32)
    limits = Limits(promoted_I=PROMOTED, share=0.25)
    chosen = choose(value, LIKE, 8, diversity=0, epsilon=0, random=Random(1), limits=limits)
    assert [place for place, one in enumerate(chosen) if PROMOTED[one.index]] == [3, 7]


def test_seldom_seen_items_are_drawn_higher_more_often() -> None:
    value, views = np.full(2, 0.3, np.float32), np.array([0.0, 1_000.0])
    wide = deviation(value[:, None], np.ones(1, np.float32), views)
    assert wide[0] > 5 * wide[1]
    low = np.array([0.25, 0.3], np.float32)
    tops = [drawn(low, wide, f"u{n} 5")[0].argmax() for n in range(400)]
    assert 0.15 < tops.count(0) / 400 < 0.5
