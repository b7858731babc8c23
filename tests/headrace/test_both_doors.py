"""What an operator types and what he asks over HTTP are one thing: the same lines, the same answers, the same refusals.

Two deployments that are copies of each other; each step is typed in one and asked of the other.
"""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checkpoints.manifest import Manifest, TrainerPosition
from headrace import options
from headrace.admin_doors import admin_doors
from headrace.deployment import check_configuration, decision_log, open_logs, version_store
from headrace.settings import Settings
from headrace.settings_file import load
from streams.decisions import Decision
from streams.events import Impression, Interaction, Shown, Slate
from streams.frames import EventFrame, encode_frame
from tests.headrace.command_line import runner
from tests.headrace.doors import Door, listening

NOW = time.time_ns() // 1_000_000
BEGIN = NOW - 600_000
WHO = "ana@desk"
ITEMS = (Shown("tea", 0), Shown("jam", 1))
FILE = """partitions = 2
[labels.click]
event = "click"
window = "1m"
[retention]
pinned = [1]
"""


def page(n: int) -> EventFrame:
    """A page, a minute after the one before; those of app 9 are clicked."""
    at, user, app = BEGIN + 60_000 * n, f"u{n % 3}", "9" if n % 2 else "8"
    return EventFrame((
        Slate(f"s{n}", at, user, f"r{n}", ITEMS, model_version=2, app_version=app),
        Impression(f"i{n}", at, user, f"r{n}", ITEMS, model_version=2, app_version=app),
        Interaction(f"c{n}", at + 5, user, "click", item_id="tea", request_id=f"r{n}", app_version=app),
    ))  # fmt: skip


def publish(settings: Settings, upto: int, verdict: Any = "pass", **more: Any) -> None:
    store = version_store(settings)
    version = store.reserve()
    positions = {p: TrainerPosition(input=upto) for p in (0, 1)}
    draft = Manifest(version, version - 1 or None, 0, positions, examples=upto, verdict=verdict, **more)
    write: Any = lambda aside: (aside / "weights").write_text("w")  # noqa: E731
    made = store.commit(version, write, draft)
    with decision_log(settings) as decisions:
        decisions.follow()
        kind: Any = "publish" if verdict == "pass" else "hold"
        seen = decisions.fold.position
        decisions.decide(Decision(kind, 1, "trainer", "so", seen, version=version, input=made.input))


