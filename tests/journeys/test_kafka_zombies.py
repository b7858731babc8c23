"""Two joiners at work on one partition at once: a zombie that the group has given up beside the worker that took over.

Nothing fences them, and nothing need to: readers drop what is the same, and stop where it is not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from threading import Event, Thread

import pytest

from benchmarks.chaos_crew import Crew, write_settings
from benchmarks.chaos_verdict import Found, copied, headrace
from checkpoints.store import VersionStore
from headrace.broker import Broker
from headrace.demo_settings import demo_settings
from headrace.deployment import check_configuration, open_logs, rules_of
from headrace.log_places import make_or_check_topics
from headrace.options import now
from headrace.settings import Settings
from learners.plan import Plan
from learners.trainer import train
from streams.decisions import DecisionLog, Decisions
from streams.digest import digest_of_examples
from streams.errors import FramesDiffer
from streams.frames import EventFrame, encode_frame
from streams.join_turn import Pace, Topics
from streams.kafka_connection import Connection
from streams.kafka_log import KafkaLogs
from streams.log import Log, Logs, MemoryLogs
from streams.partition_joiner import PartitionJoiner
from streams.poll_joiner import join, to_the_end
from streams.positions import Positions, covers
from streams.rocks_join_state import RocksDisk
from streams.rules import Label, Rules
from tests.learners.rate_learner import RateLearner
from tests.streams.kafka_ground import new_connection
from tests.streams.messy_logs import RULES, S, messy_log, shares

pytestmark = pytest.mark.timeout(900)

PARTITIONS = 2
TOPICS = {"events": PARTITIONS, "examples": PARTITIONS, "decisions": 1}
OTHERS = Rules((Label("click", event="click", window=10 * S, mode="fast"),), RULES.grace, RULES.out_of_orderness)
PLAN = Plan(partitions=PARTITIONS, bucket_ms=5 * S, batch_size=16, commit_batches=3, until_end=True)


@pytest.fixture
def logs(broker: Broker) -> Iterator[KafkaLogs]:
    with closing(KafkaLogs(new_connection(broker.url, TOPICS))) as logs:
        fill(logs.open("events", PARTITIONS))
        yield logs


def fill(events: Log, part: slice = slice(None)) -> None:
    for p, share in enumerate(shares(messy_log(Random(5), 150), PARTITIONS)):
        frames = [encode_frame(EventFrame(tuple(share[at : at + 5]))) for at in range(0, len(share), 5)]
        events.append(p, frames[part], at=1)


def another(connection: Connection, stack: ExitStack) -> KafkaLogs:
    """The logs of another process."""
    return stack.enter_context(closing(KafkaLogs(connection)))


def joiners(logs: Logs, folder: Path, stack: ExitStack, rules: Rules = RULES) -> list[PartitionJoiner]:
    made = []
    for p in range(PARTITIONS):
        disk = stack.enter_context(closing(RocksDisk(folder / f"p{p}", folder / f"snapshots{p}")))
        decisions = DecisionLog(logs.open("decisions", 1))
        topics = Topics(logs.open("events", PARTITIONS), logs.open("examples", PARTITIONS), decisions)
        made.append(PartitionJoiner(p, topics, rules=rules, disk=disk, pace=Pace(lambda: 0, frames=4)))
    return made


def run_interleaved(all_joiners: list[PartitionJoiner], chance: Random) -> None:
    """One effect of any of them after the other, until all are at the end."""
    turns = [(joiner, joiner.turn()) for joiner in all_joiners]
    while turns:
        place = chance.randrange(len(turns))
        joiner, turn = turns[place]
        if next(turn, None) is not None:
            continue
        end = joiner.topics.events.end(joiner.partition)
        turns[place : place + 1] = [] if joiner.report.next == end else [(joiner, joiner.turn())]


def learned(logs: Logs, folder: Path) -> str:
    store = VersionStore(folder)
    for _ in train(logs, store, RateLearner, plan=PLAN, clock=lambda: 0):
        pass
    return str(store.manifests()[-1].digest)


def undisturbed(folder: Path) -> MemoryLogs:
    """The same events, and the examples of one joiner."""
    logs = MemoryLogs()
    fill(logs.open("events", PARTITIONS))
    with closing(
        join(logs, partitions=PARTITIONS, rules=RULES, folder=folder, snapshots=folder / "s", clock=lambda: 0)  # type: ignore[type-var]
    ) as turns:
        for _ in to_the_end(turns, PARTITIONS):
            pass
    return logs


def test_what_two_joiners_write_is_learned_as_if_there_were_one(logs: KafkaLogs, tmp_path: Path) -> None:
    with ExitStack() as stack:
        ours = joiners(logs, tmp_path / "ours", stack)
        zombies = joiners(another(logs.connection, stack), tmp_path / "zombie", stack)
        run_interleaved([*ours, *zombies], Random(1))
        reader = another(logs.connection, stack)
        examples, alone = reader.open("examples", PARTITIONS), undisturbed(tmp_path / "alone")
        found, wanted = Found.of(examples), Found.of(alone.open("examples", PARTITIONS))
        assert found.repeats > wanted.frames // 2
        assert (found.rows, found.conflicting, set(found.decided.values())) == (wanted.rows, 0, {1})
        assert digest_of_examples(examples, Decisions()) == digest_of_examples(
            alone.open("examples", PARTITIONS), Decisions()
        )
        assert learned(reader, tmp_path / "learned") == learned(alone, tmp_path / "learned_alone")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_zombie_with_other_rules_stops_the_trainer(logs: KafkaLogs, tmp_path: Path, seed: int) -> None:
    """Where no line in the decisions says which rules hold, so that its own start did not refuse it."""
    with ExitStack() as stack:
        ours = joiners(logs, tmp_path / "ours", stack)
        zombies = joiners(another(logs.connection, stack), tmp_path / "zombie", stack, OTHERS)
        run_interleaved([*ours, *zombies], Random(seed))
        reader = another(logs.connection, stack)
        with pytest.raises(FramesDiffer, match="Two versions of code or settings write one log"):
            learned(reader, tmp_path / "learned")
        with pytest.raises(FramesDiffer):
            digest_of_examples(reader.open("examples", PARTITIONS), Decisions())


def test_a_joiner_outside_of_the_group_does_no_harm_to_the_worker_in_it(broker: Broker, tmp_path: Path) -> None:
    """Beside a real Faust worker, a joiner that asks no group, with states of its own."""
    settings = _settings(tmp_path / "var", broker.url("zombies"))
    make_or_check_topics(settings)
    check_configuration(settings)
    write_settings(settings)
    crew = Crew(settings)
    with open_logs(settings) as logs, _zombie(settings, tmp_path / "zombie") as stands:
        events = logs.open("events", PARTITIONS)
        crew.start("join")
        try:
            for at in range(0, 200, 40):
                fill(events, slice(at, at + 40))
                ends = {p: events.end(p) for p in range(PARTITIONS)}
                crew.wait_until_joined(ends, patience=90)
                while not covers(stands, ends):
                    time.sleep(0.02)
        finally:
            crew.stop()
        found = Found.of(logs.open("examples", PARTITIONS))
    twin = _settings(tmp_path / "twin", f"sqlite://{tmp_path}/log")
    check_configuration(twin)
    copied(settings, twin)
    headrace(twin, "join", "--until-end")
    assert found.repeats > found.frames // 2
    assert (found.conflicting, set(found.decided.values()), crew.deaths) == (0, {1}, [])
    assert headrace(settings, "log", "digest", "examples") == headrace(twin, "log", "digest", "examples")


@contextmanager
def _zombie(settings: Settings, folder: Path) -> Iterator[Positions]:
    """A joiner in a thread; where it stands."""
    stands, over = dict.fromkeys(range(PARTITIONS), 0), Event()

    def work() -> None:
        with open_logs(settings) as logs:
            rules, aside = rules_of(settings), folder / "snapshots"
            turns = join(logs, partitions=PARTITIONS, rules=rules, folder=folder, snapshots=aside, clock=now)
            for report in turns:
                stands[report.partition] = report.next
                if over.is_set() or (report.idle and over.wait(0.005)):
                    break
            turns.close()  # type: ignore[attr-defined]

    thread = Thread(target=work)
    thread.start()
    try:
        yield stands
    finally:
        over.set()
        thread.join()


def _settings(var: Path, log: str) -> Settings:
    labels = {one.name: {"event": one.event, "window": one.window, "mode": one.mode} for one in RULES.labels}
    settings = demo_settings(var, log=log, partitions=PARTITIONS, labels=labels)
    assert rules_of(settings).labels
    return settings
