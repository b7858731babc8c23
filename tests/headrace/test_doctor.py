"""Each finding comes of the facts that it names, and of no others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headrace import doctor_gather
from headrace.deployment import open_logs, topics, version_store
from headrace.doctor import findings
from headrace.doctor_facts import Decided, Facts, Lock, Machine, Place, Process, Stored, Topic, Versions
from headrace.doctor_gather import gather
from headrace.doctor_locks import holder_of
from headrace.findings import Finding, worst
from headrace.settings import Settings
from headrace.telemetry import Telemetry
from streams.dead_letters import DeadLetter, DeadLetters
from streams.events import Tick
from streams.examples import ExampleFrame
from streams.examples import encode as encode_examples
from streams.frames import EventFrame, encode_frame
from tests.headrace import deployments
from tests.headrace.command_line import runner

NOW = 1_000_000_000
HERE = Machine(50 << 30, 100 << 30, 4_096, (3, 11, 7), "2.9", "hardware")
EVENTS = Topic("events", {0: 0}, {0: 50}, NOW - 100)
WELL = Facts(
    NOW,
    Place("kafka://one:9092", broker="4.1"),
    HERE,
    topics=(EVENTS, Topic("examples", {0: 0}, {0: 9}), Topic("users", {0: 0}, {0: 9})),
    stored=(Stored("joiner", "events", 0, 50), Stored("sequencer", "users", 0, 9)),
    processes=(Process("join", 7, True, 400, lag=2, watermark=NOW - 6_000), Process("serve", 8, True, 100)),
    locks=(Lock("var/join/p0", "join", 7),),
    versions=Versions(valid=3, tainted=1, live=4, usable=4),
    partitions=1,
)


def told(**changes: Any) -> list[Finding]:
    """What is not well once something of the facts is other."""
    return [one for one in findings(replace(WELL, **changes)) if one.level != "ok"]


def test_a_deployment_that_is_well_has_nothing_to_do() -> None:
    assert told() == []
    assert worst(findings(WELL)) == "ok"
    assert [one.about for one in findings(WELL)] == [
        "log", "topics", "positions", "processes", "locks", "versions", "crc32c", "disk", "python",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "level", "about", "words", "then"),
    [
        ({"place": Place("kafka://one:9092", unlike=("users: gone.",))}, "bad", "topics", "gone", "topics check"),
        ({"topics": (), "place": Place("sqlite://var/log")}, "warn", "log", "nothing was written", "headrace up"),
        ({"decided": Decided(unlike=("join.grace (1 there, 2 here)",))}, "bad", "settings", "grace", "configure show"),
        ({"decided": Decided(endless=("q8",), masked=1)}, "warn", "quarantine", "no end", "quarantine close q8"),
        ({"stored": (Stored("joiner", "events", 0, 51),)}, "bad", "positions", "ends at 50", "put the old log back"),
        ({"letters": 3, "letter_at": NOW - 90_000}, "warn", "dead letters", "1 m 30 s ago", "list --open"),
        ({"processes": (), "locks": ()}, "warn", "processes", "none has said", "headrace up"),
        ({"processes": (Process("join", 7, False, 60_000),)}, "warn", "processes", "is gone", "run/join.log"),
        ({"processes": (Process("join", 7, True, 60_000),)}, "bad", "processes", "said nothing for 1 m", "kill 7"),
        ({"processes": (Process("join", 7, True, 0, lag=5_000),)}, "warn", "lag", "5,000 frames", "headrace status"),
        ({"locks": (Lock("var/join/p0", "join", 99),)}, "warn", "locks", "process 99", "ps -fp 99"),
        ({"versions": Versions(1, 0, live=1, damage="weights is torn")}, "bad", "versions", "torn", "rollback"),
        ({"versions": Versions(1, 2, 3, False, usable=1)}, "bad", "versions", "valid one is 1", "rollback last-good"),
        ({"versions": Versions(1, 0, 1, paused=True)}, "warn", "versions", "paused", "versions list"),
        ({"machine": replace(HERE, crc32c="missing")}, "bad", "crc32c", "slower", "pip install crc32c"),
        ({"machine": replace(HERE, crc32c="software")}, "warn", "crc32c", "instruction", "pip install"),
        ({"machine": replace(HERE, free=1 << 29)}, "bad", "disk", "0.5 of 100.0 GiB", "retain"),
        ({"machine": replace(HERE, free=5 << 30)}, "warn", "disk", "5.0 of", "retain"),
        ({"machine": replace(HERE, open_files=256)}, "warn", "files", "256 files", "ulimit -n 320"),
        ({"machine": replace(HERE, python=(3, 10, 1))}, "bad", "python", "3.10.1", "environment"),
        ({"machine": replace(HERE, torch=None)}, "bad", "torch", "not installed", "pip install"),
    ],
)  # fmt: skip
def test_each_finding_has_its_facts_and_the_next_command(
    changes: dict[str, Any], level: str, about: str, words: str, then: str
) -> None:
    found = told(**changes)
    assert [(one.level, one.about) for one in found] == [(level, about)], found
    assert words in found[0].told
    assert then in found[0].next


def test_without_a_log_only_what_needs_none_is_said() -> None:
    found = told(place=Place("kafka://localhost:9092", error="nobody answers"), topics=())
    assert [(one.about, one.next) for one in found] == [("log", "headrace broker start")]
    assert told(place=Place("kafka://one:9092", error="no"), topics=())[0].next == "headrace topics check"


def test_positions_that_retention_took_are_told_with_what_was_lost() -> None:
    topics = (replace(EVENTS, begins={0: 40}),)
    [lost, floor] = told(topics=topics, stored=(Stored("joiner", "events", 0, 30),))
    assert (lost.level, "10 records" in lost.told) == ("bad", True)
    assert (floor.about, "does not begin at 0" in floor.told) == ("retention", True)


def test_records_above_the_floor_must_be_there() -> None:
    topics = (replace(EVENTS, begins={0: 40}),)
    assert told(topics=topics, decided=Decided(floor={0: 40})) == []
    [found] = told(topics=topics, decided=Decided(floor={0: 39}))
    assert (found.level, found.about) == ("bad", "retention")


@pytest.mark.parametrize(
    ("stored", "waits"),
    [
        (Stored("sequencer", "users", 0, 9), "5,000 records wait for the sequencer"),
        (Stored("trainer (version 4)", "examples", 0, 9), "6,000 records wait for the trainer (version 4)"),
        (Stored("trainer (version 4)", "events", 0, 9), ""),
        (Stored("joiner", "events", 0, 9), ""),
        (Stored("server's newest snapshot", "events", 0, 9), ""),
    ],
)
def test_what_waits_is_counted_for_those_that_do_not_say_it_themselves(stored: Stored, waits: str) -> None:
    topics = (
        replace(EVENTS, ends={0: 9_000}),
        Topic("users", {0: 0}, {0: 5_009}),
        Topic("examples", {0: 0}, {0: 6_009}),
    )
    assert [one.told for one in told(topics=topics, stored=(stored,))] == [waits] * bool(waits)


def test_a_watermark_matters_only_while_events_come() -> None:
    behind = (Process("join", 7, True, 0, watermark=NOW - 60_000),)
    assert [one.about for one in told(processes=behind)] == ["watermark"]
    assert told(processes=behind, topics=(replace(EVENTS, newest_at=NOW - 60_000),)) == []


def test_a_record_of_the_future_tells_of_a_clock() -> None:
    [found] = told(topics=(replace(EVENTS, newest_at=NOW + 3_000),))
    assert (found.level, found.about, "3.0 s ahead" in found.told) == ("bad", "clock", True)
    assert told(topics=(replace(EVENTS, newest_at=NOW + 1_000),)) == []


def test_crc32c_matters_to_a_broker_alone() -> None:
    embedded = Place("sqlite://var/log")
    assert told(place=embedded, machine=replace(HERE, crc32c="missing")) == []


# ---- gathered -------------------------------------------------------------------------------------------------------


def test_facts_are_gathered_of_log_disk_and_last_words(tmp_path: Path) -> None:
    settings = deployments.of(tmp_path / "var")
    deployments.published(settings, versions=2)
    deployments.mask(settings, below=5)
    with open_logs(settings) as logs:
        frame = EventFrame((Tick(5),), {"users": {0: 7}})
        logs.open("events", 4).append(0, [encode_frame(frame)], at=NOW)
        logs.open("examples", 4).append(0, [encode_examples(ExampleFrame("", 0, -1, 5, "c"))], at=NOW)
        DeadLetters(logs.open("dead-letters", 1)).bury([DeadLetter(5, "is wrong", "v", "gateway", b"")])
    Telemetry("join", settings.var / "run", clock=lambda: NOW).write()
    (settings.var / "join" / "p0" / "1").mkdir(parents=True)
    (settings.var / "join" / "p0" / "1" / "LOCK").touch()
    facts = gather(settings, lambda: NOW + 9)
    assert facts.processes == (Process("join", os.getpid(), True, 9),)
    assert Stored("sequencer", "users", 0, 7) in facts.stored
    assert Stored("joiner", "events", 0, 1) in facts.stored
    assert (facts.versions.live, facts.versions.live_valid, facts.versions.tainted) == (2, False, 2)
    assert (facts.decided.endless, facts.letters, facts.letter_at) == (("q",), 1, 5)
    assert [(lock.owner, lock.holder) for lock in facts.locks] == [("join", None)]
    assert next(topic for topic in facts.topics if topic.name == "events").newest_at == NOW


def test_what_is_sequenced_while_one_looks_is_no_lost_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = deployments.of(tmp_path / "var")

    def moves(next: int) -> None:
        with open_logs(settings) as logs:
            logs.open("users", 4).append(0, [b"{}"], at=NOW)
            logs.open("events", 4).append(0, [encode_frame(EventFrame((Tick(5),), {"users": {0: next}}))], at=NOW)

    moves(1)
    looked = topics

    def rows(settings: Settings) -> list[dict[str, Any]]:
        found = looked(settings)
        moves(2)
        return found

    monkeypatch.setattr(doctor_gather, "topics", rows)
    found = findings(gather(settings, lambda: NOW))
    assert [one.told for one in found if (one.about, one.level) == ("positions", "bad")] == []


def test_looking_makes_no_log(tmp_path: Path) -> None:
    assert gather(deployments.of(tmp_path / "var"), lambda: NOW).topics == ()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_version_that_serves_is_found(tmp_path: Path) -> None:
    settings = deployments.of(tmp_path)
    deployments.published(settings, versions=1)
    (version_store(settings).folder(1) / "weights").write_text("torn")
    assert "weights" in gather(settings, lambda: NOW).versions.damage


def test_the_holder_of_a_lock_is_asked_of_the_kernel(tmp_path: Path) -> None:
    lock = tmp_path / "LOCK"
    lock.touch()
    script = "import fcntl, sys\nf = open(sys.argv[1], 'w')\nfcntl.lockf(f, fcntl.LOCK_EX)\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert holder_of(lock) == holder.pid
        holder.communicate(b"\n")
    assert holder_of(lock) is None


def test_the_command_says_what_to_type_and_ends_with_its_worst(tmp_path: Path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    headrace = runner(tmp_path, monkeypatch, capsys)
    status, out, _ = headrace("doctor")
    assert (status, "-> headrace up" in out) == (0, True)
    deployments.published(deployments.of(Path("var")), versions=1)
    deployments.mask(deployments.of(Path("var")), below=5)
    status, out, _ = headrace("doctor", "--json")
    assert status == 1
    bad = [one for one in json.loads(out) if one["level"] == "bad"]
    assert [one["about"] for one in bad] == ["versions"]


def test_what_a_process_warns_of_is_a_finding() -> None:
    [found] = told(processes=(Process("retain", 7, True, 400, warning="versions take 9 GiB"),))
    assert (found.level, found.about, found.told) == ("warn", "retain", "versions take 9 GiB")
