"""What an operator sets about lists, over the whole way of a request: bids, caps, promotions, chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.answers import Ask, Recommendation
from serving.foreseeing import foreseen_slate
from serving.policy import Bid, Caps, Policy, Promotion, Quotas
from serving.retrieval import Shelf
from tests.serving.deployment import Deployment
from tests.worlds import bundle_of

CALM: dict[str, Any] = {"epsilon": 0.0, "diversity": 0.0, "deadline": 1e9}
ADS = ("i11", "i15")


@pytest.fixture
def server(tmp_path: Path) -> Deployment:
    """Twenty items of four authors and five categories, one with a bid and two ads, some shown and clicked."""
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7)
    tell = server.telling
    attributes = {f"i{n}": {"ad": 1.0} if f"i{n}" in ADS else {"bid": 50.0} if n == 13 else {} for n in range(20)}
    server.tell(
        *[
            tell.item(f"i{n}", author=f"a{n % 4}", categories=(f"k{n % 5}",), attributes=attributes[f"i{n}"])
            for n in range(20)
        ]
    )
    server.tell(tell.shown("v", "i0", "i2"), tell.click("v", "i2"), tell.click("v", "i4"), tell.click("v", "i6"))
    server.fold()
    return server


def asked(server: Deployment, policy: Policy, k: int = 0) -> tuple[Ask, Recommendation]:
    server.recommender.policy = policy
    ask = Ask("u0", 5, server.now() + k)
    return ask, server.recommender.recommend(ask, chance=b"%08d" % k, elapsed=lambda: 0.0)


def items(server: Deployment, **terms: Any) -> list[str]:
    _, given = asked(server, Policy(**CALM, **terms))
    assert given.rung == "model", given.trouble
    return [item.item_id for item in given.items]


def test_a_bid_brings_an_item_up_and_is_told_among_the_terms(server: Deployment) -> None:
    assert items(server)[0] != "i13"
    assert items(server, bid=Bid("bid"))[0] == "i13"
    _, given = asked(server, Policy(**CALM, bid=Bid("bid")))
    why = given.items[0].why
    assert why is not None
    assert why.terms["bid"] == pytest.approx(50 * why.predictions["click"], rel=1e-5)


def test_promoted_items_get_their_share_of_the_places_and_no_more(server: Deployment) -> None:
    assert not set(ADS) & set(items(server))
    assert set(ADS) <= set(items(server, promotion=Promotion("ad = 1", 0.4)))
    assert len(set(ADS) & set(items(server, promotion=Promotion("ad = 1", 0.2)))) == 1
    _, given = asked(server, Policy(**CALM, promotion=Promotion("ad = 1", 0.4)))
    assert [item.item_id in ADS for item in given.items] == [
        bool(item.why and item.why.promoted) for item in given.items
    ]


def test_caps_let_no_author_have_two_places_while_there_are_others(server: Deployment) -> None:
    authors = [int(item[1:]) % 4 for item in items(server, caps=Caps(author=2))]
    assert max(authors.count(author) for author in authors) == 2
    categories = [int(item[1:]) % 5 for item in items(server, caps=Caps(category=1))]
    assert len(set(categories)) == 5


@pytest.mark.parametrize("law", [{}, {"exploration": "thompson", "boldness": 3.0}])
def test_what_is_foreseen_of_a_list_is_what_was_logged_with_it(server: Deployment, law: dict[str, Any]) -> None:
    policy = Policy(
        caps=Caps(1, 1), promotion=Promotion("ad = 1", 0.4), quotas=Quotas(walked=10, random=5), epsilon=0.1,
        deadline=1e9, **law,
    )  # fmt: skip
    explored = 0
    for k in range(60):
        ask, given = asked(server, policy, k)
        bundle = server.live.bundle
        assert bundle is not None
        shelf, names = Shelf(bundle, server.known.stock), [item.item_id for item in given.items]
        told, _ = foreseen_slate(ask, bundle, server.known, shelf, names, policy=policy, label="click")
        assert [one.chance for one in told] == [item.propensity for item in given.items]
        explored += any(item.why is not None and item.why.explored for item in given.items)
    assert explored
