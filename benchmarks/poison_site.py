"""Headrace in one process over a log in memory, with a clock that is moved by hand: sequencer, joiner, trainer, version
store, follower, a server's folds and its recommender, each the one that a process of its own would run.

Nothing here waits, and nothing runs between two calls: `turn` lets each part in the order of a click do all that there
is to do. What people do is in `poison_world.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from checkpoints.manifest import Manifest
from checkpoints.quarantine import Order
from checkpoints.vectors import MemoryVectors
from headrace.deployment import fold_rules_of, rules_of, version_store
from headrace.operations import Operator
from headrace.process_terms import learner_of, plan_of, policy_of
from headrace.settings import Settings
from headrace.way_back import RolledBack, roll_back
from learners.trainer import Trainer
from serving.answers import Ask, Recommendation, slate_of
from serving.build import InlineBuilder
from serving.digests import FOLDS, digest_of_fold
from serving.folding import fold
from serving.follower import follow
from serving.known import Known
from serving.live import BundleKeeper, Live
from serving.recommend import Recommender
from serving.scorer import Scorer
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.digest import digest_of_examples
from streams.intake import Intake
from streams.log import MemoryLogs
from streams.poll_joiner import join, to_the_end
from streams.request_ids import mint
from streams.sequencer import sequence

Digests = dict[str, str]


@dataclass
class Clock:
    """Stands until it is moved."""

    now: int

    def __call__(self) -> int:
        return self.now


class Site:
    """A deployment under `settings.var`; its versions and snapshots are files, its log is not."""

    def __init__(self, settings: Settings, clock: Clock, *, seed: int) -> None:
        self.settings, self.clock, self.logs = settings, clock, MemoryLogs()
        self.watch: Callable[[Trainer], None] | None = None
        """Told after each turn of the trainer."""
        self.store = version_store(settings)
        self._chance = Random(seed)
        partitions, var = settings.partitions, settings.var
        self._intake = Intake(self.logs, partitions=partitions, clock=clock)
        self._sequencer = sequence(self.logs, partitions=partitions, clock=clock, clock_ahead=0)
        self._joiner = join(
            self.logs,
            partitions=partitions,
            rules=rules_of(settings),
            folder=var / "join",
            snapshots=var / "snapshots",
            clock=clock,
            snapshot_ms=settings.join.snapshot_every,
        )
        self.trainer = Trainer(self.logs, self.store, learner_of(settings), plan=plan_of(settings), clock=clock)
        self._serve(var, settings)

    def _serve(self, var: Path, settings: Settings) -> None:
        self._follower = follow(
            self._decisions(),
            store=self.store,
            generations=var / "generations",
            vectors=MemoryVectors(),
            builder=InlineBuilder(Scorer.open),
            open_export=Scorer.open,
            clock=self.clock,
            keep=settings.follower.keep,
        )
        self.live = Live()
        self._keeper = BundleKeeper(self._decisions(), var / "generations", self.live, open_scorer=Scorer.open)
        self._known = Known(partitions=settings.partitions, rules=fold_rules_of(settings))
        every, folder = settings.serving.snapshot_every, var / "snapshots" / "serve"
        self._folds = fold(self.logs, self._known, folder=folder, clock=self.clock, snapshot_every=every, limit=1_000)
        self._recommender = Recommender(self._known, self.live, policy_of(settings))

    def turn(self) -> None:
        """Everything that was posted is in the order, joined, learned, published, indexed and folded."""
        while next(self._sequencer).events:
            pass
        for _ in to_the_end(self._joiner, self.settings.partitions):
            pass
        while True:
            self.trainer.turn()
            if self.watch is not None:
                self.watch(self.trainer)
            if self.trainer.done.idle:
                break
        while not next(self._follower).idle:
            pass
        while not self._keeper.turn().idle:
            pass
        while not next(self._folds).idle:
            pass

    def answer(self, ask: Ask) -> dict[str, Any]:
        """A list, which is in the log before it is told; in the form of the API."""
        chance = self._chance.randbytes(8)
        given = self._given(ask, chance, keep=True)
        request_id = mint(ask.at, given.version, chance)
        self._intake.append(slate_of(ask, given, request_id))
        items = [{"item_id": one.item_id, "position": one.position} for one in given.items]
        return {"request_id": request_id, "version": given.version, "items": items}

    def imagine(self, ask: Ask) -> Recommendation:
        """What would be answered; nothing remembers it."""
        return self._given(ask, b"", keep=False)

    def post(self, events: Sequence[dict[str, Any]]) -> None:
        """Events as a client posts them; each must be right."""
        for outcome in self._intake.take([msgspec.json.encode(event) for event in events]):
            if not outcome.accepted:
                raise RuntimeError(f"{outcome.event_id} was refused: {outcome.field} {outcome.reason}")

    def roll_back(self, order: Order, *, why: str, ripple: bool) -> RolledBack:
        """An operator's one command, now."""
        return roll_back(
            "last-good",
            store=self.store,
            decisions=self._decisions(),
            operator=Operator("benchmark", why, self.clock.now),
            events=self.logs.open("events", self.settings.partitions),
            orders=(order,),
            ripple=ripple,
            then="replay",
            ahead=0,
        )

    def digests(self) -> Digests:
        """What each fold holds; to be asked when a turn after the last batch has committed."""
        examples = self.logs.open("examples", self.settings.partitions)
        newest = max(self.manifests(), key=lambda one: one.version)
        told = {"rows": digest_of_examples(examples, self.decided().fold), "weights": newest.digest}
        return told | {name: digest_of_fold(self._known.parts, name) for name in FOLDS}

    def manifests(self) -> list[Manifest]:
        return self.store.manifests()

    def decided(self) -> DecisionLog:
        """The decisions as they stand."""
        decisions = self._decisions()
        decisions.follow()
        return decisions

    def close(self) -> None:
        """Let go of the files."""
        parts: list[Iterator[object]] = [self._joiner, self._follower, self._folds, self._sequencer]
        for part in parts:
            if isinstance(part, Generator):
                part.close()

    def _given(self, ask: Ask, chance: bytes, *, keep: bool) -> Recommendation:
        given = self._recommender.recommend(ask, chance=chance, elapsed=lambda: 0.0, keep=keep)
        if given.trouble:
            raise RuntimeError(f"{ask.user_id} at {ask.at}: {'; '.join(given.trouble)}")
        return given

    def _decisions(self) -> DecisionLog:
        return DecisionLog(self.logs.open(DECISIONS, 1))
