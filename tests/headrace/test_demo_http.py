"""The client keeps its connection, opens it again once when the server let go, and tells what failed."""

from __future__ import annotations

import socket

from headrace.demo_http import Api
from tests.headrace.small_api import small_api


def test_requests_share_one_connection() -> None:
    with small_api() as server:
        api = Api("127.0.0.1", server.port)
        statuses = [api.post("/v1/events", [{"n": n}]).status for n in range(5)]
        api.close()
        assert statuses == [202] * 5
        assert len(server.connections) == 1


def test_a_connection_that_the_server_closed_while_idle_is_opened_again() -> None:
    with small_api() as server:
        server.hangs_up = True
        api = Api("127.0.0.1", server.port)
        assert [api.post("/v1/events", [{"n": n}]).status for n in range(4)] == [202] * 4
        api.close()
        assert [event["n"] for event in server.events] == [0, 1, 2, 3]


def test_a_refusal_is_told_with_its_status() -> None:
    with small_api() as server:
        server.fails = {"/v1/events"}
        api = Api("127.0.0.1", server.port)
        reply = api.post("/v1/events", [])
        api.close()
        assert (reply.status, reply.body) == (500, {"title": "told to fail"})


def test_no_server_is_status_0_with_the_reason() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        api = Api("127.0.0.1", taken.getsockname()[1])
        reply = api.post("/v1/recommend", {})
        api.close()
    assert reply.status == 0
    assert "Refused" in str(reply.body)
