"""From what was learned to a version, and from a version to who serves: when it is due, the gate, the line.

A version comes about in two halves. `take` copies, on the trainer's thread, what changed since the version before, and
learning goes on; `commit` writes that, on any one thread, and touches nothing that learns:

    1. digest and figures are worked out; 2. a number is reserved; 3. files and manifest (`VersionStore.commit`).

The line that lets it serve (`publish`) is the trainer's again, after 3. The clock says only which batch ends become
versions. Nothing here learns.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from learners.evaluation import Evaluation
from learners.gathering import Aside, Deltas, Taken, ahead_of, all_ahead, gathered
from learners.gating import Gated, before, opened, verdict
from learners.guarded_learner import live_of
from learners.learned_state import EVALUATION, LEARNED, SERVING, State
from learners.live_copies import Copy, stage_of
from learners.plan import Plan
from learners.refusing import Refuses
from learners.skew import Compares
from streams.decisions import Decision, DecisionLog
from streams.positions import Positions


@dataclass(slots=True)
class Since:
    """What happened since the last commit."""

    at: int
    batches: int = 0
    rows: int = 0
    finite: bool = False

    def due(self, plan: Plan, now: int) -> bool:
        """Whether it is time for a version.

        >>> Since(0).due(Plan(), 9_999), Since(0, batches=1).due(Plan(), 9_999), Since(0, batches=1).due(Plan(), 9)
        (False, True, False)
        """
        if not self.batches:
            return False
        return self.batches >= plan.commit_batches if plan.commit_batches else now - self.at >= plan.commit_ms


@dataclass(frozen=True, slots=True)
class Draft:
    """A version to be: nothing of it is the learner's. `aside` has the files that were written at once, `reached` is
    what it has taken in."""

    state: State
    manifest: Manifest
    learned: Taken
    evaluation: Evaluation
    riding: dict[str, dict[str, Any]]
    """By label, what the report says of challengers."""
    aside: Aside
    reached: Positions
    gated: Gated
    challengers: Callable[[Path], None] | None
    """What writes them."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A version, what it was made of, and how many versions it stands on, itself among them."""

    manifest: Manifest
    draft: Draft
    links: int
    copy: Copy | None = None
    """What serves, opened to be compared with."""

    def settle(self) -> Manifest:
        """From now on the state stands on this version."""
        state = self.draft.state
        state.version, state.mark, state.links = self.manifest.version, self.draft.learned.mark, self.links
        if self.copy is not None and (rehearsal := self.draft.gated.rehearsal) is not None:
            rehearsal.opened(self.copy)
        return self.manifest


def brings_files(state: State, plan: Plan) -> bool:
    """Whether its versions have serving files in them, since nobody else can make these."""
    return not plan.chain or not isinstance(state.learner, Deltas)


def ready(state: State, plan: Plan) -> bool:
    """Whether `take` will be short. Where it would have to copy much, each call copies a little ahead."""
    if brings_files(state, plan):
        return True
    riding = None if state.riding is None else state.riding.ahead()
    step = all_ahead((ahead_of(state.learner, _since(state, plan)), riding))
    return step is None or step()


def take(
    state: State,
    plan: Plan,
    *,
    version: int = 0,
    decisions: int,
    config: str,
    finite: bool,
    at: int,
    live: int | None = None,
) -> Draft:
    """What a version is to hold: learned state, figures and positions, copied. Where chains are allowed it stands on
    the version before, while its chain is short enough, and whoever serves derives its serving files; else it is whole,
    needs its number, and brings them along."""
    now = stage_of(state.examples, state.ordering.positions)
    gated = before(live_of(state.learner), state.rehearsal, plan.gate, live=live, now=now, scores=finite)
    aside = Aside()
    if brings_files(state, plan):
        (aside.folder / SERVING).mkdir()
        state.learner.export(aside.folder / SERVING, version=version)
    learned = gathered(state.learner, _since(state, plan))
    draft = Manifest(
        version,
        state.version,
        decisions,
        state.ordering.positions,
        examples=state.examples,
        steps=state.steps,
        config=config,
        created_at=at,
        schema=_schema(state),
        schema_diff=state.changed,
        skew=state.learner.skew.report() if isinstance(state.learner, Compares) else {},
        guard=state.learner.told() if isinstance(state.learner, Refuses) else {},
        base=None if learned.whole else state.version,
    )
    riding = state.riding_report()
    evaluation = _figures(state)
    challengers = None if state.riding is None else state.riding.held()
    state.changed, state.before = {}, None
    return Draft(state, draft, learned, evaluation, riding, aside, state.ordering.reached, gated, challengers)


