"""Who stands in the decisions where keys are asked for: the key that a caller came with, which he can't choose."""

from __future__ import annotations

from pathlib import Path

from headrace.web import behind_keys
from serving.doorkeeper import Doorkeeper
from serving.guarded import Audit
from serving.keys import KeyRing, made, write_keys
from tests.headrace.doors import listening
from tests.headrace.test_admin_routes import NOW, Admin


def test_an_operators_key_signs_what_it_decides(tmp_path: Path) -> None:
    admin, (key, text) = Admin(tmp_path), made("night shift", ["operator"], at=1)
    write_keys(tmp_path / "keys.json", [key])
    keeper = Doorkeeper(KeyRing(tmp_path / "keys.json", clock=lambda: NOW), clock=lambda: NOW)
    audit = Audit(lambda _: None, clock=lambda: NOW)
    with listening(*admin.routers(), guard=lambda app: behind_keys(app, keeper, audit)) as door:
        mask = {"why": "bad app", "quarantine": [{"app_version": "9", "t0": NOW - 9_000}]}
        first, _ = door.ask("POST", "/quarantines", mask, **{"X-API-Key": text})
        second, _ = door.ask("POST", "/rollback", {"version": 1, "why": "worse", "who": "ana"}, **{"X-API-Key": text})
        assert (first, second) == (200, 200)
        _, lines = door.ask("GET", "/decisions", **{"X-API-Key": text})
    assert [line["who"] for line in lines[-2:]] == [
        f"key night shift ({key.id})",
        f"ana by key night shift ({key.id})",
    ]


def test_without_keys_callers_of_this_machine_say_who_they_are(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    with listening(*admin.routers()) as door:
        for body in ({"version": 2}, {"version": 1, "who": "ana"}):
            door.ask("POST", "/rollback", {"why": "worse"} | body)
        _, lines = door.ask("GET", "/decisions")
    assert [line["who"] for line in lines[-2:]] == ["ops", "ana"]
