"""Lists in a world of several interests: unlike items, and a first launch, each in short."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import diversity, first_launch
from benchmarks.tastes import Kind, Tastes

SMALL = Kind(users=20, items=80, topics=6, interests=3, awake=0.5, appeal=0.25)
SURE = Kind(users=20, items=80, topics=6, interests=3)


def test_more_diversity_gives_less_alike_lists_of_more_topics_for_the_same_pages(tmp_path: Path) -> None:
    told = diversity.run(1, SMALL, 1_200, tmp_path, grid=(0.0, 0.4))
    assert told[0.4]["similarity"] < told[0.0]["similarity"]
    assert told[0.4]["same_topic"] < told[0.0]["same_topic"]
    assert told[0.4]["topics"] > told[0.0]["topics"]
    assert all(0 < one["item_click_rate"] < one["page_click_rate"] < 1 for one in told.values())


def test_a_first_launch_is_a_function_of_its_seed_and_regrets_less_than_chance(tmp_path: Path) -> None:
    told = [first_launch.run("both", 1, 900, tmp_path / str(number), SURE) for number in range(2)]
    assert told[0]["regret"] == told[1]["regret"]
    assert 0 < told[0]["regret"][0] < told[0]["regret"][-1] < told[0]["random"][-1]


def test_the_arms_explore_and_weigh_as_they_are_called(tmp_path: Path) -> None:
    settings = {arm: first_launch.settings_of(arm, tmp_path, 1) for arm in first_launch.ARMS}
    explores = {arm: one.serving.exploration == "thompson" for arm, one in settings.items()}
    weighs = {arm: "importance" in one.labels["click"].loss_options for arm, one in settings.items()}
    assert explores == {"both": True, "exploring": True, "weighted": False, "neither": False}
    assert weighs == {"both": True, "exploring": False, "weighted": True, "neither": False}


def test_what_the_world_expects_of_a_page_is_what_its_visitors_do() -> None:
    tastes, pages = Tastes(3, SMALL), 4_000
    visits = [tastes.visit(number) for number in range(pages)]
    slates = [tastes.best(visit.user, 10) for visit in visits]
    clicks = [len(tastes.clicked(visit, slate)) for visit, slate in zip(visits, slates, strict=True)]
    told = [tastes.expected(visit.user, slate) for visit, slate in zip(visits, slates, strict=True)]
    assert sum(clicks) / pages == pytest.approx(sum(one.clicks for one in told) / pages, rel=0.06)
    assert sum(count > 0 for count in clicks) / pages == pytest.approx(sum(one.any for one in told) / pages, rel=0.06)
    assert all(one.any <= one.clicks for one in told)
