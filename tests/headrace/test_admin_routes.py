"""The operator's routes over a socket: what the commands do, for this machine alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter

from checkpoints.locations import Location
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.store import VersionStore
from headrace.admin_ground import AdminGround, Topics
from headrace.admin_routes import AdminDesk, admin_router
from headrace.admin_versions import VersionDesk, version_router
from serving.fold_rules import FoldRules
from streams.decisions import Decision, DecisionLog
from streams.frames import EventFrame, encode_frame
from streams.log import MemoryLog
from tests.headrace.doors import Door, listening

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
                self.events.append(p, [encode_frame(EventFrame(()))], at=BEGIN + 100 * n)
        for upto in (3, 5, 8):
            positions = {p: TrainerPosition(input=upto) for p in (0, 1)}
            draft = Manifest(0, None, 0, positions, examples=upto, verdict="pass", metrics={"auc": float("nan")})
            write: Any = lambda aside: (aside / "weights").write_text("w")  # noqa: E731
            made = self.store.commit(self.store.reserve(), write, draft)
            writer = DecisionLog(self.decisions)
            writer.decide(Decision("publish", 1, "trainer", "passed", 0, version=made.version, input=made.input))
        self.door = Door(0)

    def routers(self) -> list[APIRouter]:
        """The routes, as a server has them."""
        topics = Topics(self.decisions, self.events, MemoryLog("examples", 2))
        ground = AdminGround(self.store, topics, lambda: NOW, "ops")
        desk = VersionDesk(ground, lambda: None, FoldRules(), Location(str(self.store.root), ""))  # type: ignore[arg-type, return-value]
        return [admin_router(AdminDesk(ground)), version_router(desk)]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        return self.door.ask(method, path, body, **headers)

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
    with listening(*made.routers()) as door:
        made.door = door
        yield made


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
