"""A version that is tried is built, kept warm and never taken away, for as long as its experiment stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from serving.arms import Arms
from serving.arms_keeper import keep_arms
from serving.fold_rules import FoldRules
from serving.generation_files import versions_in
from serving.known import Known
from serving.live import Kept, Live
from serving.policy import Policy
from serving.recommend import Recommender
from streams.decisions import Decision
from streams.experiments import Trial
from tests.serving.follower_town import Town
from tests.serving.plain_export import commit, crowd, drifted, names, say
from tests.serving.test_live import ITEMS, grow, keeper, version_of


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def tell(town: Town, version: int, action: str = "start") -> None:
    trial = Trial(f"v{version}", action, share=0.5, metric="page_ctr")  # type: ignore[arg-type]
    seen = town.decisions.fold.position
    town.decisions.decide(Decision("experiment", 1, "ana", "try", seen, version=version, trial=trial))


def warm_of(reports: Iterator[Kept]) -> tuple[int, ...]:
    while not (kept := next(reports)).idle:
        pass
    return kept.warm


def test_a_version_that_was_never_published_is_built_for_those_who_get_it(town: Town) -> None:
    grow(town, 1)
    version = commit(town.store, names(ITEMS), drifted(crowd(ITEMS), 0.02))
    with closing(town.follow()) as reports:
        town.settle(reports)
        assert versions_in(town.generations) == [1]
        tell(town, version)
        town.settle(reports)
        assert versions_in(town.generations) == [1, 2]


def test_generations_of_what_is_tried_stay_while_newer_ones_come(town: Town) -> None:
    grow(town, 2)
    tell(town, 1)
    grow(town, 3, keep=1)
    assert versions_in(town.generations) == [1, 4, 5]
    tell(town, 1, "abort")
    grow(town, 1, keep=1)
    assert 1 not in versions_in(town.generations)


def test_servers_hold_it_warm_beside_the_live_one_and_let_it_go_at_the_end(town: Town) -> None:
    live = Live()
    kept = keeper(town, live, keep=2)
    arms = Arms(Recommender(Known(partitions=1, rules=FoldRules()), live, Policy()))
    reports = keep_arms(kept, arms)
    grow(town, 2)
    tell(town, 1)
    assert warm_of(reports) == (2, 1)
    assert version_of(live) == 2
    users = [f"u{n}" for n in range(40)]
    assert {arms.way(user).arms.get("v1") for user in users} == {"on", "off"}
    for _ in range(3):
        grow(town, 1)
        assert 1 in warm_of(reports)
    tell(town, 1, "pause")
    assert 1 in warm_of(reports)
    assert arms.way("u0").arms == {}
    tell(town, 1, "abort")
    for _ in range(2):
        grow(town, 1)
        warm = warm_of(reports)
    assert 1 not in warm


def test_a_version_that_is_taken_back_answers_nobody_though_its_experiment_runs(town: Town) -> None:
    live = Live()
    arms = Arms(Recommender(Known(partitions=1, rules=FoldRules()), live, Policy()))
    grow(town, 3)
    tell(town, 2)
    reports = keep_arms(keeper(town, live), arms)
    warm_of(reports)
    assert arms.way("u0").arms != {}
    say(town.decisions, "rollback", 1)
    warm_of(reports)
    assert (arms.way("u0").arms, version_of(live)) == ({}, 1)
