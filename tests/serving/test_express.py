"""The short way of the busiest requests: the same answers, the same refusals, and no other address takes it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from serving.answering import Answering
from serving.api import Server, create_app
from serving.express import Doors, Express
from serving.guarded import App, Receive, Scope, Send
from serving.slate_log import SlateWriter
from tests.serving.deployment import Deployment, ids
from tests.worlds import bundle_of


def named(name: str, called: list[str]) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        called.append(name)

    return app


@pytest.mark.parametrize(
    ("scope", "who"),
    [
        ({"type": "http", "method": "POST", "path": "/busy"}, "door"),
        ({"type": "http", "method": "GET", "path": "/busy"}, "app"),
        ({"type": "http", "method": "POST", "path": "/busy/"}, "app"),
        ({"type": "lifespan"}, "app"),
    ],
)
def test_only_a_method_and_an_address_that_are_listed_go_through_a_door(scope: Scope, who: str) -> None:
    called: list[str] = []
    asyncio.run(_asked(Express(named("app", called), {("POST", "/busy"): named("door", called)}), scope))
    assert called == [who]


def test_every_door_is_a_documented_route_of_the_same_method(tmp_path: Path) -> None:
    recommender = Deployment(tmp_path).recommender
    app = create_app(Server(Answering(recommender, SlateWriter(lambda *_: None), clock=lambda: 0)))
    (doors,) = [cast(Doors, one.kwargs["doors"]) for one in app.user_middleware if "doors" in one.kwargs]
    paths = app.openapi()["paths"]
    assert doors
    assert all(method.lower() in paths[path] for method, path in doors)


def test_what_is_wrong_is_told_on_the_short_way_as_on_any(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7)
    with server.served() as client:
        assert ids(client.recommend("u0", n=2)) == ["i0", "i2"]
        assert client.post("/v1/recommend", {"n": 2})[0] == 422
        assert client.get("/v1/recommend")[0] == 405


async def _asked(app: App, scope: Scope) -> None:
    async def receive() -> Any:
        return {}

    async def send(_: Any) -> None:
        return None

    await app(scope, receive, send)
