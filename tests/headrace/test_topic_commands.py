import json
from pathlib import Path
from uuid import uuid4

import pytest

from headrace.broker import Broker
from headrace.deployment import topics
from headrace.log_places import broker_of, broker_topics, check_topics, make_or_check_topics
from headrace.settings import Settings
from streams.errors import LogError, LogMismatch
from tests.headrace.command_line import Headrace, runner


@pytest.fixture
def headrace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Headrace:
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def url(broker: Broker) -> str:
    return broker.url(f"t{uuid4().hex[:12]}")


def test_topics_are_made_once_and_found_good(headrace: Headrace, url: str) -> None:
    status, out, _ = headrace("topics", "check", "--log", url, "--json")
    assert (status, json.loads(out)["good"], len(json.loads(out)["differences"])) == (1, False, 9)
    made = json.loads(headrace("topics", "init", "--log", url, "--json")[1])
    assert (len(made["made"]), made["good"], made["altered"]) == (9, True, [])
    again = json.loads(headrace("topics", "init", "--log", url, "--json")[1])
    assert (again["made"], again["good"]) == ([], True)
    status, out, _ = headrace("topics", "check", "--log", url)
    assert (status, "events" in out, "604800000" in out) == (0, True, True)


def test_configs_are_set_right_and_partitions_are_not_touched(
    headrace: Headrace, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headrace("topics", "init", "--log", url)
    monkeypatch.setenv("HEADRACE_KAFKA__RAW_RETENTION", "1d")
    status, _, told = headrace("topics", "check", "--log", url)
    assert (status, "retention.ms is 604800000, not 86400000" in told, "init --alter" in told) == (1, True, True)
    assert headrace("topics", "init", "--log", url)[0] == 1
    altered = json.loads(headrace("topics", "init", "--alter", "--log", url, "--json")[1])
    assert (altered["altered"], altered["good"]) == (["impressions", "interactions", "items", "slates", "users"], True)
    monkeypatch.setenv("HEADRACE_PARTITIONS", "8")
    status, _, told = headrace("topics", "init", "--alter", "--log", url)
    assert (status, "partitions is 4, not 8" in told, "another prefix" in told) == (1, True, True)


def test_the_embedded_log_needs_no_topics_made(headrace: Headrace) -> None:
    for command in ("init", "check"):
        status, out, _ = headrace("topics", command)
        assert (status, "makes its topics when they are first written" in out) == (0, True)
    assert json.loads(headrace("topics", "check", "--json")[1])["good"]


def test_a_new_deployment_gets_its_topics_and_an_old_one_is_checked(tmp_path: Path, url: str) -> None:
    settings = Settings(var=tmp_path, log=url, partitions=2)
    with pytest.raises(LogMismatch, match=r"the topic is missing.*headrace topics init"):
        check_topics(settings)
    with pytest.raises(LogError, match="headrace topics init"):
        topics(settings)
    make_or_check_topics(settings)
    check_topics(settings)
    assert {row["topic"]: row["ends"] for row in topics(settings)}["events"] == [0, 0]
    with pytest.raises(LogMismatch, match="partitions is 2, not 3"):
        make_or_check_topics(Settings(var=tmp_path, log=url, partitions=3))
    with broker_of(settings) as broker:
        broker.remove([topic for topic in broker_topics(settings) if topic.name == "users"])
    with pytest.raises(LogMismatch, match="users: the topic is missing"):
        make_or_check_topics(settings)


def test_a_process_refuses_topics_that_are_not_as_they_shall_be(headrace: Headrace, url: str) -> None:
    status, _, told = headrace("sequence", "--log", url)
    assert (status, "headrace topics init" in told) == (1, True)
