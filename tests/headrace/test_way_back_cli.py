"""What an operator types to take bad data out, and what is printed."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from checkpoints.manifest import Manifest, TrainerPosition
from headrace.deployment import decision_log, open_logs, version_store
from headrace.options import who
from headrace.settings import Settings
from headrace.telemetry import Telemetry
from streams.decisions import Decision
from streams.frames import EventFrame, encode_frame
from tests.headrace.command_line import runner

MINUTE = 60_000


class Deployment:
    """Ten frames in each of two partitions, a minute apart, the newest as of now; versions that read 3, 5 and 8."""

    def __init__(self, folder: Path, headrace: Any) -> None:
        self.settings = Settings(var=folder / "var", partitions=2)
        self.headrace = headrace
        self.now = time.time_ns() // 1_000_000
        with open_logs(self.settings) as logs:
            events = logs.open("events", 2)
            for p in (0, 1):
                for n in range(10):
                    events.append(p, [encode_frame(EventFrame(()))], at=self.now - (9 - n) * MINUTE)
        for upto in (3, 5, 8):
            self.publish(upto)

    def publish(self, upto: int) -> None:
        store = version_store(self.settings)
        version = store.reserve()
        positions = {p: TrainerPosition(input=upto) for p in (0, 1)}
        draft = Manifest(version, version - 1 or None, 0, positions, examples=upto, verdict="pass")
        made = store.commit(version, lambda aside: (aside / "weights").write_text("w") and None, draft)  # type: ignore[func-returns-value]
        with decision_log(self.settings) as decisions:
            decisions.follow()
            seen = decisions.fold.position
            decisions.decide(Decision("publish", 1, "trainer", "passed", seen, version=version, input=made.input))

    def ask(self, *words: str) -> Any:
        status, out, err = self.headrace(*words, "--json")
        assert status == 0, err
        return json.loads(out)

    def refused(self, *words: str) -> str:
        before = self.ask("decisions")
        status, out, err = self.headrace(*words)
        assert (status, out) == (1, ""), err
        assert self.ask("decisions") == before
        return " ".join(err.split())

    def said(self, *words: str) -> str:
        status, out, err = self.headrace(*words)
        assert status == 0, err
        return str(out)


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Deployment:
    (tmp_path / "headrace.toml").write_text("partitions = 2\n")
    return Deployment(tmp_path, runner(tmp_path, monkeypatch, capsys))


TERMS = "from=4m30s app-version=1.1"
BACK = ("rollback", "last-good", "--why", "bad app")


def test_one_command_brings_a_version_back_and_masks(deployment: Deployment) -> None:
    told = deployment.ask(*BACK, "--quarantine", "from=270s app-version=1.1", "--ripple")
    assert (told["line"], told["version"], told["tainted"], told["caught_up"]) == (3, 2, [3], None)
    assert [entry["entry"]["id"] for entry in told["entries"]] == ["q3", "q3.ripple"]
    assert told["until"] == {"0": 10, "1": 10}
    assert told["entries"][1]["masks"] == "what version 3 caused"
    assert told["expected_ms"] == told["span_ms"] // 20
    (line,) = deployment.ask("decisions")[3:]
    assert (line["kind"], line["who"], line["why"]) == ("rollback", who(), "bad app")
    assert line["mask"].startswith("+q3: events of app version 1.1 from ")
    assert [row["valid"] for row in deployment.ask("versions", "list")] == [True, True, False]
    assert "q3.ripple" in deployment.said("decisions")


def test_it_says_what_it_did_and_does_not_wait_where_nobody_runs(deployment: Deployment) -> None:
    out = deployment.said(*BACK, "--quarantine", "from=270s")
    assert "Servers go to version 2 (decision 3)." in out
    assert "Masked as q3: all events from " in out
    assert "Tainted versions: 3." in out
    assert "To be fed again: 4m of log, 10 frames; takes about 12 s, or less." in out
    assert "No process runs" in out


def test_it_waits_for_those_who_run_unless_told_not_to(deployment: Deployment) -> None:
    Telemetry(
        "serve", deployment.settings.var / "run", clock=lambda: deployment.now, more=lambda: {"version": 2}
    ).write()
    out = deployment.said(*BACK, "--quarantine", "from=270s")
    assert "servers: version 2, there" in out
    assert "servers:" not in deployment.said(*BACK, "--quarantine", "from=270s", "--no-wait")
    assert deployment.ask("rollback", "1", "--why", "x", "--wait")["caught_up"] is True


def test_a_dry_run_tells_all_and_writes_nothing(deployment: Deployment) -> None:
    before = deployment.ask("decisions")
    told = deployment.ask(*BACK, "--quarantine", "from=270s", "--ripple", "--dry-run")
    assert (told["line"], told["dry_run"], told["version"], told["tainted"]) == (None, True, 2, [3])
    out = deployment.said(*BACK, "--quarantine", "from=270s", "--dry-run")
    assert "Nothing was written. Servers would go to version 2." in out
    assert deployment.ask("quarantine", "add", "--why", "x", "--from", "270s", "--dry-run")["tainted"] == [3]
    assert deployment.ask("decisions") == before


def test_what_can_not_be_done_is_refused_in_one_paragraph(deployment: Deployment) -> None:
    assert "'app=1': there is no key 'app'" in deployment.refused(*BACK, "--quarantine", "app=1")
    assert "same log, same model" in deployment.refused(*BACK, "--then", "replay")
    assert "masked by this" in deployment.refused("rollback", "3", "--why", "x", "--quarantine", "from=270s")
    assert "everything would be masked" in deployment.refused("quarantine", "add", "--why", "x")
    assert "no entry 'q9'" in deployment.refused("quarantine", "lift", "q9", "--why", "x")
    assert deployment.headrace(*BACK, "--then", "later")[0] == 2
    assert deployment.headrace("rollback", "newest", "--why", "x")[0] == 2


def test_an_option_that_was_given_empty_is_named_and_nothing_is_masked(deployment: Deployment) -> None:
    for option in ("app-version", "producer", "surface", "from", "to", "model-version", "positions"):
        add = ("--from", "270s") if option != "from" else ("--surface", "home")
        told = deployment.refused("quarantine", "add", "--why", "x", *add, f"--{option}", "")
        assert f"{option} is given, but names no value" in told
    words: tuple[str, ...]
    for words in (BACK[:2], ("quarantine", "add", "--from", "270s"), ("publish", "2")):
        assert deployment.headrace(*words, "--why", " ")[0] == 2
    assert len(deployment.ask("decisions")) == 3


def test_a_quarantine_is_added_listed_closed_and_lifted(deployment: Deployment) -> None:
    out = deployment.said("quarantine", "add", "--why", "bad app", "--from", "270s", "--app-version", "1.1", "--ripple")
    assert "Version 3 serves and is tainted" in out
    first, second = deployment.ask("quarantine", "list")
    assert (first["id"], first["line"], first["who"], first["why"]) == ("q3", 3, who(), "bad app")
    assert (first["open"], first["tainted"], second["id"]) == (True, 1, "q3.ripple")
    assert "q3.ripple" in deployment.said("quarantine", "list")
    closed = deployment.ask("quarantine", "close", "q3", "--why", "app withdrawn")
    assert closed["entries"][0]["entry"]["stop"] == {"0": 10, "1": 10}
    assert deployment.ask("quarantine", "list")[0]["open"] is False
    assert "Lifted: q3, q3.ripple" in deployment.said("quarantine", "lift", "q3", "--why", "it was ours")
    assert deployment.ask("quarantine", "list") == []
    assert "Nothing is masked." in deployment.said("quarantine", "list")
    assert [line["mask"] for line in deployment.ask("decisions")][-1] == "-q3; -q3.ripple"


def test_positions_and_versions_can_be_named_instead_of_times(deployment: Deployment) -> None:
    words = ("quarantine", "add", "--why", "x", "--positions", "0:5-7", "--positions", "1:2-4", "--model-version", "3")
    (entry,) = deployment.ask(*words)["entries"]
    assert (entry["entry"]["start"], entry["entry"]["stop"]) == ({"0": 5, "1": 2}, {"0": 7, "1": 4})
    assert entry["masks"] == "what version 3 caused in frames 0:5-7 1:2-4"


def test_publish_and_resume_tell_their_line(deployment: Deployment) -> None:
    assert deployment.ask("rollback", "1", "--why", "x")["line"] == 3
    assert deployment.ask("resume", "--why", "x") == {"line": 4, "dry_run": False}
    assert deployment.ask("publish", "2", "--why", "x") == {"line": 5, "version": 2, "dry_run": False}


def test_while_publishing_is_paused_it_is_said_where_versions_are_listed_and_published(deployment: Deployment) -> None:
    assert "paused" not in deployment.said("versions", "list")
    deployment.ask("rollback", "1", "--why", "odd clicks")
    told = f"Publishing is paused since decision 3 by {who()} (odd clicks): headrace resume"
    assert told in " ".join(deployment.said("versions", "list").split())
    assert "Publishing stays paused: headrace resume --why TEXT" in deployment.said("publish", "2", "--why", "x")
    assert told in " ".join(deployment.said("versions", "list").split())
    deployment.said("resume", "--why", "x")
    assert "paused" not in deployment.said("versions", "list") + deployment.said("publish", "3", "--why", "x")


def test_below_the_floor_the_floors_time_is_told(deployment: Deployment) -> None:
    with decision_log(deployment.settings) as decisions:
        decisions.follow()
        line = Decision("expire", 1, "retain", "", decisions.fold.position, floor={0: 7, 1: 7})
        decisions.decide(line)
    told = deployment.refused(*BACK, "--quarantine", "from=270s")
    assert "below what retention kept" in told
    assert "headrace quarantine close" in told


def test_a_preview_writes_nothing_and_is_part_of_a_dry_run(deployment: Deployment) -> None:
    before = deployment.ask("decisions")
    found = deployment.ask("quarantine", "preview", "--from", "6m", "--app-version", "9")
    assert (found["tainted"], found["target"], found["live"]) == ([2, 3], 1, 3)
    assert found["command"].startswith("headrace rollback 1 --why TEXT --quarantine 'from=")
    named = deployment.ask("quarantine", "preview", "--quarantine", "from=6m app-version=9")
    assert named["tainted"] == found["tainted"]
    dry = deployment.ask("quarantine", "add", "--from", "6m", "--app-version", "9", "--why", "x", "--dry-run")
    assert dry["counts"]["tainted"] == [2, 3]
    assert "Do it: headrace rollback 1" in deployment.said("quarantine", "preview", "--from", "6m", "--surface", "home")
    assert deployment.ask("decisions") == before


def test_labels_are_named_on_the_command_line(deployment: Deployment) -> None:
    done = deployment.ask("quarantine", "add", "--label", "click", "--from", "6m", "--surface", "home", "--why", "x")
    assert done["entries"][0]["entry"]["labels"] == ["click"]
    assert "label click of impressions of surface home" in deployment.said("quarantine", "list")