class Doors:
    """One step through both; `same` compares what they say, and what stands in the decisions after it."""

    def __init__(self, folder: Path, headrace: Any, door: Door) -> None:
        self.folder, self.headrace, self.door = folder, headrace, door

    def same(self, words: str | list[str], method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        typed = words if isinstance(words, list) else words.split()
        why = ["--why", "because"] if method == "POST" and "preview" not in path and "compact" not in path else []
        status, out, err = self.headrace(*typed, *why, "--json")
        asked = None if body is None else body | ({"why": "because"} if why else {})
        found, told = self.door.ask(method, path, asked)
        assert (status == 0) == (found == 200), (err, told)
        if status:
            detail = told["detail"].replace(f"{self.folder}/asked/", "")
            assert " ".join(detail.split()) in " ".join(err.split())
            assert self.lines("typed") == self.lines("asked")
            return found
        typed_out = without_nan(json.loads(out))
        if isinstance(typed_out, dict):
            typed_out.pop("caught_up", None)  # only a terminal waits
        assert typed_out == told
        assert self.lines("typed") == self.lines("asked")
        return told

    def lines(self, side: str) -> list[Decision]:
        with decision_log(of(self.folder / side)) as decisions:
            decisions.follow()
            return decisions.fold.lines


def without_nan(value: Any) -> Any:
    """Figures that are none are null over HTTP, where JSON has no word for them."""
    match value:
        case dict():
            return {name: without_nan(one) for name, one in value.items()}
        case list():
            return [without_nan(one) for one in value]
        case float() if value != value:
            return None
    return value


def of(folder: Path) -> Settings:
    return load(folder / "headrace.toml", {}, {"var": str(folder / "var")})


@pytest.fixture
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Doors]:
    typed, asked = tmp_path / "typed", tmp_path / "asked"
    typed.mkdir()
    (typed / "headrace.toml").write_text(FILE)
    settings = of(typed)
    with open_logs(settings) as logs:
        logs.open("examples", 2)
        for n in range(20):
            logs.open("events", 2).append(n % 2, [encode_frame(page(n // 2))], at=BEGIN + 60_000 * (n // 2))
    check_configuration(settings)
    for upto in (3, 5, 8):
        publish(settings, upto)
    publish(settings, 9, "fail", reason="auc fell", gate={"measures": [{"name": "auc", "verdict": "fail"}]})
    shutil.copytree(typed, asked)
    monkeypatch.setattr(options, "now", lambda: NOW)
    for name in ("quarantine_commands", "way_back_commands", "experiment_commands", "decision_commands"):
        monkeypatch.setattr(f"headrace.{name}.now", lambda: NOW)
    monkeypatch.setattr(options, "who", lambda: WHO)
    headrace = runner(typed, monkeypatch, capsys)
    with open_logs(of(asked)) as logs, listening(*admin_doors(of(asked), logs, clock=lambda: NOW, who=WHO)) as door:
        yield Doors(tmp_path, headrace, door)


BAD = {"t0": BEGIN + 250_000, "app_version": "9"}
FROM = f"from={BAD['t0']} app-version=9"


def test_versions_are_listed_shown_pinned_held_published_and_made_whole_alike(doors: Doors) -> None:
    assert [row["pinned"] for row in doors.same("versions list", "GET", "/versions")] == [True, False, False, False]
    assert doors.same("versions show 4", "GET", "/versions/4")["gate"]["measures"][0]["verdict"] == "fail"
    for act in ("pin", "unpin"):
        assert (
            doors.same(f"versions {act} 2 --dry-run", "POST", f"/versions/2/{act}", {"dry_run": True})["line"] is None
        )
        for _ in range(2):
            doors.same(f"versions {act} 2", "POST", f"/versions/2/{act}", {})
    doors.same("versions compact 2", "POST", "/versions/2/compact", {})
    assert doors.same("hold 3 --dry-run", "POST", "/versions/3/hold", {"dry_run": True})["serves"] == 2
    assert doors.same("hold 3", "POST", "/versions/3/hold", {})["serves"] == 2
    assert doors.same("hold 3", "POST", "/versions/3/hold", {})["line"] is None
    doors.same("publish 3", "POST", "/publish", {"version": 3})
    assert doors.same("publish 4", "POST", "/publish", {"version": 4}) == 409
    doors.same("publish 4 --anyway", "POST", "/publish", {"version": 4, "anyway": True})
    doors.same("pause", "POST", "/pause", {})
    assert doors.same("pause", "POST", "/pause", {}) == 409
    doors.same("resume", "POST", "/resume", {})
    assert doors.same("resume", "POST", "/resume", {}) == 409


def test_bad_data_is_previewed_taken_out_and_given_back_alike(doors: Doors) -> None:
    told = doors.same(
        ["quarantine", "preview", "--quarantine", FROM], "POST", "/quarantines/preview", {"quarantine": [BAD]}
    )
    assert told["command"].startswith("headrace rollback 2 ")
    typed = ["rollback", "last-good", "--quarantine", FROM, "--ripple"]
    asked = {"version": "last-good", "quarantine": [BAD], "ripple": True}
    assert doors.same([*typed, "--dry-run"], "POST", "/rollback", asked | {"dry_run": True})["counts"]["plain"]
    doors.same([*typed, "--no-wait"], "POST", "/rollback", asked)
    add = ["quarantine", "add", "--surface", "mail", "--from", str(BEGIN)]
    mail = {"quarantine": [{"surface": "mail", "t0": BEGIN}]}
    doors.same([*add, "--dry-run"], "POST", "/quarantines", mail | {"dry_run": True})
    name = doors.same(add, "POST", "/quarantines", mail)["entries"][0]["entry"]["id"]
    doors.same("quarantine list", "GET", "/quarantines")
    doors.same(f"quarantine close {name}", "POST", f"/quarantines/{name}/close", {})
    doors.same(f"quarantine lift {name}", "POST", f"/quarantines/{name}/lift", {})
    assert doors.same(f"quarantine lift {name}", "POST", f"/quarantines/{name}/lift", {}) == 404
    for filters, query in (
        ("", ""),
        ("--kind rollback --kind mask", "?kind=rollback&kind=mask"),
        ("--who ANA --since 1h --until now", "?who=ANA&since=1h&until=now"),
        ("--void", "?void=true"),
    ):
        doors.same(f"decisions {filters}", "GET", f"/decisions{query}")
    assert doors.same("decisions --since yesterday", "GET", "/decisions?since=yesterday") == 422


def test_experiments_are_started_read_and_ended_alike(doors: Doors) -> None:
    words = "experiment start bold --set serving.diversity=.25 --share .5 --metric page_ctr --horizon 7d"
    bold = {
        "name": "bold",
        "settings": {"serving.diversity": 0.25},
        "share": 0.5,
        "metric": "page_ctr",
        "horizon": "7d",
    }
    doors.same(f"{words} --dry-run", "POST", "/experiments", bold | {"dry_run": True})
    doors.same(words, "POST", "/experiments", bold)
    assert doors.same(words, "POST", "/experiments", bold) == 409
    new = {"name": "next", "version": 2, "share": 0.5, "metric": "watch_time"}
    doors.same("experiment start next --version 2 --share .5 --metric watch_time", "POST", "/experiments", new)
    for moved in ("pause", "promote", "abort"):
        doors.same(f"experiment {moved} bold --dry-run", "POST", f"/experiments/bold/{moved}", {"dry_run": True})
        doors.same(f"experiment {moved} bold", "POST", f"/experiments/bold/{moved}", {})
        doors.same("experiment list", "GET", "/experiments")
        doors.same("experiment show bold", "GET", "/experiments/bold")
    assert doors.same("experiment gains", "GET", "/versions/gains")[0]["against"] == 3
    assert doors.same("experiment abort shy", "POST", "/experiments/shy/abort", {}) == 404


REFUSED: tuple[tuple[str, str, dict[str, Any] | None, int], ...] = (
    ("versions pin 99", "/versions/99/pin", {}, 404),
    ("hold 99", "/versions/99/hold", {}, 404),
    ("rollback 99", "/rollback", {"version": 99}, 404),
    ("experiment interleave 98 99", "/versions/interleave?left=98&right=99", None, 404),
    ("quarantine preview --label buy", "/quarantines/preview", {"quarantine": [{"labels": ["buy"]}]}, 422),
    (
        "quarantine add --from 1m --to 5m",
        "/quarantines",
        {"quarantine": [{"t0": NOW - 60_000, "t1": NOW - 300_000}]},
        422,
    ),
    ("quarantine add --positions 0:9-3", "/quarantines", {"quarantine": [{"start": {0: 9}, "stop": {0: 3}}]}, 422),
    ("quarantine add --positions 7:0-3", "/quarantines", {"quarantine": [{"start": {7: 0}, "stop": {7: 3}}]}, 422),
)


def test_what_is_refused_is_refused_in_the_same_words(doors: Doors) -> None:
    for words, path, body, status in REFUSED:
        assert doors.same(words, "GET" if body is None else "POST", path, body) == status, words


def test_the_api_page_tells_of_every_route(doors: Doors) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", doors.door.port, timeout=30)
    connection.request("GET", "/openapi.json")
    paths = json.loads(connection.getresponse().read())["paths"]
    connection.close()
    admin = {path.removeprefix("/v1/admin") for path in paths if path.startswith("/v1/admin")}
    assert admin >= {
        "/versions/{version}", "/versions/{version}/hold", "/versions/{version}/pin", "/versions/{version}/unpin",
        "/versions/{version}/compact", "/versions/gains", "/versions/interleave", "/quarantines/preview", "/pause",
    }  # fmt: skip
    asked = paths["/v1/admin/decisions"]["get"]["parameters"]
    assert {one["name"] for one in asked} == {"kind", "who", "since", "until", "void"}
    for path, methods in paths.items():
        for told in methods.values() if path.startswith("/v1/admin") else ():
            assert told["description"], path
