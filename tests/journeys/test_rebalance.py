"""Joiners share the partitions of a real broker: they come and go, and the labels are those of one left in peace."""

from __future__ import annotations

from pathlib import Path

from headrace.broker import Broker
from tests.joiners import appending, digests, frames_of, joining, workers

PARTITIONS = 4


def test_workers_come_go_and_are_killed_while_events_flow_and_no_label_changes(broker: Broker, tmp_path: Path) -> None:
    settings = joining(tmp_path / "var", broker.url("rebalance"), partitions=PARTITIONS)
    frames = frames_of(3, 1_500, PARTITIONS)
    with workers(settings, "join-0", "join-1") as (crew, logs):
        events = logs.open("events", PARTITIONS)
        with appending(events, frames, seconds=20):
            crew.wait(lambda: crew.share("join-0", "join-1"))
            crew.start("join-2")
            crew.wait(lambda: crew.share("join-0", "join-1", "join-2"))
            crew.kill("join-1")
            crew.wait(lambda: crew.share("join-0", "join-2"))
        crew.wait(lambda: crew.caught_up(events))
        assert {crew.stop(name) for name in ("join-0", "join-2")} == {0}
        joined, undisturbed = digests(logs, settings, tmp_path / "peace")
    assert joined == undisturbed


def test_a_worker_that_comes_back_under_its_name_within_the_session_disturbs_nobody(
    broker: Broker, tmp_path: Path
) -> None:
    settings = joining(tmp_path / "var", broker.url("restart"), partitions=PARTITIONS, join={"session": "60s"})
    frames = frames_of(4, 400, PARTITIONS)
    with workers(settings, "join-0", "join-1") as (crew, logs):
        events = logs.open("events", PARTITIONS)
        crew.wait(lambda: crew.share("join-0", "join-1"))
        held, told = crew.holders(), crew.words("join-0")
        with appending(events, frames, seconds=5):
            crew.kill("join-1")
            crew.start("join-1")
            crew.wait(lambda: crew.holders() == held)
            assert crew.stop("join-1") == 0
            crew.start("join-1")
            crew.wait(lambda: crew.holders() == held)
        crew.wait(lambda: crew.caught_up(events))
        assert crew.words("join-0") == told, "the one that stayed was made to join its group again"
        joined, undisturbed = digests(logs, settings, tmp_path / "peace")
    assert joined == undisturbed
