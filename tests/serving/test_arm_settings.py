"""Whatever can be tried reaches the lists of those who try it, over a socket, and the log says who they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.arms import GROUPS, NUMBERS, Arms, can_be_tried
from streams.events import Slate
from streams.experiments import arm_of
from tests.serving.deployment import Deployment
from tests.serving.test_arms import served, tried
from tests.worlds import bundle_of

USERS = [f"u{n}" for n in range(12)]


def lists(slate: Slate) -> object:
    return [item.item_id for item in slate.items]


def chances(slate: Slate) -> object:
    return {item.propensity == 1 for item in slate.items}


def version(slate: Slate) -> object:
    return slate.model_version


WORTH: list[tuple[dict[str, Any], Callable[[Slate], object]]] = [
    ({"weights.click": "-1"}, lists),
    ({"diversity": "1"}, lists),
    ({"epsilon": "1"}, chances),
    ({"fatigue": "1"}, lists),
    ({"deadline": "0.000001"}, version),
    ({"seen.showings": "1"}, lists),
    ({"seen.shown_for": "1"}, lists),
    ({"seen.wanted_for": "1"}, lists),
]


@pytest.fixture
def town(tmp_path: Path) -> Deployment:
    """Everybody was shown the same first items in vain, and has taken one."""
    town = Deployment(tmp_path)
    town.live.bundle = bundle_of(7)
    town.tell(*(town.telling.item(f"i{n}") for n in range(20)))
    for user in USERS:
        for n in range(2):
            town.tell(town.telling.shown(user, "i0", "i2", request_id=f"{user}-{n}"))
        for n in range(6):
            town.tell(town.telling.shown(user, "i8", request_id=f"{user}-{n}-often"))
        town.tell(town.telling.click(user, "i4"))
    town.fold()
    return town


@pytest.mark.parametrize(("settings", "told"), WORTH)
def test_a_setting_that_is_tried_changes_the_lists_of_its_arm_alone(
    town: Deployment, settings: dict[str, Any], told: Callable[[Slate], object]
) -> None:
    arms, one = Arms(town.recommender), tried(**settings)
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
    names = {name for settings, _ in WORTH for name in settings} | {f"quotas.{name}" for name in GROUPS["quotas"]}
    assert names == {*NUMBERS, "weights.click", *(f"{group}.{name}" for group in GROUPS for name in GROUPS[group])}
    assert all(can_be_tried(f"serving.{name}") for name in names)
