"""One answer per request: the right items, the right rung, one version."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.answers import Ask, Recommendation, Stamps
from serving.policy import Policy, SeenRule
from tests.serving.deployment import Deployment
from tests.worlds import bundle_of, even


@pytest.fixture
def server(tmp_path: Path) -> Deployment:
    return Deployment(tmp_path)


def ask(server: Deployment, user_id: str = "u0", n: int = 5, ms: float = 0.0, **more: object) -> Recommendation:
    question = Ask(user_id, n, server.now(), **more)
    return server.recommender.recommend(question, chance=b"12345678", elapsed=lambda: ms)


def items(given: Recommendation) -> list[str]:
    return [item.item_id for item in given.items]


def test_even_users_get_even_items_and_odd_users_odd_ones(server: Deployment) -> None:
    server.live.bundle = bundle_of(7)
    assert items(ask(server, "u0")) == ["i0", "i2", "i4", "i6", "i8"]
    assert items(ask(server, "u1")) == ["i1", "i3", "i5", "i7", "i9"]
    assert ask(server).rung == "model"
    assert (ask(server).version, ask(server).stamps) == (7, Stamps(7, 7, 7))


def test_a_click_changes_the_next_list(server: Deployment) -> None:
    server.live.bundle = bundle_of(1)
    before = ask(server)
    click = server.telling.click("u0", "i3")
    server.tell(click)
    server.fold()
    after = ask(server)
    assert (before.history_at, after.history_at) == (None, click.ts)
    assert all(even(item) for item in items(before))
    assert not any(even(item) for item in items(after))


def test_weights_decide_what_an_action_is_worth(server: Deployment) -> None:
    server.live.bundle = bundle_of(1)
    server.recommender.policy = Policy(weights={"click": -1.0}, epsilon=0.0, diversity=0.0)
    assert not any(even(item) for item in items(ask(server, n=5)))


def test_before_any_version_the_popular_items_are_given(server: Deployment) -> None:
    tell = server.telling
    server.tell(tell.shown("u9", "i1", "i2"), tell.click("u9", "i2"), tell.item("i5"), tell.item("i6"))
    server.fold()
    given = ask(server, "u0", n=4)
    assert (given.rung, given.version, given.stamps) == ("popular", 0, None)
    assert items(given) == ["i2", "i1", "i6", "i5"]


def test_before_any_click_the_latest_items_are_given(server: Deployment) -> None:
    server.tell(*[server.telling.item(f"i{n}") for n in range(5)])
    server.fold()
    given = ask(server, n=3)
    assert (given.rung, items(given)) == ("latest", ["i4", "i3", "i2"])


def test_a_late_request_gets_its_last_list_again(server: Deployment) -> None:
    server.live.bundle = bundle_of(3)
    first = ask(server)
    late = ask(server, ms=1e6)
    assert (late.rung, late.version, items(late)) == ("cached", 3, items(first))
    assert late.trouble[0].startswith("DeadlinePassed: after retrieval")


def test_a_late_request_of_a_new_user_gets_popular_items(server: Deployment) -> None:
    server.live.bundle = bundle_of(3)
    server.tell(server.telling.click("u9", "i2"))
    server.fold()
    late = ask(server, ms=1e6)
    assert (late.rung, items(late)) == ("popular", ["i2"])


def test_a_cached_list_never_brings_back_what_is_gone_or_excluded(server: Deployment) -> None:
    server.live.bundle = bundle_of(3)
    ask(server)
    server.tell(server.telling.gone("i2"))
    server.fold()
    late = ask(server, ms=1e6, exclude=frozenset({"i4"}))
    assert items(late) == ["i0", "i6", "i8"]


def test_a_list_of_a_version_that_was_taken_back_is_not_given_again(server: Deployment) -> None:
    server.tell(server.telling.click("u9", "i2"))
    server.fold()
    server.live.bundle = bundle_of(9)
    ask(server)
    server.live.bundle = bundle_of(8)
    assert ask(server, ms=1e6).rung == "popular"
    server.live.bundle = bundle_of(10)
    assert ask(server, ms=1e6).rung == "popular"
    ask(server)
    assert ask(server, ms=1e6).rung == "cached"


def test_stages_of_two_versions_never_answer_together(server: Deployment) -> None:
    server.tell(server.telling.click("u9", "i2"))
    server.fold()
    for mixed in (bundle_of(5, tower=4), bundle_of(5, ranker=6)):
        server.live.bundle = mixed
        given = ask(server)
        assert (given.rung, given.version) == ("popular", 0)
        assert given.trouble[0].startswith("MixedVersions")


def test_an_item_that_the_version_does_not_know_can_be_recommended(server: Deployment) -> None:
    server.live.bundle = bundle_of(1, items=4)
    tell = server.telling
    server.tell(
        tell.item("i9"), *[event for _ in range(9) for event in (tell.shown("u9", "i9"), tell.click("u9", "i9"))]
    )
    server.fold()
    given = ask(server, "u1", n=5)
    assert set(items(given)) == {"i0", "i1", "i2", "i3", "i9"}
    assert next(item for item in given.items if item.item_id == "i9").source == "popular"


def test_what_was_shown_in_vain_too_often_goes_until_nothing_else_is_left(server: Deployment) -> None:
    server.live.bundle = bundle_of(1, items=6)
    server.recommender.policy = Policy(seen=SeenRule(showings=2), fatigue=1.0, epsilon=0.0, diversity=0.0)
    server.tell(server.telling.shown("u0", "i0"), server.telling.shown("u0", "i0", "i2"))
    server.fold()
    assert items(ask(server, n=5))[:2] == ["i2", "i4"]
    assert "i0" not in items(ask(server, n=5))
    assert "i0" in items(ask(server, n=6))


def test_fatigue_moves_an_item_down(server: Deployment) -> None:
    server.live.bundle = bundle_of(1, items=6)
    server.recommender.policy = Policy(fatigue=0.5, epsilon=0.0, diversity=0.0)
    server.tell(server.telling.shown("u0", "i0"))
    server.fold()
    assert items(ask(server, n=3)) == ["i2", "i4", "i0"]


def test_the_queried_item_is_not_in_its_own_list(server: Deployment) -> None:
    server.live.bundle = bundle_of(1)
    given = ask(server, "u1", query_item_id="i4")
    assert "i4" not in items(given)


def test_exploration_is_logged_with_its_propensity(server: Deployment) -> None:
    server.live.bundle = bundle_of(1)
    server.recommender.policy = Policy(epsilon=1.0, diversity=0.0, deadline=1e9)
    given = ask(server, n=5)
    assert [round(item.propensity, 4) for item in given.items] == [round(1 / (20 - place), 4) for place in range(5)]


def test_given_items_are_put_in_order_without_those_that_are_gone(server: Deployment) -> None:
    server.live.bundle = bundle_of(1)
    server.tell(server.telling.gone("i2"))
    server.fold()
    ranked = server.recommender.rank(Ask("u0", 4, server.now()), ["i1", "i2", "i4", "i0", "i0"])
    assert (ranked.rung, items(ranked)) == ("model", ["i0", "i4", "i1"])


def test_given_items_are_put_in_order_by_click_rate_without_a_version(server: Deployment) -> None:
    server.tell(server.telling.shown("u9", "i1", "i2"), server.telling.click("u9", "i2"))
    server.fold()
    ranked = server.recommender.rank(Ask("u0", 2, server.now()), ["i1", "i2"])
    assert (ranked.rung, items(ranked)) == ("popular", ["i2", "i1"])


def test_items_like_one_are_of_its_kind(server: Deployment) -> None:
    server.live.bundle = bundle_of(1)
    given = server.recommender.similar("i3", 4, server.now())
    assert given is not None
    assert items(given) == ["i1", "i5", "i7", "i9"]


def test_an_item_without_vector_is_like_what_was_wanted_with_it(server: Deployment) -> None:
    server.tell(server.telling.click("u9", "new"), server.telling.click("u9", "i2"))
    server.fold()
    given = server.recommender.similar("new", 4, server.now())
    assert given is not None
    assert (given.rung, items(given)) == ("popular", ["i2"])
