"""Which of two rankings people prefer, where it is known which is better."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.interleaving import Page, replayed, team_draft

ITEMS = [f"i{n}" for n in range(10)]
orders = st.permutations(ITEMS)


@given(orders, orders, st.integers(0, 12), st.integers())
def test_a_draft_holds_no_item_twice_and_both_choose_as_often(
    left: list[str], right: list[str], count: int, seed: int
) -> None:
    drafted = team_draft(left, right, count, Random(seed))
    items, teams = [item for item, _ in drafted], Counter(team for _, team in drafted)
    assert len(items) == len(set(items)) == min(count, len(ITEMS))
    assert abs(teams["left"] - teams["right"]) <= 1


@given(orders, orders, st.integers())
def test_each_choice_is_the_best_that_is_left_of_its_ranking(left: list[str], right: list[str], seed: int) -> None:
    taken: list[str] = []
    for item, team in team_draft(left, right, 10, Random(seed)):
        ranking = left if team == "left" else right
        assert item == next(one for one in ranking if one not in taken)
        taken.append(item)


def test_who_goes_first_is_even() -> None:
    first = Counter(team_draft("ab", "ba", 1, Random(seed))[0][1] for seed in range(2_000))
    assert 900 < first["left"] < 1_100


def pages(better: str, n: int = 400) -> list[Page]:
    """People click by worth; one ranking is by worth, the other by chance."""
    random, made = Random(5), []
    for _ in range(n):
        worth = {item: random.random() for item in ITEMS}
        by_worth = sorted(ITEMS, key=lambda item: -worth[item])
        by_chance = random.sample(ITEMS, len(ITEMS))
        clicked = {item for item in ITEMS if random.random() < 0.3 * worth[item] ** 3}
        left, right = (by_worth, by_chance) if better == "left" else (by_chance, by_worth)
        made.append(Page(left, right, clicked))
    return made


@pytest.mark.parametrize("better", ["left", "right"])
def test_the_better_ranking_is_preferred(better: str) -> None:
    found = replayed(pages(better), count=5)
    assert found.preference is not None
    assert (found.preference > 0.5, found.p < 0.01) == (better == "right", True)


def test_two_rankings_by_chance_are_called_different_as_seldom_as_they_should() -> None:
    alarms = 0
    for seed in range(200):
        random = Random(seed)
        made = [Page(random.sample(ITEMS, 10), random.sample(ITEMS, 10), {random.choice(ITEMS)}) for _ in range(80)]
        alarms += replayed(made, count=5, seed=seed).p < 0.05
    assert alarms <= 14


def test_the_same_ranking_twice_has_no_winner() -> None:
    found = replayed([Page(ITEMS, ITEMS, {"i0"})] * 400, count=10)
    assert found.p > 0.01


def test_pages_without_a_click_say_nothing() -> None:
    found = replayed([Page(ITEMS, ITEMS[::-1], ())] * 5)
    assert (found.pages, found.ties, found.preference, found.p) == (5, 0, None, 1.0)
