"""The operator's routes over a socket: what the commands do, for this machine alone."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from headrace.admin_routes import AdminDesk, admin_router
from serving.api import Server, create_app
from serving.fold_rules import FoldRules
from serving.known import Known
from serving.recommend import Recommender
from serving.slate_log import SlateWriter
from streams.decisions import Decision, DecisionLog
from streams.log import MemoryLog
from tests.serving.deployment import CALM
from tests.worlds import MemoryLive

BEGIN = 1_790_000_000_000
NOW = BEGIN + 10_000
BAD = {"t0": BEGIN + 500, "app_version": "9"}


class Admin:
    """Two partitions of ten frames, closed every 100 ms from BEGIN on; published versions that read 3, 5, 8."""

    def __init__(self, folder: Path) -> None:
        self.store = VersionStore(folder / "versions")
        self.decisions, self.events = MemoryLog("decisions", 1), MemoryLog("events", 2)
        for p in (0, 1):
            for n in range(10):
                self.events.append(p, [b""], at=BEGIN + 100 * n)
        for upto in (3, 5, 8):
            positions = {p: TrainerPosition(input=upto) for p in (0, 1)}
            draft = Manifest(0, None, 0, positions, examples=upto, verdict="pass", metrics={"auc": float("nan")})
            write: Any = lambda aside: (aside / "weights").write_text("w")  # noqa: E731
            made = self.store.commit(self.store.reserve(), write, draft)
            writer = DecisionLog(self.decisions)
            writer.decide(Decision("publish", 1, "trainer", "passed", 0, version=made.version, input=made.input))
        self.port = 0

    def desk(self) -> AdminDesk:
        return AdminDesk(
            store=self.store, decisions=self.decisions, events=self.events, ahead=0, clock=lambda: NOW, who="ops"
        )

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Content-Type": "application/json"} | headers
        connection.request(method, f"/v1/admin{path}", None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        told = json.loads(response.read())
        assert ("problem" in response.headers["Content-Type"]) == (response.status != 200)
        connection.close()
        return response.status, told

    def done(self, path: str, **body: Any) -> Any:
        status, told = self.ask("POST", path, {"why": "bad app"} | body)
        assert status == 200, told
        return told

    @property
    def lines(self) -> int:
        return self.decisions.end(0)


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    made = Admin(tmp_path)
    server = Server(
        Recommender(Known(partitions=2, rules=FoldRules()), MemoryLive(), CALM),
        SlateWriter(lambda *_: None),  # type: ignore[arg-type,return-value]
        clock=lambda: NOW,
    )
    app = create_app(server, routers=[admin_router(made.desk())])
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", access_log=False))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        threading.Event().wait(0.01)
    made.port = running.servers[0].sockets[0].getsockname()[1]
    yield made
    running.should_exit = True
    thread.join(10)


def test_a_rollback_is_one_line_and_says_what_it_did(admin: Admin) -> None:
    told = admin.done("/rollback", version="last-good", quarantine=[BAD], ripple=True, who="ana")
    assert (told["line"], told["version"], told["tainted"], told["dry_run"]) == (3, 2, [3], False)
    assert [one["entry"]["id"] for one in told["entries"]] == ["q3", "q3.ripple"]
    assert told["until"] == {"0": 10, "1": 10}
    status, lines = admin.ask("GET", "/decisions")
    assert (status, lines[3]["who"], lines[3]["why"], lines[3]["holds"]) == (200, "ana", "bad app", True)
    status, versions = admin.ask("GET", "/versions")
    assert [(one["live"], one["valid"]) for one in versions] == [(False, True), (True, True), (False, False)]


def test_a_dry_run_writes_nothing_anywhere(admin: Admin) -> None:
    assert admin.done("/rollback", version=1, dry_run=True)["line"] is None
    assert admin.done("/publish", version=1, dry_run=True) == {"line": None, "version": 1, "dry_run": True}
    assert admin.done("/quarantines", quarantine=[BAD], dry_run=True)["tainted"] == [3]
    assert admin.lines == 3
    admin.done("/quarantines", quarantine=[BAD])
    admin.done("/rollback", version=1)
    for path in ("/quarantines/q3/lift", "/quarantines/q3/close", "/resume"):
        assert admin.done(path, dry_run=True)["line"] is None
    assert admin.lines == 5


def test_a_label_alone_is_left_out(admin: Admin) -> None:
    told = admin.done("/quarantines", quarantine=[BAD | {"labels": ["like", "click", "like"]}])
    assert told["entries"][0]["entry"]["labels"] == ["click", "like"]
    assert told["entries"][0]["masks"].startswith("labels click, like of impressions of ")


def test_entries_are_added_listed_closed_and_lifted(admin: Admin) -> None:
    added = admin.done("/quarantines", quarantine=[{"start": {"0": 5}, "stop": {"0": 7}}, BAD])
    assert added["live"] == 3
    _, rows = admin.ask("GET", "/quarantines")
    assert [(row["id"], row["open"], row["who"]) for row in rows] == [("q3", False, "ops"), ("q3.2", True, "ops")]
    assert rows[0]["masks"] == "all events in frames 0:5-7"
    assert admin.done("/quarantines/q3.2/close")["line"] == 4
    assert admin.done("/quarantines/q3.2/lift")["removed"] == ["q3.2"]
    assert [row["id"] for row in admin.ask("GET", "/quarantines")[1]] == ["q3"]


def test_publish_and_resume_do_what_their_commands_do(admin: Admin) -> None:
    admin.done("/rollback", version=1)
    assert admin.done("/resume")["line"] == 4
    assert admin.done("/publish", version=2)["line"] == 5


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/rollback", {"version": 9}, 404, "no version 9"),
        ("/rollback", {"version": 3, "quarantine": [BAD]}, 409, "masked by this"),
        ("/rollback", {"version": "newest"}, 422, "last-good"),
        ("/rollback", {"version": 1, "then": "replay"}, 422, "same log, same model"),
        ("/rollback", {"version": 1, "quarantine": [{"app-version": "9"}]}, 422, "app-version"),
        ("/quarantines", {"quarantine": []}, 422, "quarantine"),
        ("/quarantines", {"quarantine": [{}]}, 422, "everything would be masked"),
        ("/quarantines/q9/lift", {}, 404, "q9"),
        ("/resume", {}, 409, "not paused"),
        ("/publish", {"version": 1, "why": ""}, 422, "why"),
        ("/rollback", {"version": 1, "why": " "}, 422, "why"),
        ("/rollback", {"version": 3}, 409, "serves already"),
        ("/rollback", {"version": 1, "quarantine": [{"t0": NOW}]}, 422, "nothing that was learned is masked"),
        ("/quarantines", {"quarantine": [{"t0": NOW // 1_000}]}, 422, "looks like seconds"),
        ("/quarantines", {"quarantine": [{"t1": 1 << 60}]}, 422, "time 1152921504606846976 is none"),
        ("/quarantines", {"quarantine": [{"model_versions": [1 << 31]}]}, 422, "model version 2147483648"),
    ],
)
def test_what_is_refused_is_told_as_a_problem(
    admin: Admin, path: str, body: dict[str, Any], status: int, told: str
) -> None:
    found, problem = admin.ask("POST", path, {"why": "x"} | body)
    assert (found, problem["status"]) == (status, status)
    assert told in problem["detail"]
    assert admin.lines == 3


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:8710"}, 200),
        ({"Host": "[::1]:8710"}, 200),
        ({"Host": "127.0.0.1"}, 200),
        ({"Origin": "http://127.0.0.1:8710"}, 200),
        ({"Host": "rebound.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "10.0.0.7:8710"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"X-Forwarded-For": "10.0.0.7"}, 403),
    ],
)
def test_only_this_machine_is_answered(admin: Admin, headers: dict[str, str], status: int) -> None:
    found, told = admin.ask("GET", "/decisions", **headers)
    assert found == status
    if status == 403:
        assert (told["type"], "this machine alone" in told["detail"]) == ("urn:headrace:problem:forbidden", True)
        assert admin.ask("POST", "/rollback", {"version": 1, "why": "x"}, **headers)[0] == 403
    assert admin.lines == 3
