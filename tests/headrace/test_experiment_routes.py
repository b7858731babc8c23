"""Experiments over a socket: what the commands do, for this machine alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkpoints.store import VersionStore
from headrace.experiment_routes import ExperimentDesk, experiment_router
from headrace.experiment_terms import Ground
from headrace.settings import Serving
from streams.decisions import DecisionLog
from streams.log import MemoryLogs
from tests.headrace.doors import Door, listening

BOLD: dict[str, Any] = {
    "name": "bold", "settings": {"serving.diversity": 0.2}, "share": 0.5, "metric": "page_ctr", "why": "try",
}  # fmt: skip


class Client:
    """Requests below /v1/admin/experiments."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def get(self, path: str = "", **headers: str) -> tuple[int, Any]:
        return self.door.ask("GET", f"/experiments{path}", **headers)

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return self.door.ask("POST", f"/experiments{path}", body)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    logs, store = MemoryLogs(), VersionStore(tmp_path / "versions")

    def ground() -> Ground:
        decisions = DecisionLog(logs.open("decisions", 1))
        return Ground(decisions, logs.open("events", 2), store, Serving(), ("click",), keep=5)

    with listening(experiment_router(ExperimentDesk(ground, clock=lambda: 5, who="ops"))) as door:
        yield Client(door)


def test_the_whole_life_of_an_experiment_over_http(client: Client) -> None:
    assert client.post("", BOLD | {"dry_run": True}) == (200, {"line": None, "name": "bold", "dry_run": True})
    assert client.post("", BOLD) == (200, {"line": 0, "name": "bold", "dry_run": False})
    (row,) = client.get()[1]
    assert (row["name"], row["state"], row["who"], row["settings"]) == (
        "bold", "running", "ops", {"serving.diversity": "0.2"},
    )  # fmt: skip
    told = client.get("/bold")[1]
    assert (told["verdict"], told["pages"], told["figures"][0]["metric"]) == ("undecided", [0, 0], "page_ctr")
    for n, action in enumerate(("pause", "promote", "abort"), 1):
        assert client.post(f"/bold/{action}", {"why": "x"})[1]["line"] == n
    assert client.get()[1][0]["state"] == "aborted"


def test_texts_and_whole_numbers_are_tried_over_http_too(client: Client) -> None:
    told = {"serving.caps.author": 2, "serving.promotion.filter": "ad = 1", "serving.exploration": "thompson"}
    assert client.post("", BOLD | {"settings": told})[0] == 200
    (row,) = client.get()[1]
    assert row["settings"] == {
        "serving.caps.author": "2", "serving.promotion.filter": '"ad = 1"', "serving.exploration": '"thompson"',
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("", BOLD | {"metric": ""}, 409, "needs a metric"),
        ("", {"name": "v7", "version": 7, "share": 0.5, "metric": "page_ctr", "why": "x"}, 404, "7"),
        ("", BOLD | {"mood": 1}, 422, ""),
        ("", BOLD | {"settings": {"serving.exploration": "wild"}}, 409, "'epsilon' or 'thompson'"),
        ("", BOLD | {"settings": {"serving.caps.author": -1}}, 409, "serving.caps.author can't be '-1.0'"),
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
