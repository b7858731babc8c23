"""What an operator sets about lists, over the whole way of a request: bids, what follows, caps, promotions, chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.answers import Ask, Recommendation
from serving.fold_rules import HOUR, FoldRules
from serving.foreseeing import foreseen_slate
from serving.policy import Bid, Caps, Policy, Promotion, Quotas, WatchNext
from serving.shelf import Shelf
from tests.serving.deployment import Deployment
from tests.worlds import bundle_of

CALM: dict[str, Any] = {"epsilon": 0.0, "diversity": 0.0, "deadline": 1e9}
ADS = ("i11", "i15")


@pytest.fixture
def server(tmp_path: Path) -> Deployment:
    """Twenty items of four authors and five categories, one with a bid and two ads, some shown and clicked; whoever
    wanted i9 went on to want i1 and i3."""
    server = Deployment(tmp_path, rules=FoldRules(follow_window=HOUR))
    server.live.bundle = bundle_of(7)
    tell = server.telling
    attributes = {f"i{n}": {"ad": 1.0} if f"i{n}" in ADS else {"bid": 50.0} if n == 13 else {} for n in range(20)}
    server.tell(
        *[
            tell.item(f"i{n}", author=f"a{n % 4}", categories=(f"k{n // 4}",), attributes=attributes[f"i{n}"])
            for n in range(20)
        ]
    )
    server.tell(tell.shown("v", "i0", "i2"), tell.click("v", "i2"), tell.click("v", "i4"), tell.click("v", "i6"))
    for n in range(30):
        server.tell(*[tell.click(f"w{n}", item) for item in ("i9", "i1", "i3")])
    server.fold()
    return server


def asked(server: Deployment, policy: Policy, k: int = 0, user: str = "u0") -> tuple[Ask, Recommendation]:
    server.recommender.policy = policy
    ask = Ask(user, 5, server.now() + k)
    return ask, server.recommender.recommend(ask, chance=b"%08d" % k, elapsed=lambda: 0.0)


def items(server: Deployment, user: str = "u0", **terms: Any) -> list[str]:
    _, given = asked(server, Policy(**CALM, **terms), user=user)
    assert given.rung == "model", given.trouble
    return [item.item_id for item in given.items]


def test_a_bid_brings_an_item_up_and_is_told_among_the_terms(server: Deployment) -> None:
    assert items(server)[0] != "i13"
    assert items(server, bid=Bid("bid"))[0] == "i13"
    _, given = asked(server, Policy(**CALM, bid=Bid("bid")))
    why = given.items[0].why
    assert why is not None
    assert why.terms["bid"] == pytest.approx(50 * why.predictions["click"], rel=1e-5)


def test_what_people_went_on_to_want_brings_an_item_up_where_it_is_wanted_itself(server: Deployment) -> None:
    """Odd users want i9, even ones do not."""
    assert items(server, "u1")[0] == "i1"
    assert items(server, "u1", watch_next=WatchNext(0.1))[0] == "i9"
    assert "i9" not in items(server, "u0", watch_next=WatchNext(9.0))
    _, given = asked(server, Policy(**CALM, watch_next=WatchNext(2.0)), user="u1")
    told = {item.item_id: item.why for item in given.items}
    follows = dict(zip(told, server.known.view.followed(server.known.stock.codes(told)), strict=True))
    for name, why in told.items():
        assert why is not None
        assert why.terms["watch_next"] == pytest.approx(2 * why.predictions["click"] * follows[name], rel=1e-5)
        assert why.value == pytest.approx(sum(why.terms.values()), rel=1e-5)


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
    assert len({int(item[1:]) // 4 for item in items(server)}) < 5
    assert len({int(item[1:]) // 4 for item in items(server, caps=Caps(category=1))}) == 5


@pytest.fixture
def crowd(tmp_path: Path) -> Deployment:
    """Two hundred items, of which the best hundred for even users are of one author and one category; one is an ad."""
    crowd = Deployment(tmp_path)
    crowd.live.bundle = bundle_of(7, items=200)
    for n in range(200):
        kind = {"author": "a", "categories": ("k",)} if n < 195 else {"author": f"a{n}", "categories": (f"k{n}",)}
        crowd.tell(crowd.telling.item(f"i{n}", **kind, attributes={"ad": 1.0} if n == 190 else {}))
    crowd.fold()
    return crowd


@pytest.mark.parametrize("caps", [Caps(author=1), Caps(category=1)])
def test_caps_find_others_below_a_crowd_of_one_kind(crowd: Deployment, caps: Caps) -> None:
    assert sum(int(item[1:]) >= 195 for item in items(crowd)) == 0
    assert sum(int(item[1:]) >= 195 for item in items(crowd, caps=caps)) == 4


def test_what_is_seldom_seen_is_drawn_from_below_a_crowd(crowd: Deployment) -> None:
    """The seventy best for even users were seen often, those below them never."""
    tell, seen = crowd.telling, [f"i{n}" for n in range(0, 140, 2)]
    crowd.tell(*[tell.shown(f"v{n}", *seen, request_id=f"r{n}") for n in range(60)])
    crowd.fold()
    bold = Policy(**CALM, exploration="thompson", boldness=4.0, quotas=Quotas(fresh=0))
    drawn = {item.item_id for k in range(8) for item in asked(crowd, bold, k)[1].items}
    assert drawn - set(seen)


def test_what_is_promoted_is_found_below_a_crowd(crowd: Deployment) -> None:
    assert "i190" not in items(crowd)
    assert "i190" in items(crowd, promotion=Promotion("ad = 1", 0.2))


LAWS: list[dict[str, Any]] = [
    {},
    {"exploration": "thompson", "boldness": 3.0},
    {"watch_next": WatchNext(0.5)},
    {"watch_next": WatchNext(0.5), "bid": Bid("bid"), "exploration": "thompson"},
]


@pytest.mark.parametrize("law", LAWS)
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
