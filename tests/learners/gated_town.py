"""A trainer of the default model over a small world, a version every few batches, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import msgspec
import numpy as np

from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from learners.gate import Limits
from learners.guarded_learner import live_of
from learners.learner import Learner
from learners.named_learners import make_learner
from learners.ordering import Example
from learners.plan import Plan, Trained
from learners.trainer import Trainer
from streams.decisions import DecisionLog
from streams.examples import ExampleFrame, Row, encode
from streams.log import MemoryLogs
from tests.learners.hidden_world import HiddenWorld, Page

ITEMS, PAGE = 60, 8
LIMITS = Limits(every=2, rows=200, young=1_000)
PLAN = Plan(partitions=1, bucket_ms=400, batch_size=400, commit_batches=4, largest_copy=32 << 20, gate=LIMITS)


def fresh() -> Learner:
    return make_learner(labels=("click",), context=(), seed=5)


class Town:
    """`play` puts pages into the log and has the trainer learn them; `bend` changes rows on their way."""

    def __init__(self, folder: Path, make: Callable[[], Learner] = fresh, plan: Plan = PLAN) -> None:
        self.world = HiddenWorld(users=60, items=ITEMS, tags=12, seed=3)
        self.random = np.random.default_rng(3)
        self.logs, self.store = MemoryLogs(), VersionStore(folder)
        self._frames, self._sequence = 0, 0
        self.turns: list[Trained] = []
        self.clock = count(1).__next__
        self.trainer = Trainer(self.logs, self.store, make, plan=plan, clock=self.clock)

    def play(self, pages: int, bend: Callable[[Example], Example] = lambda one: one) -> list[Manifest]:
        """The versions that were committed meanwhile."""
        log = self.logs.open("examples", 1)
        for _ in range(pages):
            page = Page(int(self.random.integers(60)), self.random.choice(ITEMS, PAGE, replace=False).tolist())
            log.append(0, [encode(self._frame([bend(one) for one in self.world.examples(page)]))], at=0)
        first = len(self.turns)
        while True:
            self.turns.append(self.trainer.turn())
            if self.turns[-1].idle:
                return [turn.committed for turn in self.turns[first:] if turn.committed]

    @property
    def live(self) -> Learner:
        """The model, without a guard."""
        assert self.trainer._state is not None
        return live_of(self.trainer._state.learner)

    @property
    def registry(self) -> Registry:
        decisions = DecisionLog(self.logs.open("decisions", 1))
        decisions.follow()
        return Registry.of(decisions.fold)

    def _frame(self, examples: list[Example]) -> ExampleFrame:
        rows = []
        for at, one in enumerate(examples):
            rows.append(msgspec.structs.replace(one.row, sequence=self._sequence, shot=0, attributes=at, input=0))
            self._sequence += 1
        self._frames += 1
        shots = tuple(one.shot for one in examples[:1] if one.shot is not None)
        items = tuple(one.attributes for one in examples if one.attributes is not None)
        n, now = self._frames, self.world.now
        return ExampleFrame("", n - 1, n - 2, now, "", tuple(rows), shots, items)


def flipped(one: Example) -> Example:
    """A click where there was none, and the other way round."""
    return Example(_labelled(one, 1.0 - one.row.labels["click"]), one.shot, one.attributes, one.partition)


def lost(one: Example) -> Example:
    """No click arrives."""
    return Example(_labelled(one, 0.0), one.shot, one.attributes, one.partition)


def _labelled(one: Example, value: float) -> Row:
    return msgspec.structs.replace(one.row, labels={"click": value})


def measures(manifest: Manifest) -> dict[str, dict[str, object]]:
    """The measures of a version by name."""
    return {one["name"]: one for one in manifest.gate["measures"]}
