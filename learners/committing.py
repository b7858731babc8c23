"""From what was learned to a version, and from a version to who serves: when it is due, the gate, the line.

The clock says only which batch ends become versions. Nothing here learns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from learners.learned_state import CHALLENGERS, EVALUATION, LEARNED, SERVING, State
from learners.plan import Plan, gate
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


def commit(
    state: State, store: VersionStore, version: int, *, decisions: int, config: str, finite: bool, at: int
) -> Manifest:
    """Learned state, serving files, figures and positions in one version."""
    verdict, reason = gate(state.learner.rows_learned, finite=finite)
    draft = Manifest(
        version,
        state.version,
        decisions,
        state.ordering.positions,
        examples=state.examples,
        steps=state.steps,
        config=config,
        digest=state.learner.digest(),
        verdict=verdict,
        reason=reason,
        created_at=at,
        metrics=state.report(),
        schema=_schema(state),
        schema_diff=state.changed,
        skew=state.learner.skew.report() if isinstance(state.learner, Compares) else {},
        guard=state.learner.told() if isinstance(state.learner, Refuses) else {},
    )
    state.evaluation.mark()
    if state.riding is not None:
        state.riding.challengers.mark()
    if isinstance(state.learner, Compares):
        state.learner.skew.mark()
    manifest = store.commit(version, lambda folder: _write(folder, version, state), draft)
    state.version, state.changed, state.before = version, {}, None
    return manifest


def publish(
    manifest: Manifest, reached: Positions, decisions: DecisionLog, registry: Registry, clock: Callable[[], int]
) -> bool:
    """Let a version that has taken in the events before `reached` serve, unless it failed or publishing is paused;
    whether the line holds."""
    if manifest.verdict != "pass" or not registry.takes(reached):
        return False
    line = Decision(
        "publish",
        at=clock(),
        who="trainer",
        why=manifest.reason,
        seen=decisions.fold.position,
        version=manifest.version,
        mask_position=manifest.decisions,
        input=manifest.input,
        until=reached if registry.until else None,
    )
    return decisions.decide(line)[1]


def _schema(state: State) -> dict[str, Any]:
    """What is predicted and, where the log says with what it is learned, what is read."""
    told: dict[str, Any] = {"labels": list(state.learner.labels)}
    if state.settings is None:
        return told
    features = {name: declared.written for name, declared in sorted(state.settings.features.items())}
    return told | {"context": list(state.settings.context), "features": features}


def _write(folder: Path, version: int, state: State) -> None:
    for name in (LEARNED, SERVING):
        (folder / name).mkdir()
    state.learner.snapshot(folder / LEARNED)
    state.learner.export(folder / SERVING, version=version)
    np.savez(folder / EVALUATION, allow_pickle=False, **state.evaluation.state())
    if state.riding is not None:
        np.savez(folder / CHALLENGERS, allow_pickle=False, **state.riding.state())
