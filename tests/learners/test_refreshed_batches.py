"""Copies beside a trainer: made as versions are, asked before each batch is learned, and of no effect on it."""

from __future__ import annotations

import random

from learners.backtest import ReplayedLog, ReplayedLogs, to_the_end
from learners.guarded_learner import GuardedLearner
from learners.learner import Learner
from learners.ordering import Batch, Example
from learners.plan import Plan
from learners.progressive import foreseen
from learners.refreshed_batches import RefreshedBatches
from learners.refreshing import HOUR_MS, Refresh
from learners.trainer import Trainer
from streams.examples import Row
from tests.learners.frames import frames_of, rows_of
from tests.learners.rate_learner import RateLearner

CADENCES = [Refresh.of(name) for name in ("never", "1h", "online")]
PLAN = to_the_end(Plan(partitions=1, bucket_ms=500, batch_size=16))


def batch(hour: float, *, flipped: bool = False, rows: int = 20) -> Batch:
    """Two items, of which one is chosen; `flipped` it is the other one."""
    made = []
    for n in range(rows):
        labels = {"click": float((n % 2 == 0) ^ flipped)}
        row = Row(n, int(hour * HOUR_MS), "label", f"{hour}/{n}", labels, item_id=f"i{n % 2}")
        made.append(Example(row, None, None, 0))
    return Batch(tuple(made), 0)


def gone_through(watch: RefreshedBatches, learner: Learner, batches: list[Batch]) -> None:
    for one in batches:
        watch.meet(learner, one)
        told = foreseen(one, learner.score(one))
        learner.learn(one)
        watch.learned(told)


def test_after_a_shift_the_fresher_copy_is_the_better_one() -> None:
    watch = RefreshedBatches(RateLearner, CADENCES, first_ms=2 * HOUR_MS)
    gone_through(watch, RateLearner(), [batch(n / 6, flipped=n >= 15) for n in range(30)])
    report = watch.report()["click"]
    never, hour, online = [one["ne"] for one in report["cadences"]]
    assert never > hour > online
    assert report["rows"] == 20 * 18
    assert watch.copies == 3


def test_a_copy_says_what_the_learner_said_when_it_was_taken() -> None:
    learner, watch = RateLearner(), RefreshedBatches(RateLearner, CADENCES[:1], first_ms=0)
    learner.learn(batch(0))
    gone_through(watch, learner, [batch(n, flipped=True) for n in range(1, 6)])
    (never,) = watch.report()["click"]["cadences"]
    assert never["auc"] == 0.0
    assert learner.score(batch(6)).probability_BL[0, 0] < 0.5


def test_the_copies_of_a_guarded_learner_are_of_its_live_one() -> None:
    made: list[RateLearner] = []

    def fresh() -> Learner:
        made.append(RateLearner())
        return made[-1]

    watch = RefreshedBatches(lambda: GuardedLearner(fresh), CADENCES, first_ms=0)
    gone_through(watch, GuardedLearner(fresh), [batch(n) for n in range(3)])
    assert (watch.copies, watch.report()["click"]["rows"]) == (3, 60)


def run(watch: RefreshedBatches | None) -> Trainer:
    frames = ((0, frame) for frame in frames_of(rows_of(3, 0, 300), random.Random(3)))
    trainer = Trainer(
        ReplayedLogs(ReplayedLog(frames, partitions=1, bucket_ms=500)), None, RateLearner, plan=PLAN, clock=lambda: 0
    )
    trainer.watch = watch
    while not trainer.turn().ended:
        pass
    return trainer


def test_a_trainer_that_is_watched_tells_the_same_figures_and_copies_meet_the_rows_that_count() -> None:
    watch = RefreshedBatches(RateLearner, CADENCES, first_ms=0)
    alone, watched = run(None), run(watch)
    assert watched.report() == alone.report()
    assert watch.report()["click"]["rows"] == alone.report()["click"]["n"]
