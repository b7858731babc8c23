"""Every process of a run as a generator that stops after each effect.

An actor is nothing but what `start` builds over the site: to kill it is to let go of it, to start it again is to build
another one. What it yields is the name of the effect that it just had; `turned` ends a turn.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from checkpoints.floors import Policy
from checkpoints.retention import Retention
from checkpoints.retention import Topics as RetentionTopics
from learners.plan import Plan, Trained
from learners.trainer import Trainer
from serving.folding import fold
from serving.known import Known
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.join_disk import MemoryDisk
from streams.join_turn import Pace
from streams.join_turn import Topics as JoinTopics
from streams.log import Logs
from streams.partition_joiner import PartitionJoiner
from tests.chaos.chain import Chain
from tests.chaos.reference import FOLD_RULES
from tests.chaos.site import Site
from tests.chaos.world import PARTITIONS
from tests.streams.messy_logs import RULES

Effects = Generator[str, None, None]


@dataclass(frozen=True, slots=True)
class Habits:
    """How processes work in this run: what may differ between two runs and must not show."""

    plan: Plan
    policy: Policy
    join_frames: int
    snapshot_ms: int
    keep: int
    fold_frames: int
    fold_snapshot_ms: int


@dataclass
class Actor:
    """One process; `idle` where its last turn found nothing to do, `counts` what it ever did."""

    name: str
    start: Callable[[Actor], Effects]
    counts: dict[str, int]
    idle: bool = False
    effects: Effects | None = None

    def step(self) -> str:
        """One effect more, of a new process where the last one died."""
        if self.effects is None:
            self.idle, self.effects = False, self.start(self)
        return next(self.effects)

    def kill(self) -> None:
        self.effects, self.idle = None, False

    def count(self, what: str, times: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + times


@dataclass
class Seen:
    """What the last trainer and the last server have in memory, for the checks."""

    known: Known | None = None
    learner: Chain | None = None
    trained: Trained | None = None

    def fresh(self) -> Chain:
        """A learner that is looked at."""
        self.learner = Chain()
        return self.learner


def joiner(site: Site, habits: Habits, partition: int, *, behind: bool = False) -> Callable[[Actor], Effects]:
    """A joiner on the disk of its partition; with `behind`, on a twin of that disk, without the decisions to come."""

    def start(actor: Actor) -> Effects:
        disk = twin_of(site.disks[partition]) if behind else site.disks[partition]
        decisions = (site.cut_off() if behind else site.topics).open(DECISIONS, 1)
        topics = JoinTopics(site.events, site.examples, DecisionLog(decisions))
        pace = Pace(site.clock, frames=habits.join_frames, snapshot_ms=habits.snapshot_ms, keep=habits.keep)
        one = PartitionJoiner(partition, topics, rules=RULES, disk=disk, pace=pace)
        while True:
            yield from one.turn()
            actor.idle = one.report.idle and not one.report.rewound
            if one.report.rewound:
                actor.count("rewinds")
            yield "turned"

    return start


def twin_of(disk: MemoryDisk) -> MemoryDisk:
    """The disk of a second process for the same partition: what stands is its own, the snapshots are shared."""
    twin = MemoryDisk()
    twin._aside = disk._aside
    twin._store = None if disk._store is None else disk._store.copy()
    return twin


def trainer(site: Site, habits: Habits, seen: Seen, *, behind: bool = False) -> Callable[[Actor], Effects]:
    """The trainer; with `behind`, one more, without the decisions to come."""

    def start(actor: Actor) -> Effects:
        logs: Logs = site.cut_off() if behind else site.topics
        one = Trainer(logs, site.store, seen.fresh, plan=habits.plan, clock=site.clock)
        while True:
            yield from one.effects()
            seen.trained = one.done
            actor.idle = one.done.idle and one.done.restored is None
            if one.done.restored is not None:
                actor.count("restores")
            if one.done.committed:
                actor.count("versions")
            yield "turned"

    return start


def server(site: Site, habits: Habits, seen: Seen) -> Callable[[Actor], Effects]:
    """The folds of a server, which stop once a turn."""

    def start(actor: Actor) -> Effects:
        known = seen.known = Known(partitions=PARTITIONS, rules=FOLD_RULES)
        turns = fold(
            site.topics,
            known,
            folder=site.folds,
            clock=site.clock,
            snapshot_every=habits.fold_snapshot_ms,
            limit=habits.fold_frames,
        )
        rewinding = 0
        for turn in turns:
            actor.idle = turn.idle and not turn.rewinding
            if turn.rewinding > rewinding:
                actor.count("fold rewinds")
            rewinding = turn.rewinding
            if turn.snapshots:
                actor.count("fold snapshots")
            yield "turned"

    return start


def retention(site: Site, habits: Habits) -> Callable[[Actor], Effects]:
    """Who takes away what nobody can go back to any more."""

    def start(actor: Actor) -> Effects:
        topics = RetentionTopics(site.events, site.examples)
        one = Retention(site.store, DecisionLog(site.logs[DECISIONS]), topics, site.aside, habits.policy, site.clock)
        while True:
            yield from one.effects()
            actor.count("void floors" if one.report.void else "floors", int(one.report.expired is not None))
            actor.count("versions taken away", one.report.removed)
            actor.count("records taken away", one.report.trimmed)
            yield "turned"

    return start
