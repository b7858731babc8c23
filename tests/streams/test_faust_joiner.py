"""The joiner under Faust on a real broker: rewinds, failures, outages, and what must not cost it its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from threading import Event, Thread

import pytest

from headrace.broker import Broker
from headrace.deployment import open_logs
from headrace.joining import STOOD_STILL, _end_still
from headrace.log_places import connection_of
from headrace.settings import Settings
from streams.decisions import Decision, DecisionLog
from streams.faust_app import Member
from streams.faust_joiner import Host
from streams.join_desk import Work
from streams.join_turn import Joined, Pace
from streams.join_watch import Watch
from streams.log import Log, Record
from streams.mask import Entry
from tests.brokers import SecureBroker
from tests.joiners import PATIENCE, append, appending, digests, frames_of, joining, workers
from tests.streams.messy_logs import RULES


def test_a_mask_below_the_position_rewinds_a_worker_while_events_flow(broker: Broker, tmp_path: Path) -> None:
    settings = joining(tmp_path / "var", broker.url("rewind"), partitions=2)
    before, after = frames_of(5, 500, 2), frames_of(6, 300, 2)
    with workers(settings, "join-0") as (crew, logs):
        events, decisions = logs.open("events", 2), DecisionLog(logs.open("decisions", 1))
        with appending(events, before, seconds=3):
            crew.wait(lambda: crew.share("join-0"))
        crew.wait(lambda: crew.caught_up(events))
        decisions.follow()
        entry = Entry("q", start={0: 5, 1: 5}, app_version="9")
        decisions.decide(Decision("mask", 1, "ana", "bad app", decisions.fold.position, add=(entry,)))
        with appending(events, after, seconds=3):
            time.sleep(3)
        crew.wait(lambda: crew.caught_up(events))
        assert crew.stop("join-0") == 0
        joined, undisturbed = digests(logs, settings, tmp_path / "peace")
    assert joined == undisturbed


def test_a_frame_that_fails_ends_the_worker_before_it_and_is_not_passed_over(broker: Broker, tmp_path: Path) -> None:
    settings = joining(tmp_path / "var", broker.url("poison"), partitions=2)
    frames = frames_of(7, 100, 2)
    with workers(settings, "join-0") as (crew, logs):
        events = logs.open("events", 2)
        append(events, frames)
        crew.wait(lambda: crew.caught_up(events))
        events.append(0, [b"no frame", *frames[0]], at=0)
        for _ in range(2):
            assert crew.running["join-0"].wait(PATIENCE) == 1
            assert f"while joining events[0] from {len(frames[0]):,} on" in crew.words("join-0")
            assert crew.stands().get(0, len(frames[0])) == len(frames[0])
            crew.start("join-0")


@pytest.mark.drill
def test_the_younger_of_two_workers_of_one_name_ends_and_says_why(broker: Broker, tmp_path: Path) -> None:
    settings = joining(tmp_path / "var", broker.url("twins"), partitions=2)
    with workers(settings, "join-0") as (crew, logs):
        crew.wait(lambda: crew.share("join-0"))
        elder = crew.running["join-0"]
        crew.start("join-0")
        assert crew.running["join-0"].wait(PATIENCE) == 1
        assert "must not share a name" in crew.words("join-0")
        crew.running["join-0"] = elder
        append(logs.open("events", 2), frames_of(8, 50, 2))
        crew.wait(lambda: crew.caught_up(logs.open("events", 2)))


@pytest.mark.drill  # the short chaos of the journeys has an outage too
def test_a_broker_that_goes_away_and_comes_back_costs_no_label(broker: Broker, tmp_path: Path) -> None:
    _outage(broker, tmp_path, seconds=10)


@pytest.mark.drill
@pytest.mark.timeout(600)
def test_a_broker_that_is_away_for_two_minutes_costs_no_label(broker: Broker, tmp_path: Path) -> None:
    _outage(broker, tmp_path, seconds=120)


def _outage(broker: Broker, tmp_path: Path, *, seconds: float) -> None:
    settings = joining(tmp_path / "var", broker.url(f"away-{seconds}"), partitions=2)
    with workers(settings, "join-0", "join-1") as (crew, logs):
        events = logs.open("events", 2)
        crew.wait(lambda: crew.share("join-0", "join-1"))
        with appending(events, frames_of(9, 600, 2), seconds=6):
            time.sleep(2)
            broker.stop()
            time.sleep(seconds)
            broker.start()
        crew.wait(lambda: crew.caught_up(events))
        assert {crew.stop(name) for name in ("join-0", "join-1")} == {0}
        joined, undisturbed = digests(logs, settings, tmp_path / "peace")
    assert joined == undisturbed


@pytest.mark.parametrize("door", ["password", "certificate"])
def test_a_worker_proves_who_it_is_and_joins(secure_broker: SecureBroker, tmp_path: Path, door: str) -> None:
    url, login = {
        "password": (secure_broker.url("safe-p"), secure_broker.password_login),
        "certificate": (secure_broker.certificate_url("safe-c"), secure_broker.certificate_login),
    }[door]
    settings = joining(tmp_path / "var", url, partitions=2, kafka=login)
    with workers(settings, "join-0") as (crew, logs):
        crew.wait(lambda: crew.share("join-0"))
        events = logs.open("events", 2)
        append(events, frames_of(1, 40, 2))
        crew.wait(lambda: crew.caught_up(events))
        assert crew.stop("join-0") == 0


class Slow:
    """A log whose reads keep the interpreter busy, one frame each."""

    def __init__(self, log: Log, read: Callable[[int, int, int], list[Record]]) -> None:
        self.topic, self.partitions = log.topic, log.partitions
        self.append, self.begin, self.end = log.append, log.begin, log.end
        self.offset_at, self.trim, self.close, self.read = log.offset_at, log.trim, log.close, read


def hosting(settings: Settings, read: str, patience: int, told: Pipe) -> None:
    """A worker in a process of its own, whose events are read in an odd way."""
    with open_logs(settings) as logs:
        events = logs.open("events", 2)

        def slowly(partition: int, since: int, limit: int) -> list[Record]:
            until = time.monotonic() + 0.15
            while time.monotonic() < until:
                pass
            return events.read(partition, since, 1)

        reads = {"slowly": slowly, "nothing": lambda *_: []}
        work = Work(
            Slow(events, reads[read]), logs.open("examples", 2), logs.open("decisions", 1), RULES,
            Pace(lambda: time.time_ns() // 1_000_000), settings.var / "join" / "join-0", settings.var / "snapshots",
        )  # fmt: skip

        def tell(report: Joined) -> None:
            if not report.idle:
                told.send((report.partition, report.next, host.assignments))

        host = Host(connection_of(settings), Member("join-0", 6_000, 1_000), work, told=tell)
        over = Event()
        watch = Watch(host, events, _end_still, patience=patience, joining=60_000, clock=lambda: work.pace.clock())
        watch.start(over)
        Thread(target=lambda: (told.poll(None), over.set()), daemon=True).start()
        host.run(over)


def test_a_catch_up_longer_than_the_session_costs_no_membership(broker: Broker, tmp_path: Path) -> None:
    settings = joining(tmp_path / "var", broker.url("long"), partitions=2)
    frames = [ones[:30] for ones in frames_of(2, 300, 2)]  # 9 s of reading, in sessions of 6
    with open_logs(settings) as logs:
        append(logs.open("events", 2), frames)
    ours, theirs = get_context("spawn").Pipe()
    child = get_context("spawn").Process(target=hosting, args=(settings, "slowly", 30_000, theirs))
    child.start()
    stands: dict[int, int] = {}
    while stands != {p: len(ones) for p, ones in enumerate(frames)}:
        assert ours.poll(PATIENCE), "it does not get on"
        partition, next, assignments = ours.recv()
        stands[partition] = next
        assert assignments == 1, "it lost its partitions, and got them again"
    ours.send("stop")
    child.join(PATIENCE)
    assert child.exitcode == 0


def test_a_worker_whose_partition_stands_still_ends_itself(broker: Broker, tmp_path: Path) -> None:
    settings = joining(tmp_path / "var", broker.url("still"), partitions=2)
    with open_logs(settings) as logs:
        append(logs.open("events", 2), frames_of(2, 10, 2))
    _, theirs = get_context("spawn").Pipe()
    child = get_context("spawn").Process(target=hosting, args=(settings, "nothing", 4_000, theirs))
    child.start()
    child.join(PATIENCE)
    assert child.exitcode == STOOD_STILL
