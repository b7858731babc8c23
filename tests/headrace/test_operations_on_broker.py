"""Doctor, dead letters and forgetting on a real broker, which needs no file beside its topics."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from headrace.broker import Broker
from headrace.doctor import findings
from headrace.doctor_gather import gather
from headrace.forget import NotForgotten, forget, ground_of, look
from headrace.letters import chosen_letters, letters_of, replay
from headrace.log_places import broker_of, broker_topics, logs_of
from headrace.operations import Operator
from headrace.options import now
from headrace.settings import Settings
from streams.dead_letters import Wanted
from streams.frames import decode_event
from streams.intake import Intake
from streams.sequencer import sequence
from streams.topics import Difference

CLICK = b'{"type": "click", "user_id": "ana", "item_id": "tea", "ts": 5}'


def deployment(broker: Broker, folder: Path, prefix: str) -> Settings:
    """A deployment of one partition with its topics."""
    settings = Settings(var=folder, log=broker.url(prefix), partitions=1)
    with broker_of(settings) as topics:
        topics.create(broker_topics(settings))
    return settings


def test_the_doctor_sees_what_is_wrong_with_topics(broker: Broker, tmp_path: Path) -> None:
    missing = Settings(var=tmp_path, log=broker.url("ops-none"))
    told = [one for one in findings(gather(missing, now)) if one.about == "topics"]
    assert (told[0].level, "headrace topics init" in told[0].told) == ("bad", True)
    settings = deployment(broker, tmp_path, "ops-doctor")
    well = findings(gather(settings, now))
    assert [one for one in well if one.level == "bad"] == []
    assert well[0].told.endswith("version 4.1")
    with broker_of(settings) as topics:
        topics.alter([Difference("events", "retention.ms", "-1", "60000", True, "")])
    [short] = [one for one in findings(gather(settings, now)) if one.level == "bad"]
    assert "events: retention.ms is 60000, not -1" in short.told
    more = settings.model_copy(update={"partitions": 2})
    assert "partitions is 1, not 2" in next(one for one in findings(gather(more, now)) if one.level == "bad").told


def test_letters_are_taken_again_and_their_memory_is_the_topic(broker: Broker, tmp_path: Path) -> None:
    settings = deployment(broker, tmp_path, "ops-letters")
    logs = logs_of(settings)
    Intake(logs, partitions=1, clock=now).take([CLICK.replace(b"click", b"clik"), b"no event"])
    for turn in range(2):
        with letters_of(settings) as (letters, again):
            [done] = replay(again, chosen_letters(letters, (), Wanted()), {"type": "click"}, dry_run=False)
            assert (done.letters, done.accepted, len(done.rejected)) == (2 - turn, 1 - turn, 1)
    interactions = logs.open("interactions", 1)
    interactions.end(0)
    assert [decode_event(record.value).ts for record in interactions.read(0, 0)] == [5]
    logs.close()


def test_a_user_is_forgotten_once_the_sequencer_runs(broker: Broker, tmp_path: Path) -> None:
    settings = deployment(broker, tmp_path, "ops-forget")
    operator = Operator("op@host", "asked for it", now())
    with ground_of(settings) as ground:
        Intake(ground.logs, partitions=1, clock=now).take([CLICK])
        with pytest.raises(NotForgotten, match="sequencer"):
            forget(ground, "ana", operator, wait=0)
        turns = sequence(ground.logs, partitions=1, clock=now, clock_ahead=0)
        found = next(
            found for _ in itertools.islice(turns, 10_000) if (found := look(ground, "ana")).deleted is not None
        )
    assert [one.topic for one in found.named if one.records] == ["interactions", "users", "events"]
