"""The run: at each step one actor has one effect, or something goes wrong, or someone changes their mind.

Everything follows from the seed. When the steps are over, all of them are driven until nothing moves any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from checkpoints.floors import Policy
from learners.plan import Plan
from streams.errors import HeadraceError
from tests.chaos.actors import Actor, Habits, Seen, joiner, retention, server, trainer
from tests.chaos.operator import Operator
from tests.chaos.site import Site
from tests.chaos.world import PARTITIONS, World


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a run is and how rough; chances are per step."""

    visits: int = 60
    chunk: int = 6
    steps: int = 1500
    lines: int = 10
    kill: float = 0.012
    lose: float = 0.3
    zombie: float = 0.004
    retain: float = 0.05
    snapshot_ms: int = 1500
    commits: tuple[int, ...] = (2, 4, 8)
    acts: tuple[str, ...] = ()
    """What the operator does, where not everything."""


class Stuck(AssertionError):
    """The actors never came to rest."""


class Run:
    """One seed, from an empty site to rest."""

    def __init__(self, seed: int, folder: Path, shape: Shape) -> None:
        self.seed, self.shape = seed, shape
        self.random = Random(f"run {seed}")
        self.world = World(seed, visits=shape.visits, chunk=shape.chunk)
        self.site = Site(folder)
        self.habits = self._habits()
        self.seen = Seen()
        self.counts: Counter[str] = Counter()
        self.schedule: list[str] = []
        self.operator = Operator(self.site, self.random, shape.acts)
        self.actors = [
            *(self._actor(f"joiner{p}", joiner(self.site, self.habits, p)) for p in range(PARTITIONS)),
            self._actor("trainer", trainer(self.site, self.habits, self.seen)),
            self._actor("server", server(self.site, self.habits, self.seen)),
        ]
        self.retention = self._actor("retention", retention(self.site, self.habits))
        self.zombies: list[Actor] = []

    def play(self) -> None:
        """All steps, then rest."""
        slow = self.random.choice(self.actors[:PARTITIONS])
        for step in range(self.shape.steps):
            self.site.now += self.random.randrange(100)
            self._grow()
            actor = self.retention if self.random.random() < self.shape.retain else self.random.choice(self.actors)
            if actor is slow and self.random.random() < 0.7:
                continue
            actor.step()
            self._disturb(step, actor)
        self._rest()

    def _disturb(self, step: int, actor: Actor) -> None:
        random, shape = self.random, self.shape
        if random.random() < shape.kill:
            self._kill(step, actor)
        if random.random() < shape.lines / shape.steps:
            told = self.operator.act()
            self._note(step, told, "lines")
            self.counts[f"lines to {told.split()[0]}"] += 1
            self.counts["void lines"] += " VOID " in told
            self.counts["lines of labels"] += "labels=(" in told
        if random.random() < 0.2 * shape.lines / shape.steps:
            self._note(step, self.operator.serve_only(), "serving lines")
        if random.random() < shape.zombie:
            self._raise_zombie(step)
        if self.zombies and random.random() < 0.3:
            self._walk(step, random.choice(self.zombies))

    def _kill(self, step: int, actor: Actor) -> None:
        actor.kill()
        self._note(step, f"kill {actor.name}", "kills")
        if actor.name.startswith("joiner") and self.random.random() < self.shape.lose:
            self.site.disks[int(actor.name[6:])].lose()
            self._note(step, "lose its disk", "lost disks")

    def _raise_zombie(self, step: int) -> None:
        """A second joiner or trainer, which will hear of no decision from now on."""
        kind = self.random.randrange(PARTITIONS + 1)
        if kind < PARTITIONS:
            zombie = self._actor(f"zombie{kind}", joiner(self.site, self.habits, kind, behind=True))
        else:
            zombie = self._actor("zombie trainer", trainer(self.site, self.habits, Seen(), behind=True))
        self.zombies.append(zombie)
        self._note(step, f"raise {zombie.name}", "zombies")

    def _walk(self, step: int, zombie: Actor) -> None:
        """Some effects of a zombie; what it trips over is nobody's loss."""
        try:
            for _ in range(self.random.randrange(8)):
                zombie.step()
            dies = self.random.random() < 0.15
        except HeadraceError as error:
            self._note(step, f"{zombie.name}: {type(error).__name__}", "zombies that tripped")
            dies = True
        if dies:
            zombie.kill()
            self.zombies.remove(zombie)
            self._note(step, f"{zombie.name} dies", "zombies dead")

    def _grow(self, *, whole: bool = False) -> None:
        """The log grows while all of them run, and is whole before the end, or nearly."""
        events = self.site.events
        for p, frames in enumerate(self.world.frames):
            end, chance = events.end(p), len(frames) / (1.6 * self.shape.steps)
            more = len(frames) - end if whole else (self.random.random() < chance) * 2
            for frame in frames[end : end + more]:
                events.append(p, [frame.data], frame.at)

    def _rest(self) -> None:
        """Everyone goes on until a whole round of turns has nothing to do."""
        self._grow(whole=True)
        self.zombies.clear()
        for _ in range(2000):
            ends = self._ends()
            for actor in self.actors:
                while actor.step() != "turned":
                    pass
            self.site.now += 100
            if all(actor.idle for actor in self.actors) and ends == self._ends():
                return
        raise Stuck(f"{[actor.name for actor in self.actors if not actor.idle]} did not come to rest")

    def _ends(self) -> list[int]:
        return [log.end(p) for log in self.site.logs.values() for p in range(log.partitions)]

    def _habits(self) -> Habits:
        random = self.random
        plan = Plan(
            partitions=PARTITIONS,
            bucket_ms=10_000,
            batch_size=7,
            commit_batches=random.choice(self.shape.commits),
            read_frames=random.choice((1, 3, 20)),
        )
        return Habits(
            plan,
            Policy(span=0, versions=random.choice((1, 2, 4))),
            join_frames=random.choice((1, 3, 10)),
            snapshot_ms=random.randrange(1, 2 * self.shape.snapshot_ms),
            keep=random.choice((2, 4, 8)),
            fold_frames=random.choice((2, 5, 20)),
            fold_snapshot_ms=random.randrange(1, 4 * self.shape.snapshot_ms),
        )

    def _actor(self, name: str, start: object) -> Actor:
        return Actor(name, start, self.counts)  # type: ignore[arg-type]

    def _note(self, step: int, what: str, kind: str) -> None:
        self.schedule.append(f"{step}: {what}")
        self.counts[kind] += 1
