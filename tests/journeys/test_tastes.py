"""Lists in a world of several interests: unlike items, and a first launch, each in short."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import diversity, first_launch
from benchmarks.first_launch import STARTS, Start
from benchmarks.tastes import Kind, Tastes
from benchmarks.tastes_older import Older

SMALL = Kind(users=20, items=80, topics=6, interests=3, awake=0.5, appeal=0.25)
SURE = Kind(users=20, items=80, topics=6, interests=3)
SHELF = 8
"""Items that an older system of that world knows."""


def test_more_diversity_gives_less_alike_lists_of_more_topics_for_the_same_pages(tmp_path: Path) -> None:
    told = diversity.run(1, SMALL, 1_200, tmp_path, grid=(0.0, 0.4))
    assert told[0.4]["similarity"] < told[0.0]["similarity"]
    assert told[0.4]["same_topic"] < told[0.0]["same_topic"]
    assert told[0.4]["topics"] > told[0.0]["topics"]
    assert all(0 < one["item_click_rate"] < one["page_click_rate"] < 1 for one in told.values())


@pytest.mark.parametrize("before", [0, 500])
def test_a_first_launch_is_a_function_of_its_seed_and_regrets_less_than_chance(before: int, tmp_path: Path) -> None:
    start = Start(SURE, before=before, random=10)
    told = [first_launch.run("both", 1, 900, tmp_path / str(number), start) for number in range(2)]
    assert told[0]["regret"] == told[1]["regret"]
    assert 0 < told[0]["regret"][0] < told[0]["regret"][-1] < told[0]["random"][-1]


def test_after_a_narrow_start_the_model_is_better_than_its_teacher_from_the_first_page_on(tmp_path: Path) -> None:
    start, pages = Start(SURE, before=900), 300
    told, tastes = first_launch.run("neither", 1, pages, tmp_path, start), Tastes(1, SURE)
    older = Older(1, items=SURE.items)
    users = [tastes.visit(number).user for number in range(900, 900 + pages)]
    theirs = first_launch.regrets(tastes, users, [older.slate(number, 10) for number in range(900, 900 + pages)])
    assert told["regret"][-1] < 0.8 * sum(theirs)


def test_an_older_system_shows_its_own_shelf_and_there_most_what_was_clicked() -> None:
    older = Older(1, items=SURE.items)
    favourite = int(older.known[0])
    before = [older.slate(number, 3) for number in range(400)]
    for _ in range(20):
        older.told([favourite])
    after = [older.slate(number, 3) for number in range(400)]
    assert {row for slate in before + after for row in slate} == set(older.known.tolist())
    assert len(older.known) == SHELF
    assert sum(slate[0] == favourite for slate in after) > 3 * sum(slate[0] == favourite for slate in before)


def test_the_arms_explore_and_weigh_as_they_are_called(tmp_path: Path) -> None:
    settings = {arm: first_launch.settings_of(arm, tmp_path, 1, STARTS["narrow"]) for arm in first_launch.ARMS}
    explores = {arm for arm, one in settings.items() if one.serving.exploration == "thompson"}
    weighs = {arm for arm, one in settings.items() if "importance" in one.labels["click"].loss_options}
    offers = {arm for arm, one in settings.items() if one.serving.quotas.random}
    assert (explores, weighs) == ({"both", "exploring"}, {"both", "weighted"})
    assert offers == {"both", "exploring", "offered"}
    assert {one.serving.epsilon for one in settings.values()} == {0.0}


def test_what_the_world_expects_of_a_page_is_what_its_visitors_do() -> None:
    tastes, pages = Tastes(3, SMALL), 4_000
    visits = [tastes.visit(number) for number in range(pages)]
    slates = [tastes.best(visit.user, 10) for visit in visits]
    clicks = [len(tastes.clicked(visit, slate)) for visit, slate in zip(visits, slates, strict=True)]
    told = [tastes.expected(visit.user, slate) for visit, slate in zip(visits, slates, strict=True)]
    assert sum(clicks) / pages == pytest.approx(sum(one.clicks for one in told) / pages, rel=0.06)
    assert sum(count > 0 for count in clicks) / pages == pytest.approx(sum(one.any for one in told) / pages, rel=0.06)
    assert all(one.any <= one.clicks for one in told)
