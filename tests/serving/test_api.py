"""The HTTP side over a real socket."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.mask import Entry, Masking
from streams.request_ids import version_of
from tests.serving.deployment import Client, Deployment, ids
from tests.worlds import bundle_of, even


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, Client]]:
    """One server for the tests that do not mind each other."""
    deployment = Deployment(tmp_path_factory.mktemp("serve"))
    deployment.live.bundle = bundle_of(7)
    deployment.fold()
    with deployment.served() as client:
        yield deployment, client


def test_an_answer_says_who_made_it_and_is_in_the_log(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7)
    with server.served() as client:
        answer = client.recommend("u0", n=3, surface="home", context={"hour": 7})
    assert ids(answer) == ["i0", "i2", "i4"]
    assert (answer["version"], answer["rung"], answer["history_at"]) == (7, "model", None)
    assert answer["stamps"] == {"retrieval": 7, "ranking": 7, "generation": 7}
    assert answer["items"][0] == {"item_id": "i0", "position": 0, "score": pytest.approx(0.88), "source": "vectors"}
    assert version_of(answer["request_id"]) == 7
    (slate,) = server.slates()
    assert (slate.request_id, slate.user_id, slate.model_version) == (answer["request_id"], "u0", 7)
    assert [(shown.item_id, shown.propensity) for shown in slate.items] == [("i0", 1.0), ("i2", 1.0), ("i4", 1.0)]
    assert (slate.surface, slate.context) == ("home", {"hour": 7.0})


@pytest.mark.parametrize("path", ["/v1/recommend", "/v1/rank"])
def test_the_slate_says_which_app_asked(tmp_path: Path, path: str) -> None:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7)
    asked = {"user_id": "u0"} | ({"items": ["i0"]} if path == "/v1/rank" else {})
    with server.served() as client:
        client.post(path, asked | {"app_version": "1.2", "producer": "android"})
        client.post(path, asked)
    assert [(slate.app_version, slate.producer) for slate in server.slates()] == [("1.2", "android"), ("", "headrace")]


def test_a_mask_by_app_version_takes_the_slate(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7)
    with server.served() as client:
        client.post("/v1/recommend", {"user_id": "u0", "app_version": "1.2"})
    mask = Masking([Entry("q1", start={0: 0}, app_version="1.2")])
    assert [mask.hides(0, 0, slate) for slate in server.slates()] == [True]


@pytest.mark.parametrize("route", ["/v1/recommend", "/v1/rank"])
def test_the_schema_tells_of_app_version_and_producer(shared: tuple[Deployment, Client], route: str) -> None:
    content = shared[1].get("/openapi.json")[1]["paths"][route]["post"]["requestBody"]["content"]
    fields = content["application/json"]["schema"]["properties"]
    assert "a mask by it" in fields["app_version"]["description"]
    assert "`headrace`" in fields["producer"]["description"]


def test_a_dry_run_logs_nothing(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(7)
    with server.served() as client:
        assert ids(client.recommend("u0", n=1, dry_run=True)) == ["i0"]
    assert server.slates() == []


def test_an_explained_answer_tells_predictions_and_chance(shared: tuple[Deployment, Client]) -> None:
    (item,) = shared[1].recommend("u0", n=1, explain=True)["items"]
    assert item["explain"]["predictions"]["click"] == pytest.approx(0.8)
    assert (item["explain"]["showings"], item["explain"]["propensity"]) == (0, 1.0)


def test_given_items_are_ranked(shared: tuple[Deployment, Client]) -> None:
    status, answer = shared[1].post("/v1/rank", {"user_id": "u1", "items": ["i0", "i3", "i1", "strange"]})
    assert (status, ids(answer)[:2]) == (200, ["i1", "i3"])
    assert set(ids(answer)) == {"i0", "i1", "i3", "strange"}


def test_similar_items_are_found_and_strange_ones_are_not(shared: tuple[Deployment, Client]) -> None:
    status, answer = shared[1].get("/v1/items/i3/similar?n=2")
    assert (status, ids(answer), answer["version"]) == (200, ["i1", "i5"], 7)
    status, problem = shared[1].get("/v1/items/a/b%20c/similar")
    assert (status, shared[1].content_type) == (404, "application/problem+json")
    assert problem["field"] == "item_id"


def test_integer_ids_are_the_strings_that_look_like_them(shared: tuple[Deployment, Client]) -> None:
    status, answer = shared[1].post("/v1/rank", {"user_id": "u0", "items": [7, "7"]})
    assert (status, ids(answer)) == (200, ["7"])


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, "body"),
        (b"[]", 422, "body"),
        ({}, 422, "user_id"),
        ({"user_id": ""}, 422, "user_id"),
        ({"user_id": "x" * 257}, 422, "user_id"),
        ({"user_id": "\u00e9" * 129}, 422, "user_id"),
        (b'{"user_id": "\\ud800"}', 400, "body"),
        (b'{"user_id": "\xff"}', 400, "body"),
        ({"user_id": None}, 422, "user_id"),
        ({"user_id": "u0", "n": 0}, 422, "n"),
        ({"user_id": "u0", "n": 101}, 422, "n"),
        ({"user_id": "u0", "n": "ten"}, 422, "n"),
        ({"user_id": "u0", "at": -1}, 422, "at"),
        ({"user_id": "u0", "context": {"a": []}}, 422, "context[...]"),
        (b'{"user_id": "u0", "context": {"a": 1e999}}', 422, "context[...]"),
        (b'{"user_id": "u0", "context": {"a": NaN}}', 400, "body"),
        (b'{"user_id": "u0", "context": {"a": 1' + b"0" * 400 + b"}}", 422, "context.a"),
        ({"user_id": "u0", "exclude_ids": [""]}, 422, "exclude_ids[0]"),
        ({"user_id": "u0", "colour": "red"}, 422, "colour"),
        ({"user_id": "u0", "app_version": 1.2}, 422, "app_version"),
        ({"user_id": "u0", "app_version": "\u00e9" * 129}, 422, "app_version"),
        ({"user_id": "u0", "producer": "x" * 257}, 422, "producer"),
        (b'{"user_id": "u0", "query_text": "' + b"x" * 1_100_000 + b'"}', 413, "body"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    shared: tuple[Deployment, Client], body: object, status: int, field: str
) -> None:
    given_status, problem = shared[1].post("/v1/recommend", body)
    assert (given_status, problem.get("field")) == (status, field), problem
    assert shared[1].content_type == "application/problem+json"
    assert problem["type"].startswith("urn:headrace:problem:")


@settings(max_examples=60)
@given(
    st.binary(max_size=60)
    | st.text(max_size=30).map(lambda text: ('{"user_id": "u0", ' + text).encode("utf-8", "replace"))
)
def test_junk_is_never_an_error_of_the_server(shared: tuple[Deployment, Client], junk: bytes) -> None:
    for path in ("/v1/recommend", "/v1/rank"):
        assert shared[1].post(path, junk)[0] < 500
    assert shared[1].get("/v1/items/x/similar?n=" + junk.hex())[0] < 500


def test_problems_of_the_address_are_told_in_the_same_form(shared: tuple[Deployment, Client]) -> None:
    client = shared[1]
    assert (client.get("/v1/nothing")[0], client.content_type) == (404, "application/problem+json")
    assert (client.get("/v1/recommend")[0], client.content_type) == (405, "application/problem+json")
    assert client.get("/v1/items/i1/similar?n=ten")[1]["field"] == "n"


def test_events_are_taken_at_the_same_address(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    with server.served() as client:
        status, _ = client.post("/v1/events", [{"type": "click", "user_id": "u0", "item_id": "i1"}])
    assert status == 202


def test_a_folded_click_is_in_the_next_answer(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    server.live.bundle = bundle_of(1)
    with server.served() as client:
        before = client.recommend("u0", n=5)
        click = server.telling.click("u0", "i3")
        server.tell(click)
        server.fold()
        after = client.recommend("u0", n=5)
    assert before["history_at"] is None
    assert after["history_at"] >= click.ts
    assert all(even(item) for item in ids(before))
    assert not any(even(item) for item in ids(after))


def test_no_answer_is_mixed_while_versions_are_swapped(tmp_path: Path) -> None:
    server = Deployment(tmp_path)
    bundles = [bundle_of(version) for version in (1, 2, 3)]
    server.live.bundle = bundles[0]
    answers, stop = [], threading.Event()

    def swap() -> None:
        for bundle in itertools.cycle(bundles):
            server.live.bundle = bundle
            if stop.wait(0.0005):
                return

    def load(client: Client, user: str) -> None:
        answers.extend(client.recommend(user) for _ in range(100))
        client.close()

    with server.served() as client:
        swapping = threading.Thread(target=swap)
        swapping.start()
        users = [threading.Thread(target=load, args=(Client(client.port), f"u{n}")) for n in range(4)]
        for thread in users:
            thread.start()
        for thread in users:
            thread.join()
        stop.set()
        swapping.join()
        _, metrics = client.get("/metrics")
    assert len(answers) == 400
    assert {answer["version"] for answer in answers} == {1, 2, 3}
    for answer in answers:
        assert set(answer["stamps"].values()) == {answer["version"]} == {version_of(answer["request_id"])}
        assert answer["rung"] == "model"
    assert "headrace_mixed_total 0.0" in metrics
    assert 'headrace_requests_total{outcome="answered",route="recommend"} 400.0' in metrics
    assert len(server.slates()) == 400
