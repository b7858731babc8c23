"""Retention beside a real joiner over the embedded log: whatever was taken away, a mask that holds finds its base."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from checkpoints.floors import Policy, good
from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.retention import Effect, Retention, Topics
from checkpoints.store import VersionStore
from streams.decisions import Decision, DecisionLog
from streams.examples import decode
from streams.frames import EventFrame, decode_frame, encode_frame
from streams.given import resolved
from streams.in_force import InForce
from streams.join_disk import MemoryDisk
from streams.join_turn import Pace
from streams.join_turn import Topics as JoinTopics
from streams.mask import Entry
from streams.partition_joiner import PartitionJoiner
from streams.sqlite_log import SqliteLogs
from tests.streams.join_runs import Resolved, events_of, framed, rows_of
from tests.streams.messy_logs import RULES


class Town:
    """A joiner that snapshots all the time, a trainer that learns nothing but commits, retention that keeps little."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random, self.now = Random(seed), 0
        self.logs = SqliteLogs(folder / "log")
        self.events, self.examples = self.logs.open("events", 1), self.logs.open("examples", 1)
        self.frames = [encode_frame(EventFrame(tuple(frame))) for frame in framed(events_of(seed, 80), 2)]
        self.store, self.disk = VersionStore(folder / "versions"), MemoryDisk()
        self.decisions = self.follower()
        self.policy = Policy(span=0, versions=3)
        self.joiner = self.started()
        self.learned = TrainerPosition()
        self.made_under = 0

    def follower(self) -> DecisionLog:
        return DecisionLog(self.logs.open("decisions", 1))

    def started(self) -> PartitionJoiner:
        topics = JoinTopics(self.events, self.examples, self.follower())
        pace = Pace(lambda: self.now, frames=4, snapshot_ms=1, keep=2)
        return PartitionJoiner(0, topics, rules=RULES, disk=self.disk, pace=pace)

    def retention(self) -> Retention:
        topics = Topics(self.events, self.examples)
        aside = lambda: {"join": {0: [(one.next, one.decisions) for one in self.disk.snapshots()]}}  # noqa: E731
        return Retention(self.store, self.follower(), topics, aside, self.policy, lambda: self.now)

    def join(self) -> None:
        self.now += 10
        for _ in self.joiner.turn():
            pass

    def train(self) -> None:
        """Adopt the decisions, read what is in force, commit if there was any; over a gap that retention left, go on
        from the newest version."""
        self.decisions.follow()
        fold = self.decisions.fold
        behind = self.learned.examples < self.examples.begin(0)
        if behind or not fold.valid(self.made_under, {0: self.learned.input}):
            best = next(iter(good(self.store.manifests(), fold)), None)
            assert best is not None or self.examples.begin(0) == 0, "nothing is left to go back to"
            self.learned = best.positions[0] if best else TrainerPosition()
        self.made_under = fold.position
        rule, at, before = InForce(0, fold, last=self.learned.last), self.learned.examples, self.learned
        for record in self.examples.read(0, at, self.random.randrange(1, 40)):
            frame = decode(record.value)
            if rule.accept(record.offset, frame, record.value):
                self.learned = TrainerPosition(record.offset + 1, frame.input, frame.watermark, input=frame.input + 1)
        if self.learned != before:
            draft = Manifest(
                0, None, fold.position, {0: self.learned}, examples=self.learned.input, created_at=self.now
            )
            self.store.commit(self.store.reserve(), lambda folder: None, draft)

    def decide(self) -> None:
        self.decisions.follow()
        fold = self.decisions.fold
        standing = [entry.id for entry in fold.masking().entries]
        if standing and self.random.randrange(3) == 0:
            line = Decision("mask", self.now, "ana", "", fold.position, remove=(self.random.choice(standing),))
        else:
            at = self.random.randrange(self.events.end(0) + 1)
            stop = self.random.choice((None, {0: at + self.random.randrange(20)}))
            entry = Entry(f"q{fold.position}", {0: at}, stop, app_version=self.random.choice((None, "9")))
            line = Decision("mask", self.now, "ana", "", fold.position, add=(entry,))
        self.decisions.decide(line)

    def drain(self) -> None:
        while True:
            self.join()
            if self.joiner.report.idle and not self.joiner.report.rewound:
                return

    def left(self) -> tuple[Resolved, Resolved]:
        """The rows in force that are left, and as many of the last ones of an undisturbed joiner."""
        self.decisions.follow()
        rule, trimmed, frames = InForce(0, self.decisions.fold), self.examples.begin(0) > 0, []
        for record in self.examples.read(0, 0, limit=1_000_000):
            frame = decode(record.value)
            if trimmed and frame.lineage == rule.lineage(frame.input):
                rule.last, trimmed = frame.prev, False
            if rule.accept(record.offset, frame):
                frames.append(frame)
        rows, mask = resolved(frames), self.decisions.fold.masking()
        visible = [e for n, told in enumerate(self.frames) for e in mask.visible(0, n, decode_frame(told).events)]
        return rows, rows_of(visible)[len(rows_of(visible)) - len(rows) :]


@pytest.mark.parametrize("seed", range(12))
def test_every_mask_that_holds_finds_its_base_and_gives_the_rows_without_these_events(
    tmp_path: Path, seed: int
) -> None:
    town = Town(tmp_path, seed)
    retaining: Iterator[Effect] = iter(())
    for told in town.frames:
        town.now += 5
        town.events.append(0, [told], at=town.now)
        match town.random.randrange(10):
            case 0:
                town.decide()
            case 1:
                town.disk.lose()
                town.joiner = town.started()
            case 2 | 3:
                retaining = town.retention().effects() if town.random.randrange(4) else iter(())  # killed there
            case 4 | 5:
                town.train()
            case 6:
                town.joiner = town.started()
            case _:
                town.join()
        for _ in range(town.random.randrange(4)):
            next(retaining, None)
    town.drain()
    town.train()
    town.decide()
    town.drain()
    found, wanted = town.left()
    assert found == wanted
    assert town.decisions.fold.floor() is not None, "retention took nothing: the run shows nothing"
    town.logs.close()
