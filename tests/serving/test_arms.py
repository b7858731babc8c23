"""A share of the users gets what is tried: the same ones everywhere, and the log says who."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from serving.answering import Answering
from serving.answers import Ask, Recommendation
from serving.api import Server, create_app
from serving.arms import Arms
from serving.serving_counts import ServingCounts
from serving.slate_log import SlateWriter
from streams.experiments import Experiment, Trial, arm_of
from tests.serving.deployment import CALM, Client, Deployment, ids
from tests.worlds import bundle_of

USERS = [f"u{n}" for n in range(40)]
AGAINST = {"serving.weights.click": "-1"}


def tried(
    name: str = "bold", *, share: float = 0.5, version: int | None = None, mirror: bool = False, **settings: str
) -> Experiment:
    told = {f"serving.{key}": value for key, value in settings.items()} or ({} if version else AGAINST)
    trial = Trial(name, "start", told, share, mirror, "page_ctr")
    return Experiment(trial, version, 0, {}, {}, 0, "ana", "try")


@pytest.fixture
def town(tmp_path: Path) -> Deployment:
    town = Deployment(tmp_path)
    town.live.bundle = bundle_of(7)
    return town


@contextmanager
def served(town: Deployment, arms: Arms, counts: ServingCounts | None = None) -> Iterator[Client]:
    slates = SlateWriter(town.intake.append)
    server = Server(Answering(town.recommender, slates, clock=town.now, arms=arms, counts=counts))
    running = uvicorn.Server(uvicorn.Config(create_app(server), port=0, log_level="critical", access_log=False))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        threading.Event().wait(0.01)
    client = Client(running.servers[0].sockets[0].getsockname()[1])
    try:
        yield client
    finally:
        client.close()
        running.should_exit = True
        thread.join(10)


def listed(town: Deployment, arms: Arms, user: str) -> Recommendation:
    ask = Ask(user, 3, town.now())
    return arms.way(user).recommender.recommend(ask, chance=b"12345678", elapsed=lambda: 0.0)


def mirrored(counts: ServingCounts) -> int:
    told = counts.told()["mirrors"].get("bold")
    return 0 if told is None else told["answers"] + told["dropped"]


def test_only_those_who_are_drawn_get_other_settings_and_the_slate_says_who(town: Deployment) -> None:
    arms, one = Arms(town.recommender), tried()
    assert arms.tries([one], {}, lambda version: None) == []
    with served(town, arms) as client:
        lists = {user: ids(client.recommend(user, n=3)) for user in USERS}
    plain = {user: [item.item_id for item in town.recommender.recommend(
        Ask(user, 3, town.now()), chance=b"12345678", elapsed=lambda: 0.0).items] for user in USERS}  # fmt: skip
    drawn = {user for user in USERS if arm_of(one.trial, user) == "on"}
    assert {user for user in USERS if lists[user] != plain[user]} == drawn
    assert {slate.user_id: slate.arms for slate in town.slates()} == {
        user: {"bold": "on" if user in drawn else "off"} for user in USERS
    }
    assert all(slate.took is not None and slate.took > 0 for slate in town.slates())


def test_without_experiments_slates_are_as_ever(town: Deployment) -> None:
    with served(town, Arms(town.recommender)) as client:
        client.recommend("u0", n=3)
    (slate,) = town.slates()
    assert (slate.arms, slate.took) == ({}, None)


def test_a_version_answers_its_users_and_stamps_their_slates(town: Deployment) -> None:
    arms, one = Arms(town.recommender), tried(version=9)
    arms.tries([one], {}, {9: bundle_of(9)}.get)
    for user in USERS:
        assert listed(town, arms, user).version == (9 if arm_of(one.trial, user) == "on" else 7)


def test_a_version_that_is_not_warm_is_not_served_and_nobody_is_in_an_arm(town: Deployment) -> None:
    arms = Arms(town.recommender)
    arms.tries([tried(version=9)], {}, lambda version: None)
    assert {(way.recommender is town.recommender, *way.arms) for way in map(arms.way, USERS)} == {(True,)}


def test_lists_of_one_arm_never_come_again_in_the_other(town: Deployment) -> None:
    """The next lower rung is the user's last list: it must be of the same arm."""
    arms = Arms(town.recommender)
    arms.tries([tried(version=9)], {}, {9: bundle_of(9)}.get)
    user = next(user for user in USERS if arms.way(user).arms["bold"] == "on")
    assert listed(town, arms, user).version == 9
    arms.tries([], {}, lambda version: None)
    late = arms.way(user).recommender.recommend(Ask(user, 3, town.now()), chance=b"1", elapsed=lambda: 1e9)
    assert late.version != 9


def test_two_experiments_together_give_who_is_in_both_both(town: Deployment) -> None:
    arms = Arms(town.recommender)
    one, other = tried("bold", diversity="0.5"), tried("shy", epsilon="0.25")
    arms.tries([one, other], {}, lambda version: None)
    for user in USERS:
        way = arms.way(user)
        policy = way.recommender.policy
        assert policy.diversity == (0.5 if way.arms["bold"] == "on" else CALM.diversity)
        assert policy.epsilon == (0.25 if way.arms["shy"] == "on" else CALM.epsilon)


def test_what_was_promoted_stands_for_everybody_until_it_is_taken_off(town: Deployment) -> None:
    arms = Arms(town.recommender)
    arms.tries([], {"serving.diversity": "0.5"}, lambda version: None)
    assert {arms.way(user).recommender.policy.diversity for user in USERS} == {0.5}
    arms.tries([], {}, lambda version: None)
    assert {arms.way(user).recommender.policy.diversity for user in USERS} == {CALM.diversity}


def test_an_experiment_that_this_server_does_not_understand_is_told_and_not_served(town: Deployment) -> None:
    arms = Arms(town.recommender)
    (trouble,) = arms.tries([tried(mood="0.5")], {}, lambda version: None)
    assert "bold is not served: serving.mood can't be tried" in trouble
    assert arms.way("u0").arms == {}


def test_a_mirror_changes_no_answer_and_no_slate_and_is_measured(town: Deployment) -> None:
    arms, counts = Arms(town.recommender), ServingCounts()
    one = tried(mirror=True)
    drawn = [user for user in USERS if arm_of(one.trial, user) == "on"]
    with served(town, arms, counts) as client:
        before = [ids(client.recommend(user, n=3)) for user in USERS]
        arms.tries([one], {}, lambda version: None)
        after = [ids(client.recommend(user, n=3)) for user in USERS]
        while mirrored(counts) < len(drawn):
            threading.Event().wait(0.01)
    assert before == after
    assert {str(slate.arms) for slate in town.slates()} == {"{}"}
    mirror = counts.told()["mirrors"]["bold"]
    assert (mirror["failed"], mirror["answers"] > 0, mirror["p50_ms"] > 0, mirror["common"]) == (0, True, True, 0.0)


def test_a_mirror_that_fails_is_counted_and_hurts_nobody(town: Deployment) -> None:
    arms, counts = Arms(town.recommender), ServingCounts()
    arms.tries([tried(version=9, mirror=True, share=0.99)], {}, {9: bundle_of(9, ranker=8)}.get)
    with served(town, arms, counts) as client:
        assert [client.recommend(user)["version"] for user in USERS] == [7] * len(USERS)
        while not counts.told()["mirrors"]:
            threading.Event().wait(0.01)
    assert counts.told()["mirrors"]["bold"]["answers"] == 0
