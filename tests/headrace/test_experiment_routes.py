"""Experiments over a socket: what the commands do, for this machine alone."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from checkpoints.store import VersionStore
from headrace.experiment_routes import ExperimentDesk, experiment_router
from headrace.experiment_terms import Ground
from headrace.settings import Serving
from streams.decisions import DecisionLog
from streams.log import MemoryLogs

BOLD: dict[str, Any] = {
    "name": "bold", "settings": {"serving.diversity": 0.2}, "share": 0.5, "metric": "page_ctr", "why": "try",
}  # fmt: skip


class Client:
    """One request after the other, to a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str = "", **headers: str) -> tuple[int, Any]:
        return self._ask("GET", path, None, headers)

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return self._ask("POST", path, body, {})

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Content-Type": "application/json"} | headers
        connection.request(method, f"/v1/admin/experiments{path}", None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        told = json.loads(response.read())
        connection.close()
        return response.status, told


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    logs, store = MemoryLogs(), VersionStore(tmp_path / "versions")

    def ground() -> Ground:
        decisions = DecisionLog(logs.open("decisions", 1))
        return Ground(decisions, logs.open("events", 2), store, Serving(), ("click",), keep=5)

    app = FastAPI()
    app.include_router(experiment_router(ExperimentDesk(ground, clock=lambda: 5, who="ops")))
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", access_log=False))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        threading.Event().wait(0.01)
    yield Client(running.servers[0].sockets[0].getsockname()[1])
    running.should_exit = True
    thread.join(10)


def test_the_whole_life_of_an_experiment_over_http(client: Client) -> None:
    assert client.post("", BOLD | {"dry_run": True}) == (200, {"line": None, "dry_run": True})
    assert client.post("", BOLD) == (200, {"line": 0, "dry_run": False})
    (row,) = client.get()[1]
    assert (row["name"], row["state"], row["who"], row["settings"]) == (
        "bold", "running", "ops", {"serving.diversity": "0.2"},
    )  # fmt: skip
    told = client.get("/bold")[1]
    assert (told["verdict"], told["pages"], told["figures"][0]["metric"]) == ("undecided", [0, 0], "page_ctr")
    for n, action in enumerate(("pause", "promote", "abort"), 1):
        assert client.post(f"/bold/{action}", {"why": "x"})[1]["line"] == n
    assert client.get()[1][0]["state"] == "aborted"


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("", BOLD | {"metric": ""}, 409, "needs a metric"),
        ("", {"name": "v7", "version": 7, "share": 0.5, "metric": "page_ctr", "why": "x"}, 404, "7"),
        ("", BOLD | {"mood": 1}, 422, ""),
        ("/shy/abort", {"why": "x"}, 404, "no experiment 'shy'"),
        ("/shy/abort", {"why": " "}, 422, ""),
    ],
)
def test_refusals_are_problems_and_write_nothing(
    client: Client, path: str, body: dict[str, Any], status: int, told: str
) -> None:
    found, problem = client.post(path, body)
    assert (found, told in json.dumps(problem)) == (status, True)
    assert client.get() == (200, [])


def test_another_machine_is_refused(client: Client) -> None:
    assert client.get(Host="10.0.0.7")[0] == 403