def commit(draft: Draft, store: VersionStore) -> Committed:
    """The version, written; its effects are numbered above."""
    found, why, gate = verdict(draft.gated, draft.learned, store)
    told = msgspec.structs.replace(
        draft.manifest, digest=draft.learned.digest(), metrics=_report(draft), verdict=found, reason=why, gate=gate
    )
    version = told.version or store.reserve()
    manifest = store.commit(version, lambda folder: _write(folder, draft), told)
    return Committed(manifest, draft, len(store.links(version)), opened(draft.gated, store, LEARNED))


def publish(
    manifest: Manifest, reached: Positions, decisions: DecisionLog, registry: Registry, clock: Callable[[], int]
) -> bool:
    """Let a version that has taken in the events before `reached` serve, unless it failed or publishing is paused;
    whether the line holds."""
    if manifest.verdict != "pass" or not registry.takes(reached):
        return False
    line = _line("publish", manifest, decisions, clock())
    return decisions.decide(msgspec.structs.replace(line, until=reached if registry.until else None))[1]


def hold(manifest: Manifest, decisions: DecisionLog, clock: Callable[[], int]) -> str:
    """Say of a version that did not pass that it does not serve; why, or nothing where it passed."""
    if manifest.verdict == "pass":
        return ""
    decisions.decide(_line("hold", manifest, decisions, clock()))
    return f"version {manifest.version} is held: {manifest.reason}"


def _since(state: State, plan: Plan) -> Any | None:
    """The mark of the version that the next one can stand on."""
    return state.mark if 0 < state.links < plan.chain else None


def _line(kind: Literal["publish", "hold"], manifest: Manifest, decisions: DecisionLog, at: int) -> Decision:
    return Decision(
        kind,
        at=at,
        who="trainer",
        why=manifest.reason,
        seen=decisions.fold.position,
        version=manifest.version,
        mask_position=manifest.decisions,
        input=manifest.input,
    )


def _figures(state: State) -> Evaluation:
    """The figures as they are, before they are marked."""
    evaluation = deepcopy(state.evaluation)
    state.evaluation.mark()
    if state.riding is not None:
        state.riding.mark()
    if isinstance(state.learner, Compares):
        state.learner.skew.mark()
    return evaluation


def _report(draft: Draft) -> dict[str, Any]:
    told: dict[str, Any] = draft.evaluation.report()
    draft.evaluation.mark()
    for label, of in draft.riding.items():
        told[label] |= of
    return told


def _schema(state: State) -> dict[str, Any]:
    """What is predicted and, where the log says with what it is learned, what is read."""
    told: dict[str, Any] = {"labels": list(state.learner.labels)}
    if state.settings is None:
        return told
    features = {name: declared.written for name, declared in sorted(state.settings.features.items())}
    return told | {"context": list(state.settings.context), "features": features}


def _write(folder: Path, draft: Draft) -> None:
    shutil.copytree(draft.aside.folder, folder, dirs_exist_ok=True)
    draft.learned.write(folder / LEARNED, draft.manifest.base)
    np.savez(folder / EVALUATION, allow_pickle=False, **draft.evaluation.state())
    if draft.challengers is not None:
        draft.challengers(folder)
