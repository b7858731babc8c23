"""What is hidden, closed or deleted is on no list of any route, at once, whichever rung answers."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.policy import Policy
from streams.events import Item
from tests.serving.deployment import CALM, Deployment, ids
from tests.serving.every_route import ALL, KINDS, NAMES, Operation, answers, lists
from tests.worlds import Telling, bundle_of

CATALOGUE = ("GET /api/items", "GET /api/item/{item_id}")
"""They tell of items as they are, not of what to show: what is closed by its times is in them."""
WAYS = ("deleted", "hidden", "expired", "not yet")


def taken_away(tell: Telling, name: str, way: str) -> Item:
    """What is said of an item that may not be shown."""
    if way == "deleted":
        return tell.gone(name)
    times = {"hidden": {"available_until": 0}, "expired": {"available_until": 5}}
    return tell.item(name, categories=KINDS, **times.get(way, {"available_from": tell.now.at + 9_000_000}))


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_what_may_not_be_shown_is_on_no_list_of_any_documented_route(
    tmp_path_factory: pytest.TempPathFactory, seed: int, modelled: bool
) -> None:
    random, server = Random(seed), Deployment(tmp_path_factory.mktemp("gone"))
    tell = server.telling
    server.live.bundle = bundle_of(3) if modelled else None
    server.tell(*[tell.item(name, categories=KINDS) for name in random.sample(NAMES, 16)])
    server.tell(*[tell.click(f"u{random.randrange(3)}", random.choice(NAMES)) for _ in range(30)])
    server.fold()
    with server.served() as client:
        document = client.get("/openapi.json")[1]
        before = list(answers(client, document, NAMES[0]))
        gone = {name: random.choice(WAYS) for name in random.sample(NAMES, random.randrange(1, 15))}
        server.tell(*[taken_away(tell, name, way) for name, way in gone.items()])
        next(server.folding)
        after = list(answers(client, document, next(iter(gone))))
        server.recommender.policy = Policy(deadline=-1.0)
        after += list(answers(client, document, next(iter(gone))))
        server.recommender.policy = CALM
        missing = {name: client.get(f"/v1/items/{name}/similar")[0] for name in gone}
    leaks = {
        (route, name, gone[name])
        for route, names in after
        for name in names & gone.keys()
        if not (route in CATALOGUE and gone[name] in WAYS[2:])
    }
    assert leaks == set()
    assert set(missing.values()) == {404}
    assert never_full(lists(document), before) == set(), "a list that names nothing proves nothing"


def never_full(asked: set[Operation], told: list[tuple[str, set[str]]]) -> set[str]:
    """Routes that named no item at all."""
    return {" ".join(one) for one in asked} - {route for route, names in told if names & set(NAMES)}


def test_a_route_that_nobody_thought_of_is_asked_or_asked_about(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Deployment(tmp_path_factory.mktemp("new"))
    with server.served() as client:
        document: Any = client.get("/openapi.json")[1]
        for method, path in (("get", "/v1/best"), ("get", "/api/items/{strange}"), ("post", "/v1/best")):
            parameters = [{"name": "strange", "in": "path"}] if "{" in path else []
            new = document | {"paths": document["paths"] | {path: {method: {"parameters": parameters}}}}
            assert (method.upper(), path) in lists(new)
            if path != "/v1/best" or method == "post":
                with pytest.raises(AssertionError, match="say in"):
                    list(answers(client, {"paths": {path: new["paths"][path]}}, NAMES[0]))


def test_a_list_holds_all_that_is_left(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Deployment(tmp_path_factory.mktemp("left"))
    server.live.bundle = bundle_of(3)
    server.tell(*[server.telling.gone(name) for name in NAMES[:15]])
    server.fold()
    with server.served() as client:
        assert sorted(ids(client.recommend("u0", n=20, filter=ALL))) == sorted(NAMES[15:])
