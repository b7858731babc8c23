"""Ways to run a joiner in tests: over frames at hand, or by its host between a log and a disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from streams.decisions import Decision, DecisionLog
from streams.events import Event
from streams.examples import Attributes, ExampleFrame, Row, Shot, decode
from streams.frames import EventFrame, encode_frame
from streams.given import resolved
from streams.in_force import InForce
from streams.join_disk import JoinDisk, MemoryDisk
from streams.join_state import JoinState, MemoryStore
from streams.join_turn import Pace, Topics
from streams.joiner import Joiner
from streams.log import Log, MemoryLogs
from streams.mask import Shut
from streams.partition_joiner import PartitionJoiner
from streams.rules import Rules
from tests.streams.messy_logs import RULES, messy_log, shares

Resolved = list[tuple[Row, Shot | None, Attributes | None]]


def framed(events: Sequence[Event], size: int) -> list[Sequence[Event]]:
    return [events[i : i + size] for i in range(0, len(events), size)]


def fed(
    frames: Iterable[Sequence[Event]],
    rules: Rules = RULES,
    *,
    partition: int = 0,
    partitions: int = 1,
    shut: Shut | None = None,
) -> tuple[list[ExampleFrame], dict[str, int]]:
    """Frames of examples by a joiner in memory, and its counts."""
    state = JoinState(MemoryStore())
    joiner = Joiner(rules, state, partition=partition, partitions=partitions)
    given = []
    for offset, events in enumerate(frames):
        told = joiner.feed(offset, events, shut=shut)
        if told is not None:
            given.append(told.frame("", offset, rules.digest()))
        state.commit()
    return given, joiner.head.counts


class World:
    """One partition of a deployment: logs, a disk, and a joiner that may die at any effect."""

    def __init__(
        self,
        frames: Iterable[Sequence[Event]],
        disk: JoinDisk | None = None,
        *,
        batch: int = 3,
        rules: Rules = RULES,
    ) -> None:
        self.logs, self.rules = MemoryLogs(), rules
        self.events, self.examples = self.logs.open("events", 1), self.logs.open("examples", 1)
        self.decisions = DecisionLog(self.logs.open("decisions", 1))
        self.events.append(0, [encode_frame(EventFrame(tuple(events))) for events in frames], at=0)
        self.disk = MemoryDisk() if disk is None else disk
        self.now, self.pace = 0, Pace(lambda: self.now, frames=batch, snapshot_ms=1000, keep=3)
        self.joiner = self.start()

    def start(self) -> PartitionJoiner:
        """A process starts: all it knows is on the disk and in the logs."""
        topics = Topics(self.events, self.examples, DecisionLog(self.logs.open("decisions", 1)))
        self.joiner = PartitionJoiner(0, topics, rules=self.rules, disk=self.disk, pace=self.pace)
        return self.joiner

    def drain(self) -> None:
        """Turns until there is nothing more to read."""
        while True:
            for _ in self.joiner.turn():
                pass
            if self.joiner.report.idle and not self.joiner.report.rewound:
                return

    def in_force(self) -> Resolved:
        self.decisions.follow()
        return resolved(in_force(self.examples, InForce(0, self.decisions.fold)))


def configure(world: World, rules: Rules, at: int) -> None:
    world.decisions.follow()
    seen = world.decisions.fold.position
    world.decisions.decide(Decision("configure", 0, "ana", "try", seen, settings={"join": rules.text}, start={0: at}))


def frames_in_force(world: World) -> list[ExampleFrame]:
    world.decisions.follow()
    return in_force(world.examples, InForce(0, world.decisions.fold))


def in_force(examples: Log, rule: InForce) -> list[ExampleFrame]:
    """The frames that readers accept, in order."""
    frames = [decode(record.value) for record in examples.read(rule.partition, 0, limit=1_000_000)]
    return [frame for offset, frame in enumerate(frames) if rule.accept(offset, frame)]


def events_of(seed: int, visits: int = 40) -> list[Event]:
    """A messy log of one partition."""
    return shares(messy_log(Random(seed), visits), 1)[0]


def rows_of(events: list[Event], rules: Rules = RULES, shut: Shut | None = None) -> Resolved:
    """What an undisturbed joiner gives for these events."""
    return resolved(fed(framed(events, 7), rules, shut=shut)[0])


def killed_somewhere(world: World, random: Random, *, one_in: int) -> int:
    """Run the joiner to the end, killing it now and then after a random effect; how many kills there were."""
    kills = 0
    while True:
        world.now += random.randrange(600)
        for _ in world.joiner.turn():
            if random.randrange(one_in) == 0:
                world.disk.close()
                if isinstance(world.disk, MemoryDisk) and random.randrange(4) == 0:
                    world.disk.lose()
                world.start()
                kills += 1
                break
        else:
            if world.joiner.report.idle and not world.joiner.report.rewound:
                return kills
