"""Whatever can be tried reaches the lists of those who try it, over a socket, and the log says who they were."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serving.arms import Arms
from serving.fold_rules import HOUR, FoldRules
from serving.policy import Bid, Promotion, WatchNext
from serving.tried_settings import GROUPS, SINGLE, can_be_tried
from streams.events import Slate
from streams.experiments import arm_of
from tests.serving.deployment import CALM, Deployment
from tests.serving.test_arms import served, tried
from tests.worlds import bundle_of

USERS = [f"u{n}" for n in range(12)]


def lists(slate: Slate) -> object:
    return [item.item_id for item in slate.items]


def chances(slate: Slate) -> object:
    return {item.propensity == 1 for item in slate.items}


def version(slate: Slate) -> object:
    return slate.model_version


def worths(slate: Slate) -> object:
    return [(item.item_id, item.score) for item in slate.items]


ADS, BIDS = Promotion("ad = 1", 0.1), Bid("bid")
WORTH: list[tuple[dict[str, str], Callable[[Slate], object], dict[str, Any]]] = [
    ({"weights.click": "-1"}, lists, {}),
    ({"diversity": "1"}, lists, {}),
    ({"epsilon": "1"}, chances, {}),
    ({"fatigue": "1"}, lists, {}),
    ({"deadline": "0.000001"}, version, {}),
    ({"seen.showings": "1"}, lists, {}),
    ({"seen.shown_for": "1"}, lists, {}),
    ({"seen.wanted_for": "1"}, lists, {}),
    ({"caps.author": "1"}, lists, {}),
    ({"caps.category": "1"}, lists, {}),
    ({"promotion.filter": '"ad = 1"'}, lists, {"promotion": Promotion("", 0.3)}),
    ({"promotion.share": "0.5"}, lists, {"promotion": ADS}),
    ({"bid.attribute": '"bid"'}, worths, {}),
    ({"bid.label": '"like"'}, worths, {"bid": BIDS}),
    ({"bid.weight": "3"}, worths, {"bid": BIDS}),
    ({"exploration": '"thompson"'}, chances, {}),
    ({"boldness": "3"}, chances, {"exploration": "thompson", "boldness": 0.0}),
    ({"watch_next.weight": "2"}, worths, {}),
    ({"watch_next.label": '"like"'}, worths, {"watch_next": WatchNext(2.0)}),
]
"""What is tried, what of a slate tells it, and over which policy."""


@pytest.fixture
def town(tmp_path: Path) -> Deployment:
    """Everybody was shown the same first items in vain, and has taken one; others went on from one to the next."""
    town = Deployment(tmp_path, rules=FoldRules(follow_window=HOUR))
    town.live.bundle = bundle_of(7)
    for n in range(20):
        about = {"ad": 1.0} if n in (11, 14) else {"bid": 5.0} if n in (12, 13) else {}
        town.tell(town.telling.item(f"i{n}", author=f"a{n % 4}", categories=(f"k{n % 5}",), attributes=about))
    for user in USERS:
        for n in range(2):
            town.tell(town.telling.shown(user, "i0", "i2", request_id=f"{user}-{n}"))
        for n in range(6):
            town.tell(town.telling.shown(user, "i8", request_id=f"{user}-{n}-often"))
        town.tell(town.telling.click(user, "i4"))
        town.tell(town.telling.click(f"other {user}", "i16"), town.telling.click(f"other {user}", "i17"))
    town.fold()
    return town


@pytest.mark.parametrize(("settings", "told", "over"), WORTH)
def test_a_setting_that_is_tried_changes_the_lists_of_its_arm_alone(
    town: Deployment, settings: dict[str, str], told: Callable[[Slate], object], over: dict[str, Any]
) -> None:
    town.recommender.policy = replace(CALM, **over)
    arms, one = Arms(town.recommender), tried(**settings)  # type: ignore[arg-type]
    with served(town, Arms(town.recommender)) as client:
        for user in USERS:
            client.recommend(user, n=12)
    before = {slate.user_id: told(slate) for slate in town.slates()}
    assert arms.tries([one], {}, lambda version: None) == []
    with served(town, arms) as client:
        for user in USERS:
            client.recommend(user, n=12)
    after = {slate.user_id: slate for slate in town.slates() if slate.arms}
    for user in USERS:
        arm = arm_of(one.trial, user)
        assert after[user].arms == {"bold": arm}
        assert (told(after[user]) != before[user]) == (arm == "on"), user
    assert {arm_of(one.trial, user) for user in USERS} == {"on", "off"}


def test_what_follows_is_not_tried_where_nobody_counts_it(tmp_path: Path) -> None:
    town = Deployment(tmp_path)
    arms, promoted = Arms(town.recommender), {"serving.watch_next.weight": "2"}
    told = r"serving\.watch_next\.weight is 2, but nothing that follows is counted of this log"
    (trouble,) = arms.tries([tried(**{"watch_next.weight": "2"})], {}, lambda version: None)  # type: ignore[arg-type]
    assert re.search(f"bold is not served: {told}", trouble)
    (trouble,) = arms.tries([], promoted, lambda version: None)
    assert re.search(f"promoted settings are not served: {told}", trouble)
    assert town.recommender.policy == CALM


@pytest.mark.parametrize("name", sorted(GROUPS["quotas"]))
def test_quotas_reach_the_policy_of_the_arm_alone(town: Deployment, name: str) -> None:
    """In so small a town every source brings the same items, so no list could tell."""
    settings: dict[str, Any] = {f"quotas.{name}": "7"}
    arms, one = Arms(town.recommender), tried(**settings)
    arms.tries([one], {}, lambda version: None)
    for user in USERS:
        quota = getattr(arms.way(user).recommender.policy.quotas, name)
        assert (quota == 7) == (arm_of(one.trial, user) == "on")


def test_every_setting_that_can_be_tried_is_tried_here() -> None:
    names = {name for settings, _, _ in WORTH for name in settings} | {f"quotas.{name}" for name in GROUPS["quotas"]}
    assert names == {*SINGLE, "weights.click", *(f"{group}.{name}" for group in GROUPS for name in GROUPS[group])}
    assert all(can_be_tried(f"serving.{name}") for name in names)
