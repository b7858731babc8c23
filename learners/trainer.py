"""The trainer: read, order, score, learn, commit, publish, as a loop that yields what it did.

What is learned is a fold of the examples in force and of nothing else; the clock says only which batch ends become
versions. The model comes in as `fresh`. Nothing here sleeps, logs, counts for telemetry or knows torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from checkpoints.manifest import Manifest, TrainerPosition
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from learners.evaluation import Evaluation
from learners.learner import Learned, Learner
from learners.ordering import Batch, Ordering
from learners.plan import Plan, Trained, gate
from learners.progressive import evaluate
from learners.resuming import beginning, newest_valid
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import Decision, DecisionLog
from streams.log import Logs
from streams.mask import Masking

EXAMPLES = "examples"
LEARNED, SERVING, EVALUATION = "learned", "serving", "evaluation.npz"
Effect = Literal["adopted", "read", "learned", "reserved", "committed", "published"]


def train(
    logs: Logs, store: VersionStore | None, fresh: Callable[[], Learner], *, plan: Plan, clock: Callable[[], int]
) -> Iterator[Trained]:
    """Learn from the examples in force, for ever or to their end, one report a turn. One turn:

    1. adopt new decisions: keep what is valid, else restore the newest valid version, else begin anew;
    2. read the partition that holds the others back, and order;
    3. score the batch with what was learned before it;
    4. learn it;
    5. advance the positions, in memory only;
    6. when due, commit what was learned and the positions together, with the gate's verdict;
    7. publish that version, unless it failed or publishing is paused.

    A death between any two leaves the newest version and the log, from which the same bytes come again. A partition
    that stands still holds all the others back: that is the price of one order, and no time-out may buy it off.
    """
    trainer = Trainer(logs, store, fresh, plan=plan, clock=clock)
    while True:
        report = trainer.turn()
        yield report
        if report.ended:
            return


@dataclass(slots=True)
class _State:
    """What the fold is at a batch end, beside the learner itself; `version` is the last one of this line."""

    learner: Learner
    evaluation: Evaluation
    ordering: Ordering
    examples: int
    steps: int
    version: int | None


@dataclass(slots=True)
class _Since:
    """What happened since the last commit."""

    at: int
    batches: int = 0
    rows: int = 0
    finite: bool = False


class Trainer:
    """One turn of `train` at a time; without a store nothing is kept, and nothing gone back to."""

    def __init__(
        self,
        logs: Logs,
        store: VersionStore | None,
        fresh: Callable[[], Learner],
        *,
        plan: Plan,
        clock: Callable[[], int],
    ) -> None:
        self._examples = logs.open(EXAMPLES, plan.partitions)
        self._decisions = DecisionLog(logs.open(DECISIONS, 1))
        self._store, self._fresh, self._plan, self._clock = store, fresh, plan, clock
        self._registry = Registry()
        self._adopted = 0
        self._mask: Masking | None = None
        self._state: _State | None = None
        self._since = _Since(clock())
        self.done = Trained(True, 0, 0, 0, 0, {})

    def turn(self) -> Trained:
        """One turn; its effects are numbered in `train`."""
        for _ in self.effects():
            pass
        return self.done

    def effects(self) -> Iterator[Effect]:
        """One turn that stops after each effect; when it ends, `done` is of that turn."""
        state, restored = self._adopt()
        yield "adopted"
        batch, read = self._next(state.ordering)
        yield "read"
        learned = None
        if batch:
            learned = self._learn(state, batch)
            yield "learned"
        ended = batch is None and not read and self._plan.until_end
        committed, published = None, False
        if self._store and self._due(ended=ended):
            version = self._store.reserve()
            yield "reserved"
            committed = self._commit(state, self._store, version)
            yield "committed"
            published = self._publish(committed)
            yield "published"
        self.done = Trained(
            idle=batch is None and not read,
            rows=len(batch.examples) if batch else 0,
            examples=state.examples,
            steps=state.steps,
            watermark=state.ordering.watermark,
            input={p: at.input for p, at in state.ordering.positions.items()},
            learned=learned,
            restored=restored,
            committed=committed,
            published=published,
            ended=ended,
        )

    def report(self) -> dict[str, dict[str, Any]]:
        """The progressive figures by label."""
        return self._state.evaluation.report() if self._state else {}

    @property
    def impressions(self) -> int:
        """Examples whose first label was learned."""
        return self._state.evaluation.impressions if self._state else 0

    def _adopt(self) -> tuple[_State, int | None]:
        """Follow the decisions. Where the mask changed, readers go to their positions and buffers are forgotten, also
        in partitions that it does not touch; what was learned is kept only if it is what the new mask gives."""
        self._decisions.follow()
        fold = self._decisions.fold
        self._registry.follow(fold)
        state, restored = self._state, None
        if state is None or fold.masking() is not self._mask:
            positions = {} if state is None else state.ordering.positions
            if state is not None and fold.valid(self._adopted, {p: at.input for p, at in positions.items()}):
                state.ordering = self._ordered(positions)
            else:
                state, restored = self._restored()
        self._adopted, self._mask, self._state = fold.position, fold.masking(), state
        return state, restored

    def _restored(self) -> tuple[_State, int]:
        """The newest valid version as a state, or nothing learned."""
        fold, plan, found = self._decisions.fold, self._plan, None
        if self._store is not None:
            found = newest_valid(self._store, fold, partitions=plan.partitions, config=plan.config)
        learner = self._fresh()
        evaluation = Evaluation(learner.labels, exact=plan.exact_rows)
        self._since = _Since(self._clock())
        if found is None:
            return _State(learner, evaluation, self._ordered(beginning(self._examples)), 0, 0, None), 0
        manifest, folder = found
        learner.restore(folder / LEARNED)
        with np.load(folder / EVALUATION, allow_pickle=False) as arrays:
            evaluation.load(dict(arrays))
        ordering = self._ordered(manifest.positions)
        return _State(learner, evaluation, ordering, manifest.examples, manifest.steps, manifest.version), (
            manifest.version
        )

    def _ordered(self, positions: dict[int, TrainerPosition]) -> Ordering:
        plan = self._plan
        return Ordering(positions, self._decisions.fold, bucket_ms=plan.bucket_ms, size=plan.batch_size)

    def _next(self, ordering: Ordering) -> tuple[Batch | None, int]:
        """A batch, if one is complete, and how many records were read for it."""
        if batch := ordering.cut():
            return batch, 0
        partition, offset = ordering.wanted()
        records = self._examples.read(partition, offset, self._plan.read_frames)
        ordering.feed(partition, records)
        return (ordering.cut() if records else None), len(records)

    def _learn(self, state: _State, batch: Batch) -> Learned:
        scores = state.learner.score(batch)
        evaluate(state.evaluation, batch, scores)
        learned = state.learner.learn(batch)
        state.ordering.advance(batch)
        state.examples += len(batch.examples)
        state.steps += 1
        self._since.batches += 1
        self._since.rows += len(batch.examples)
        self._since.finite |= bool((np.isfinite(scores.probability_BL) | ~scores.decided_BL).all())
        return learned

    def _due(self, *, ended: bool) -> bool:
        since, plan = self._since, self._plan
        if not since.batches:
            return False
        if ended:
            return True
        if plan.commit_batches:
            return since.batches >= plan.commit_batches
        return self._clock() - since.at >= plan.commit_ms

    def _commit(self, state: _State, store: VersionStore, version: int) -> Manifest:
        """Learned state, serving files, figures and positions in one version."""
        verdict, reason = gate(state.learner.rows_learned, finite=self._since.finite)
        draft = Manifest(
            version,
            state.version,
            self._adopted,
            state.ordering.positions,
            examples=state.examples,
            steps=state.steps,
            config=self._plan.config,
            digest=state.learner.digest(),
            verdict=verdict,
            reason=reason,
            created_at=self._clock(),
            metrics=state.evaluation.report(),
            schema={"labels": list(state.learner.labels)},
        )
        state.evaluation.mark()
        manifest = store.commit(version, lambda folder: _write(folder, version, state), draft)
        state.version = version
        self._since = _Since(self._clock())
        return manifest

    def _publish(self, manifest: Manifest) -> bool:
        if not self._plan.publish or manifest.verdict != "pass" or not self._registry.takes(manifest.input):
            return False
        line = Decision(
            "publish",
            at=self._clock(),
            who="trainer",
            why=manifest.reason,
            seen=self._decisions.fold.position,
            version=manifest.version,
            mask_position=manifest.decisions,
            input=manifest.input,
        )
        return self._decisions.decide(line)[1]


def _write(folder: Path, version: int, state: _State) -> None:
    for name in (LEARNED, SERVING):
        (folder / name).mkdir()
    state.learner.snapshot(folder / LEARNED)
    state.learner.export(folder / SERVING, version=version)
    np.savez(folder / EVALUATION, allow_pickle=False, **state.evaluation.state())
