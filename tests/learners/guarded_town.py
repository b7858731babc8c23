"""A joiner and a guarded trainer over a stream of visits, until nothing is left to do."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from checkpoints.store import VersionStore
from learners.guard.rules import GuardRules
from learners.guard_terms import Terms, Watch
from learners.guarded_learner import GuardedLearner
from learners.plan import Plan, Trained
from learners.trainer import Trainer
from streams.frames import encode_frame
from streams.rules import Rules
from tests.learners.guarded_stream import RULES, Bends, frames, wanted
from tests.learners.rate_learner import RateLearner
from tests.streams.join_runs import World

VISITS = 8_000
PLAN = Plan(partitions=1, bucket_ms=2_800, batch_size=400, commit_batches=2, until_end=True)


def terms_for(rules: Rules) -> Terms:
    (label,) = rules.labels
    watch = Watch(label.event, label.window, grace=rules.grace, fast=label.mode == "fast", announced=2_000)
    warm = (
        6 if watch.fast else 3
    )  # noes without yeses, as the first window of a fast label has them, are no usual level
    return Terms(rules=GuardRules(hold=4, ask=32, warm=warm, warm_clicks=100), watch=watch)


class Town:
    """Events, a joiner and a trainer, until nothing is left to do."""

    def __init__(
        self, folder: Path, bends: Bends, *, visits: int = VISITS, announcing: bool = False, rules: Rules = RULES
    ) -> None:
        self.world = World([], rules=rules, batch=50)
        told = frames(3, visits, bends, announcing=announcing)
        self.world.events.append(0, [encode_frame(frame) for frame in told], at=0)
        self.terms = terms_for(rules)
        self.store = VersionStore(folder)
        self.learners: list[GuardedLearner] = []
        self.turns: list[Trained] = []
        self.start()

    def start(self) -> None:
        """A trainer that knows what stands in the store and in the logs."""
        self.trainer = Trainer(self.world.logs, self.store, self._fresh, plan=PLAN, clock=count(1).__next__)

    def _fresh(self) -> GuardedLearner:
        self.learners.append(GuardedLearner(RateLearner, self.terms))
        return self.learners[-1]

    def run(self, *, restart_every: int = 0) -> Town:
        """Joiner and trainer by turns."""
        while True:
            self.world.drain()
            turn = self.trainer.turn()
            self.turns.append(turn)
            if restart_every and turn.committed and turn.committed.version % restart_every == 0:
                self.start()
            if turn.ended and not turn.restored:
                return self

    @property
    def learner(self) -> GuardedLearner:
        return self.learners[-1]

    def verdicts(self) -> list[tuple[str, str]]:
        """What the guard said, and of which producer."""
        changed = (one for turn in self.turns if turn.guard for one in turn.guard["changed"])
        return [(one["verdict"], one["value"]) for one in changed]


def apart(learner: GuardedLearner) -> float:
    """How far the learned rates are from the true ones, at most."""
    live = learner.live
    assert isinstance(live, RateLearner)
    return max(abs(live._rate(f"i{item}", "click") - wanted(item)) for item in range(12))


def of_kind(town: Town, verdict: str) -> list[tuple[str, str, int]]:
    """Producer, kind and batch of what the guard said."""
    changed = (one for turn in town.turns if turn.guard for one in turn.guard["changed"])
    return [(one["value"], one["kind"], one["first"]) for one in changed if one["verdict"] == verdict]
