"""The whole way on a real broker: a file and foreign producers, ordered, joined by Faust, learned, served, and back.

The tests of this file are one story, in their order.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.broker import Broker
from headrace.deployment import check_configuration, open_logs, version_store
from headrace.digests import digest_of
from headrace.options import now
from headrace.settings import Settings
from streams.decisions import DecisionLog
from streams.examples import Row, decode
from streams.frames import EventFrame, decode_frame, encode_frame
from streams.in_force import InForce
from streams.log import Log, Record
from streams.positions import Positions, covers
from tests.journeys.kafka_town import BAD, KafkaTown, headrace, town_settings

pytestmark = pytest.mark.timeout(900)

FILE_ROWS = 60
MAPPING = """
[fields]
type = { constant = "click" }
user_id = "who"
item_id = "what"
"""


@pytest.fixture(scope="module")
def town(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaTown]:
    with KafkaTown.founded(tmp_path_factory.mktemp("kafka_town") / "var", broker) as town:
        yield town


def records(log: Log, partition: int) -> Iterator[Record]:
    offset = log.begin(partition)
    while found := log.read(partition, offset):
        offset = found[-1].offset + 1
        yield from found


def rows_in_force(settings: Settings) -> list[Row]:
    with open_logs(settings) as logs:
        decisions = DecisionLog(logs.open("decisions", 1))
        decisions.follow()
        log = logs.open("examples", settings.partitions)
        rows: list[Row] = []
        for partition in range(log.partitions):
            rule = InForce(partition, decisions.fold)
            for record in records(log, partition):
                frame = decode(record.value)
                if rule.accept(record.offset, frame, record.value):
                    rows += frame.rows
        return rows


def versions(town: KafkaTown) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(town.headrace("versions", "list", "--json"))
    return listed


def answered_by(town: KafkaTown, least: int) -> dict[str, Any]:
    def found() -> list[dict[str, Any]]:
        return [one for one in town.answers if one["rung"] == "model" and one["version"] >= least]

    answer: dict[str, Any] = town.wait_for(f"an answer by version {least} or later", found)[-1]
    return answer


def test_a_file_comes_in_through_the_door_and_is_joined(town: KafkaTown, tmp_path: Path) -> None:
    (tmp_path / "past.csv").write_text("who,what\n" + "".join(f"past{n % 7},i{2 * n % 40}\n" for n in range(FILE_ROWS)))
    (tmp_path / "mapping.toml").write_text(MAPPING)
    url = f"http://127.0.0.1:{town._port}"
    said = town.headrace(
        "import", str(tmp_path / "past.csv"), "--mapping", str(tmp_path / "mapping.toml"), "--url", url
    )
    assert f"{FILE_ROWS} events taken, 0 rejected" in said

    def organic() -> int:
        return sum(row.kind == "organic" for row in rows_in_force(town.settings))

    assert town.wait_for("the file's clicks among the examples", lambda: organic() >= FILE_ROWS)


def test_what_producers_write_to_the_broker_is_learned_and_served(town: KafkaTown) -> None:
    answer = answered_by(town, least=2)
    assert set(answer["stamps"].values()) == {answer["version"]}
    assert len(answer["items"]) == 8
    shown = next(row for row in versions(town) if row["version"] == answer["version"])
    assert (shown["verdict"], shown["valid"], shown["examples"] > FILE_ROWS) == ("pass", True, True)


def test_a_bad_producer_is_rolled_back_and_masked(town: KafkaTown) -> None:
    bad_from = now() - 1
    town.bad.set()
    ends = town.wait_for("bad events in the log", lambda: ends_if_bad(town.settings, 60))
    poisoned = town.wait_for("a version that learned them", lambda: first_beyond(town.settings, ends))
    answered_by(town, least=poisoned)
    town.bad.clear()
    told = json.loads(
        town.headrace(
            "rollback", "last-good", "--why", "a broken app", "--quarantine", f"producer={BAD} from={bad_from}",
            "--wait", "--json",
        )
    )  # fmt: skip
    at = now()
    assert (told["caught_up"], poisoned in told["tainted"]) == (True, True)
    assert told["version"] < min(told["tainted"])
    assert {row["version"] for row in versions(town) if row["valid"]}.isdisjoint(told["tainted"])
    town.wait_for("an answer after it", lambda: town.answers[-1]["asked_at"] > at)
    assert town.answers[-1]["version"] not in told["tainted"]
    answered_by(town, least=max(told["tainted"]) + 1)


def ends_if_bad(settings: Settings, least: int) -> Positions | None:
    """The ends of the events, once so many of the bad producer are among them."""
    with open_logs(settings) as logs:
        log = logs.open("events", settings.partitions)
        ends = {p: log.end(p) for p in range(log.partitions)}
        frames = [decode_frame(record.value) for p in ends for record in records(log, p)]
    found = sum(getattr(event, "producer", "") == BAD for frame in frames for event in frame.events)
    return ends if found >= least else None


def first_beyond(settings: Settings, ends: Positions) -> int | None:
    """The first version that has taken in all before these positions."""
    return next((one.version for one in version_store(settings).manifests() if covers(one.input, ends)), None)


def test_no_label_was_decided_twice_and_no_request_failed(town: KafkaTown) -> None:
    labels = Counter((r.example, name) for r in rows_in_force(town.settings) if r.kind == "label" for name in r.labels)
    assert len(labels) > 300
    assert set(labels.values()) == {1}
    assert town.failures == []


def test_the_log_says_what_it_would_say_had_there_been_no_bad_producer(town: KafkaTown, tmp_path: Path) -> None:
    """Folded from its begin without those events, by fresh processes over an embedded log."""
    assert town.end() == 0
    clean = town_settings(tmp_path / "var", f"sqlite://{tmp_path}/log")
    dropped = copy_without_bad(town.settings, clean)
    assert dropped > 20
    for settings in (town.settings, clean):
        headrace(settings, "join", "--until-end")
    for name in ("events", "examples", "profiles", "popularity"):
        assert digest_of(town.settings, name) == digest_of(clean, name), name


def copy_without_bad(source: Settings, target: Settings) -> int:
    """Framed as they are; how many events were left out."""
    target.var.mkdir(parents=True)
    check_configuration(target)
    dropped = 0
    with open_logs(source) as old, open_logs(target) as new:
        events, clean = old.open("events", source.partitions), new.open("events", target.partitions)
        for partition in range(events.partitions):
            for record in records(events, partition):
                frame = decode_frame(record.value)
                kept = tuple(one for one in frame.events if getattr(one, "producer", "") != BAD)
                dropped += len(frame.events) - len(kept)
                clean.append(partition, [encode_frame(EventFrame(kept))], at=record.at)
    return dropped
