"""The trainer: read, order, score, learn, commit, publish, as a loop that yields what it did.

What is learned is a fold of the examples in force and of nothing else; the clock says only which batch ends become
versions. The model comes in as `fresh` or `make`. Nothing here sleeps, logs, counts for telemetry or knows torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from checkpoints.errors import PlaceError
from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from learners.committing import Committed, Since
from learners.deciding import decided
from learners.guarded_learner import live_of
from learners.judged_rows import mended
from learners.learned_state import Make, State, States
from learners.learner import Learned, Learner
from learners.ordering import Batch, Ordering
from learners.plan import Plan, Trained
from learners.progressive import Watches, evaluate, foreseen
from learners.refusing import Refuses, held_of, orders_at
from learners.retrieval_figures import told_in
from learners.riding_along import reported
from learners.versioning import Lines, Versions
from learners.writing import Writer
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.log import Logs
from streams.mask import Masking

EXAMPLES = "examples"
Effect = Literal["adopted", "read", "learned", "masked", "reserved", "taken", "committed", "published"]


def train(
    logs: Logs,
    store: VersionStore | None,
    fresh: Callable[[], Learner],
    *,
    plan: Plan,
    clock: Callable[[], int],
    make: Make | None = None,
    writer: Writer[Committed] | None = None,
) -> Iterator[Trained]:
    """Learn from the examples in force, for ever or to their end, one report a turn. One turn:

    1. adopt new decisions: keep what is valid, else restore the newest valid version, else begin anew;
    2. read the partition that holds the others back, and order; nothing where other settings hold from here on;
    3. score the batch with what was learned before it, and search for some of its clicks;
    4. learn it, and take into the figures what of it was learned; one that is not finite is counted as refused;
    5. advance the positions, in memory only;
    6. say what the guard accepted, and mask what it gave up on, in one line: this state is no longer valid then, so 7
       and 8 are left out;
    7. when due, take out what was learned and the positions together, with the gate's verdict, for `writer` to commit
       (`committing.py` numbers its effects); learning goes on, a version that is due meanwhile comes later;
    8. once that version is committed, publish it, unless the gate holds it or publishing is paused;
    9. go over to the other settings, in memory only: due or not, 7 and 8 came before.

    A death between any two leaves the newest version and the log, from which the same bytes come again. A partition
    that stands still holds all the others back: the price of one order, which no time-out may buy off.
    """
    trainer = Trainer(logs, store, fresh, plan=plan, clock=clock, make=make, writer=writer)
    while True:
        report = trainer.turn()
        yield report
        if report.ended:
            return


class Trainer:
    """One turn of `train` at a time; without a store nothing is kept, and nothing gone back to.

    `make` makes learners of the settings that the decisions hold; where it is not given or they hold none, the learner
    is `fresh` and batches are those of the plan.
    """

    def __init__(
        self,
        logs: Logs,
        store: VersionStore | None,
        fresh: Callable[[], Learner],
        *,
        plan: Plan,
        clock: Callable[[], int],
        make: Make | None = None,
        writer: Writer[Committed] | None = None,
    ) -> None:
        self._examples = logs.open(EXAMPLES, plan.partitions)
        self._decisions = DecisionLog(logs.open(DECISIONS, 1))
        self._store, self._plan, self._clock = store, plan, clock
        self._states = States(self._decisions.fold, store, fresh, plan, make)
        self._registry = Registry()
        self._adopted = 0
        self._mask: Masking | None = None
        self._state: State | None = None
        lines = Lines(self._decisions, self._registry)
        self._versions = Versions(store, lines, plan=plan, clock=clock, writer=writer)
        self.watch: Watches | None = None
        """Who else is to see each batch; set before the first turn."""
        self.done = Trained(True, 0, 0, 0, 0, {}, {})

    def turn(self) -> Trained:
        """One turn; its effects are numbered in `train`."""
        for _ in self.effects():
            pass
        return self.done

    def effects(self) -> Iterator[Effect]:
        """One turn that stops after each effect; when it ends, `done` is of that turn."""
        versions = self._versions
        versions.begin()
        try:
            state, restored = self._adopt()
        except PlaceError as error:  # nothing was gone back to: the next turn tries again
            self.done = Trained(True, 0, 0, 0, 0, {}, {}, warning=str(error))
            return
        yield "adopted"
        wanted = self._states.wanted(state.input)
        turning = wanted != state.settings
        batch, read = (None, 0) if turning else self._next(state.ordering)
        yield "read"
        learned = None
        if batch:
            learned = self._learn(state, batch)
            yield "learned"
        if masked := self._refuse(state):
            yield "masked"
        idle = batch is None and not read and not turning
        ended = idle and self._plan.until_end
        if not masked:
            config, ending = self._states.config(state.settings), ended or turning
            yield from versions.effects(state, adopted=self._adopted, config=config, idle=idle, ending=ending)
        if turning:
            self._state = state = self._states.turned(state, wanted)
            versions.since = Since(self._clock())
        damaged, done = state.damaged if restored is not None else (), self._done(state, batch, learned)
        self.done = replace(done, idle=idle, masked=masked, restored=restored, damaged=damaged, ended=ended)

    def _done(self, state: State, batch: Batch | None, learned: Learned | None) -> Trained:
        """What the turn did with a batch, and what of it was committed."""
        versions, committed = self._versions, self._versions.committed
        return Trained(
            idle=False,
            rows=len(batch.examples) if batch else 0,
            examples=state.examples,
            steps=state.steps,
            watermark=state.ordering.watermark,
            input=state.input,
            reached=state.ordering.reached,
            learned=learned,
            refused=len(batch.examples) if batch and learned and not learned.finite else 0,
            guard=state.learner.told() if batch and isinstance(state.learner, Refuses) else None,
            committed=committed,
            **reported(state.riding, batch is not None, committed is not None),
            skew=_told(committed, "differing"),
            skew_gap=_told(committed, "mean_gap"),
            retrieval=told_in(committed.metrics) if committed else None,
            published=versions.published,
            warning=versions.warning,
            held=versions.held,
            rehearsed=state.rehearsal.told() if committed and state.rehearsal else None,
        )

    def report(self) -> dict[str, dict[str, Any]]:
        """The progressive figures by label."""
        return self._state.report() if self._state else {}

    @property
    def impressions(self) -> int:
        """Examples whose first label was learned."""
        return self._state.evaluation.impressions if self._state else 0

    def _adopt(self) -> tuple[State, int | None]:
        """Follow the decisions. Where the mask changed, readers go to their positions and buffers are forgotten, also
        in partitions that it does not touch; what was learned is kept only if it is what the new mask gives."""
        self._decisions.follow()
        fold = self._decisions.fold
        self._registry.follow(fold)
        state, restored = self._state, None
        if state is None or fold.masking() is not self._mask:
            if state is not None and fold.valid(self._adopted, state.input):
                self._states.reread(state)
            else:
                self._versions.settle(state)
                state = self._states.newest(self._examples)
                restored = state.version or 0
        self._adopted, self._mask, self._state = fold.position, fold.masking(), state
        return state, restored

    def _refuse(self, state: State) -> int:
        """Tell what the guard accepted; how many entries the mask got for what it gave up on. Where none is possible,
        that is not learned."""
        learner = state.learner
        if not isinstance(learner, Refuses) or not (learner.returned or learner.accepted):
            return 0
        decisions = self._decisions if self._store and self._plan.publish else None
        return decided(learner, decisions, sorted(state.input), self._clock)

    def _next(self, ordering: Ordering) -> tuple[Batch | None, int]:
        """A batch, if one is complete, and how many records were read for it."""
        if batch := ordering.cut():
            return batch, 0
        partition, offset = ordering.wanted()
        records = self._examples.read(partition, offset, self._plan.read_frames)
        if records and records[0].offset > offset:
            self._state = None  # retention took what lies between: a version that it kept has learned more
            return None, len(records)
        ordering.feed(partition, records)
        return (ordering.cut() if records else None), len(records)

    def _learn(self, state: State, batch: Batch) -> Learned:
        if self._mask is not None and isinstance(state.learner, Refuses):
            state.learner.order(orders_at(self._mask, state.input))
        if self.watch is not None:
            self.watch.meet(state.learner, batch)
        look = state.evaluation.retrieval.look(state.learner, batch)
        scores = state.learner.score(batch)
        told = foreseen(batch, scores, look)
        learned = state.learner.learn(batch)
        if learned.finite:
            told = told.without(held_B := held_of(state.learner))
            evaluate(state.evaluation, told)
            if self.watch is not None:
                self.watch.learned(told)
            if state.riding is not None:
                state.riding.see(batch, mended(scores, held_B), live_of(state.learner))
            if state.rehearsal is not None:
                state.rehearsal.see(batch, mended(scores, held_B))
        counts = state.ordering.advance(batch)
        if isinstance(state.learner, Refuses):
            state.learner.count(counts)
        state.examples += len(batch.examples)
        state.steps += 1
        self._versions.since.batches += 1
        self._versions.since.rows += len(batch.examples)
        self._versions.since.finite |= bool((np.isfinite(scores.probability_BL) | ~scores.decided_BL).all())
        return learned


def _told(committed: Manifest | None, figure: str) -> dict[str, float] | None:
    """One figure of the skew by feature; None where nothing was compared."""
    told = committed.skew if committed else {}
    return {name: gap[figure] for name, gap in told.items() if figure in gap} or None
