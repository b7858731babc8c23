"""A guard in front of a learner, between the real joiner and the real trainer."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Literal

import pytest

from checkpoints.store import VersionStore
from learners.guard.rules import GuardRules
from learners.guard_terms import Terms
from learners.guarded_learner import GuardedLearner
from learners.plan import Plan, Trained
from learners.refusing import FOLD, Order
from learners.trainer import Trainer
from streams.decisions import Decision
from tests.learners.guarded_stream import APP, RULES, WEB, Bends, frames, keener, stuck, truly, wanted
from tests.learners.rate_learner import RateLearner
from tests.streams.join_runs import World

VISITS = 8_000
PLAN = Plan(partitions=1, bucket_ms=2_800, batch_size=400, commit_batches=2, until_end=True)
PATIENT = Terms(rules=GuardRules(hold=4, ask=32, warm=3, warm_clicks=100))


def guarded() -> GuardedLearner:
    return GuardedLearner(RateLearner, PATIENT)


class Town:
    """Events, a joiner and a trainer, until nothing is left to do."""

    def __init__(self, folder: Path, bends: Bends, *, visits: int = VISITS) -> None:
        self.world = World(frames(3, visits, bends), rules=RULES, batch=50)
        self.store = VersionStore(folder)
        self.learners: list[GuardedLearner] = []
        self.turns: list[Trained] = []
        self.start()

    def start(self) -> None:
        """A trainer that knows what stands in the store and in the logs."""
        self.trainer = Trainer(self.world.logs, self.store, self._fresh, plan=PLAN, clock=count(1).__next__)

    def _fresh(self) -> GuardedLearner:
        self.learners.append(guarded())
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


def test_a_sound_stream_is_learned_as_if_there_were_no_guard(tmp_path: Path) -> None:
    town = Town(tmp_path, truly).run()
    assert town.verdicts() == []
    assert town.learner.rows_learned == VISITS
    assert not town.world.decisions.fold.lines


def test_a_producer_that_tells_clicks_of_all_is_held_masked_and_forgotten(tmp_path: Path) -> None:
    town = Town(tmp_path, stuck(3200, 5600, WEB)).run()
    assert ("hold", WEB) in town.verdicts()
    assert APP not in {value for _, value in town.verdicts()}
    town.world.decisions.follow()
    entries = town.world.decisions.fold.masking().entries
    assert {entry.producer for entry in entries} == {WEB}
    assert town.learner.told()["held"] == []
    assert apart(town.learner) < 0.08
    lost = VISITS - town.learner.rows_learned
    assert 600 < lost < 900, "about 720 of 2,400 visits were of that producer"


def test_what_is_left_equals_a_log_that_was_masked_from_the_begin(tmp_path: Path) -> None:
    town = Town(tmp_path / "guarded", stuck(3200, 5600, WEB)).run()
    entries = town.world.decisions.fold.masking().entries
    told = Town(tmp_path / "told", stuck(3200, 5600, WEB))
    told.world.decisions.decide(Decision("mask", 1, "ana", "known", 0, add=entries))
    assert told.run().learner.live.digest() == town.learner.live.digest()


def test_restarts_within_holds_give_the_same_bytes(tmp_path: Path) -> None:
    once = Town(tmp_path / "once", stuck(3200, 5600, WEB)).run()
    often = Town(tmp_path / "often", stuck(3200, 5600, WEB)).run(restart_every=2)
    assert often.learner.digest() == once.learner.digest()
    assert often.world.decisions.fold.masking().entries == once.world.decisions.fold.masking().entries


def test_an_accepted_slice_is_learned(tmp_path: Path) -> None:
    town = Town(tmp_path, keener(3200, VISITS, WEB))
    town.world.decisions.decide(Decision("configure", 1, "ana", "first", 0, settings={"join": RULES.text}))
    order = Order("producer", WEB, "accept", 1)
    start = {0: 440}  # frames of ten visits: a while after the change
    town.world.decisions.decide(Decision("configure", 1, "ana", "true", 1, settings={FOLD: order.text}, start=start))
    town.run()
    assert town.verdicts() == [("hold", WEB), ("accept", WEB)]
    assert town.learner.rows_learned == VISITS
    assert not town.world.decisions.fold.masking().entries


@pytest.mark.parametrize("order", ["accept", "refuse"])
def test_an_order_without_a_hold_changes_nothing(order: Literal["accept", "refuse"], tmp_path: Path) -> None:
    town = Town(tmp_path, truly, visits=2_000)
    town.world.decisions.decide(Decision("configure", 1, "ana", "first", 0, settings={"join": RULES.text}))
    told = Order("producer", WEB, order, 1)
    town.world.decisions.decide(Decision("configure", 1, "ana", "x", 1, settings={FOLD: told.text}, start={0: 50}))
    assert town.run().learner.rows_learned == 2_000


def test_what_is_held_is_in_no_figure(tmp_path: Path) -> None:
    """Its rate would tell of the fault, not of the model."""
    town = Town(tmp_path, stuck(3200, VISITS, WEB))
    town.world.drain()
    while not any(one["seen"] >= 3 for one in (town.trainer.turn().guard or {"held": []})["held"]):
        pass
    calibration = town.trainer.report()["click"]["slices"]["producer=web"]["calibration"]
    assert 0.8 < calibration < 1.2, "with clicks that are stuck it falls below one half"
