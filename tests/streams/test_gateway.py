"""The gateway over a real socket."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.dead_letters import PARTITIONS, TOPIC, DeadLetters
from streams.gateway import AllRefused, Problem, Taken
from streams.log import MemoryLogs
from tests.streams.full_disk import FullDisk
from tests.streams.served_gateway import JSON, MAX_BODY, MAX_EVENTS, Gateway, click, serving


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    logs = MemoryLogs()
    with serving(logs) as port:
        yield Gateway(port, logs)


def test_each_event_has_its_own_answer(gateway: Gateway) -> None:
    status, content, told = gateway.post(json.dumps([click(1), click(2, ts="noon"), click(3)]).encode())
    assert (status, content) == (202, JSON)
    Taken.model_validate(told)
    assert (told["accepted"], told["rejected"], gateway.clicks()) == (2, 1, 2)
    assert told["results"][0] == {"index": 0, "event_id": "e1", "status": "accepted"}
    problem = told["results"][1]["problem"]
    assert (problem["field"], problem["status"]) == ("ts", 422)
    assert "got `str`" in problem["detail"]
    letter = DeadLetters(gateway.logs.open(TOPIC, PARTITIONS)).show(0)
    assert (json.loads(letter.data), letter.origin) == (click(2, ts="noon"), "gateway")


def test_one_event_needs_no_list(gateway: Gateway) -> None:
    assert gateway.post(json.dumps(click(1)).encode())[2]["accepted"] == 1


@pytest.mark.parametrize("content_type", ["application/x-ndjson", JSON])
def test_lines_are_taken_with_or_without_their_name(gateway: Gateway, content_type: str) -> None:
    body = "\n".join(json.dumps(click(n)) for n in range(5)) + "\n{broken\n"
    status, _, told = gateway.post(body.encode(), content_type)
    assert (status, told["accepted"], told["rejected"], gateway.clicks()) == (202, 5, 1, 5)


def test_gzip_is_unpacked(gateway: Gateway) -> None:
    body = gzip.compress(json.dumps([click(1), click(2)]).encode())
    assert gateway.post(body, content_encoding="gzip")[2]["accepted"] == 2


def test_if_all_are_wrong_the_request_is_wrong_and_says_where(gateway: Gateway) -> None:
    status, content, told = gateway.post(json.dumps([click(1, user_id=None), click(2, type="clck")]).encode())
    assert (status, content) == (422, "application/problem+json")
    AllRefused.model_validate(told)
    assert [(error["index"], error["event_id"], error["field"]) for error in told["errors"]] == [
        (0, "e1", "user_id"),
        (1, "e2", "type"),
    ]
    assert gateway.clicks() == 0


def test_a_delete_in_the_clothes_of_an_upsert_is_refused_by_its_field(gateway: Gateway) -> None:
    upsert = {"type": "item", "item_id": "tea", "event_id": "e1", "deleted": True}
    status, _, told = gateway.post(json.dumps([upsert, click(1)]).encode())
    problem = told["results"][0]["problem"]
    assert (status, told["rejected"], problem["field"], problem["status"]) == (202, 1, "deleted", 422)
    assert "item_delete" in problem["detail"]
    assert gateway.post(json.dumps(upsert).encode())[:2] == (422, "application/problem+json")


def test_an_event_sent_twice_in_one_request_is_taken_once(gateway: Gateway) -> None:
    status, _, told = gateway.post(json.dumps([click(1), click(1)]).encode())
    assert (status, told["accepted"], gateway.clicks()) == (202, 2, 1)


def test_nothing_in_a_list_is_nothing_wrong(gateway: Gateway) -> None:
    assert gateway.post(b"[]")[::2] == (202, {"accepted": 0, "rejected": 0, "results": []})


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b" " * (MAX_BODY + 1), {}, 413),
        (b"x" * (10 * MAX_BODY), {}, 413),
        (gzip.compress(bytes(MAX_BODY + 1)), {"content_encoding": "gzip"}, 413),
        (json.dumps([click(n) for n in range(MAX_EVENTS + 1)]).encode(), {}, 413),
        (b"", {}, 400),
        (b"[{]", {}, 400),
        (b"user,item", {"content_type": "text/csv"}, 400),
        (b"junk", {"content_encoding": "gzip"}, 400),
        (b"[]", {"content_encoding": "br"}, 415),
    ],
)
def test_a_request_over_a_limit_or_unreadable_is_refused_whole(
    gateway: Gateway, body: bytes, headers: dict[str, str], status: int
) -> None:
    told = gateway.post(body, **headers)
    assert told[:2] == (status, "application/problem+json")
    Problem.model_validate(told[2])
    assert gateway.clicks() == 0


def test_an_event_over_its_limit_is_refused_alone(gateway: Gateway) -> None:
    _, _, told = gateway.post(json.dumps([click(1, query_text="x" * 6_000), click(2)]).encode())
    assert [result["status"] for result in told["results"]] == ["rejected", "accepted"]
    assert told["results"][0]["problem"]["status"] == 413


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200) | st.text(max_size=50).map(str.encode) | st.integers(0, 30).map(lambda n: b"[" * n * 1000),
    st.sampled_from([JSON, "application/x-ndjson", "", "multipart/form-data", "text/plain; charset=latin-9"]),
    st.sampled_from(["", "gzip", "identity", "deflate"]),
)
def test_junk_is_never_an_error_of_the_server(gateway: Gateway, body: bytes, content: str, encoding: str) -> None:
    assert gateway.post(body, content, content_encoding=encoding)[0] in (400, 413, 415, 422)


def test_many_producers_at_once_lose_nothing(gateway: Gateway) -> None:
    def produce(name: int) -> None:
        for n in range(10):
            gateway.post(json.dumps([click(name * 1000 + n * 10 + k) for k in range(5)]).encode())

    threads = [threading.Thread(target=produce, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gateway.clicks() == 300


def test_the_api_describes_its_request_and_all_its_answers(gateway: Gateway) -> None:
    described = gateway.ask("GET", "/openapi.json")[2]
    post = described["paths"]["/v1/events"]["post"]
    assert set(post["responses"]) == {"202", "400", "413", "415", "422", "429", "503"}
    event = post["requestBody"]["content"][JSON]["schema"]["oneOf"][1]
    assert {"type", "event_id", "ts", "user_id", "items", "propensity"} <= set(event["properties"])
    assert "#/$defs" not in json.dumps(described)
    assert {"Taken", "EventResult", "Problem", "AllRefused", "EventError"} <= set(described["components"]["schemas"])


def test_the_gateway_answers_that_it_is_there(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/healthz")[::2] == (200, {"status": "ok"})


def test_a_log_that_fails_is_told_and_not_called_accepted() -> None:
    with serving(FullDisk("interactions")) as port:
        status, _, told = Gateway(port).post(json.dumps([click(1)]).encode())
    assert status == 503
    assert "interactions.sqlite" in told["detail"]
