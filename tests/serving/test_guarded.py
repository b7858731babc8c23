"""Behind keys, over a socket: who gets in, who does not, and what is left of it in the log."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from headrace.web import behind_keys, open_to_pages
from serving.access import role_of
from serving.answering import Answering
from serving.api import Server, create_app
from serving.doorkeeper import Doorkeeper, Refusal
from serving.guarded import TELL_EVERY, Audit
from serving.keys import ROLES, KeyRing, made, write_keys
from serving.serving_counts import ServingCounts
from serving.slate_log import SlateWriter
from streams.gateway import gateway_app, router
from tests.serving.deployment import Deployment
from tests.worlds import Now, bundle_of


@dataclass
class House:
    """A guarded server, a key for each role, and the lines that it told."""

    port: int
    texts: dict[str, str]
    now: Now
    counts: ServingCounts
    lines: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        told = json.loads(data) if "json" in response.headers.get("Content-Type", "") else data.decode()
        return response.status, told, {name.lower(): value for name, value in response.headers.items()}

    def by(self, role: str, method: str, path: str, body: Any = None) -> int:
        return self.ask(method, path, body, **{"X-API-Key": self.texts[role]})[0]


def guard(app: FastAPI, folder: Path, house: House, rate: int = 0) -> None:
    keys = {role: made(role, [role], at=5) for role in ROLES}
    write_keys(folder / "keys.json", [key for key, _ in keys.values()])
    house.texts = {role: text for role, (_, text) in keys.items()}
    keeper = Doorkeeper(KeyRing(folder / "keys.json", clock=house.now), clock=house.now, rate=rate)
    behind_keys(app, keeper, Audit(house.lines.append, clock=house.now, count=house.counts.turned_away))
    open_to_pages(app, ["https://shop.example"])


def listening(app: FastAPI, house: House) -> Iterator[House]:
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", access_log=False))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        threading.Event().wait(0.01)
    house.port = running.servers[0].sockets[0].getsockname()[1]
    try:
        yield house
    finally:
        running.should_exit = True
        thread.join(10)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    town, counts = Deployment(tmp_path), ServingCounts()
    town.live.bundle = bundle_of(7)
    server = Server(Answering(town.recommender, SlateWriter(town.intake.append), clock=town.now, counts=counts))
    app, house = create_app(server, routers=[router(town.intake)]), House(0, {}, Now(), counts)
    guard(app, tmp_path, house, rate=20)
    yield from listening(app, house)


CLICK = [{"type": "click", "user_id": "u0", "item_id": "i1"}]


def test_each_role_opens_its_own_routes_and_no_others(house: House) -> None:
    asked = {
        "producer": ("POST", "/v1/events", CLICK, 202),
        "consumer": ("POST", "/v1/recommend", {"user_id": "u0"}, 200),
        "operator": ("GET", "/metrics", None, 200),
    }
    for role, (method, path, body, status) in asked.items():
        assert {one: house.by(one, method, path, body) for one in ROLES} == dict.fromkeys(ROLES, 403) | {role: status}
    assert house.ask("GET", "/healthz")[0] == house.ask("GET", "/docs")[0] == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "sesame"}, {"Authorization": "Bearer hr_00000000_" + 43 * "a"}])
def test_who_has_no_key_is_turned_away_as_a_problem(house: House, headers: dict[str, str]) -> None:
    status, problem, told = house.ask("POST", "/v1/recommend", {"user_id": "u0"}, **headers)
    assert (status, told["content-type"], told["www-authenticate"]) == (401, "application/problem+json", "Bearer")
    assert problem["type"] == "urn:headrace:problem:no-key"


def test_a_key_may_come_as_a_bearer(house: House) -> None:
    status, _, _ = house.ask("GET", "/v1/version", Authorization=f"Bearer {house.texts['consumer']}")
    assert status == 200


def test_a_wrong_secret_of_a_known_id_is_wrong_and_soon_too_much(house: House) -> None:
    text = house.texts["consumer"]
    wrong = text[:-4] + ("aaaa" if text[-4:] != "aaaa" else "bbbb")
    statuses = [house.ask("GET", "/v1/version", **{"X-API-Key": wrong})[0] for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert house.by("producer", "POST", "/v1/events", CLICK) == 202


def test_who_asks_too_often_is_told_when_to_come_again(house: House) -> None:
    statuses = [house.by("consumer", "GET", "/v1/version") for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    headers = house.ask("GET", "/v1/version", **{"X-API-Key": house.texts["consumer"]})[2]
    assert headers["retry-after"] == "1"
    house.now.at += 1_000
    assert house.by("consumer", "GET", "/v1/version") == 200


def test_refusals_are_counted_and_told_once_in_a_while_without_keys(house: House) -> None:
    for _ in range(5):
        house.ask("GET", "/v1/version", **{"X-API-Key": house.texts["producer"]})
        house.ask("GET", "/v1/version")
    house.now.at += TELL_EVERY
    house.ask("GET", "/v1/ver%C2%ADsion%0Aforged")
    assert [line.partition(";")[0] for line in house.lines] == [
        "refused 1 request: 1 role",
        "refused 10 requests: 6 missing, 4 role",
    ]
    assert not any(
        text.rpartition("_")[2] in line or "\n" in line for text in house.texts.values() for line in house.lines
    )
    assert 'headrace_refusals_total{reason="missing"} 6.0' in house.counts.exposed().decode()


def test_pages_of_named_origins_may_ask_from_a_browser(house: House) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    status, _, headers = house.ask(
        "OPTIONS", "/v1/recommend", None, **asked, **{"Access-Control-Request-Headers": "X-API-Key"}
    )
    assert (status, headers["access-control-allow-origin"]) == (200, "https://shop.example")
    refused = house.ask("POST", "/v1/recommend", {"user_id": "u0"}, Origin="https://shop.example")
    assert (refused[0], refused[2]["access-control-allow-origin"]) == (401, "https://shop.example")
    other = house.ask("GET", "/healthz", Origin="https://evil.example")
    assert "access-control-allow-origin" not in other[2]


def test_a_revoked_key_opens_nothing_within_a_second(house: House, tmp_path: Path) -> None:
    assert house.by("consumer", "GET", "/v1/version") == 200
    write_keys(tmp_path / "keys.json", [])
    house.now.at += 1_000
    assert house.by("consumer", "GET", "/v1/version") == 401


def test_the_document_says_that_keys_are_asked_for(house: House) -> None:
    _, document, _ = house.ask("GET", "/openapi.json")
    assert document["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"


def test_the_gateway_alone_is_guarded_the_same_way(tmp_path: Path) -> None:
    town, house = Deployment(tmp_path), House(0, {}, Now(), ServingCounts())
    app = gateway_app(town.intake)
    guard(app, tmp_path, house)
    for one in listening(app, house):
        assert one.by("consumer", "POST", "/v1/events", CLICK) == 403
        assert one.by("producer", "POST", "/v1/events", CLICK) == 202


def test_no_route_is_open_by_oversight(tmp_path: Path) -> None:
    town = Deployment(tmp_path)
    server = Server(Answering(town.recommender, SlateWriter(town.intake.append), clock=town.now))
    app = create_app(server, routers=[router(town.intake)])
    free = {path for path, about in app.openapi()["paths"].items() for method in about if not role_of(method, path)}
    server.close()
    assert free == {"/healthz", "/readyz"}
    assert (
        role_of("GET", "/v1/versions")
        == role_of("GET", "/v1/eventsmore")
        == role_of("GET", "/v1/admin/x")
        == "operator"
    )


def test_a_key_of_its_own_rate_is_held_to_that(tmp_path: Path) -> None:
    now = Now()
    key, text = made("slow", ["consumer"], at=1, rate=1)
    write_keys(tmp_path / "keys.json", [key])
    keeper = Doorkeeper(KeyRing(tmp_path / "keys.json", clock=now), clock=now, rate=1_000)
    assert keeper.ring.verify(key, text)
    verdicts = [keeper.judge("GET", "/v1/version", text) for _ in range(11)]
    assert [isinstance(verdict, Refusal) for verdict in verdicts] == [False] * 10 + [True]
