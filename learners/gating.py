"""A version before the gate: what is looked at of it, of the version that serves, and of the rows they both foresaw.

Two halves, as a version has: `before` on the trainer's thread, where the model itself scores the canary; `verdict` by
whoever writes, who looks at weights and opens what serves as a copy. Decides nothing itself (`gate.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checkpoints.errors import VersionError
from checkpoints.manifest import Manifest, Verdict
from checkpoints.store import VersionStore
from learners.gate import Limits, Measure, judge
from learners.gate_measures import Compared, Weighed, all_of, finite, norms, running, weighed
from learners.gathering import Taken, Weighs, restore
from learners.learner import Learner
from learners.live_copies import Copy, Stage, rows_judged
from learners.rehearsal import Rehearsal


@dataclass(frozen=True, slots=True)
class Gated:
    """What stands before the gate: the version that serves, the rows, whether any score was a number, and how many rows
    were learned. `copy` is the version that is to be opened as a copy, if one is."""

    limits: Limits | None
    live: int | None
    scores: bool
    rows: int
    compared: Callable[[], Compared] | None = None
    rehearsal: Rehearsal | None = None
    copy: int | None = None


def before(
    learner: Learner,
    rehearsal: Rehearsal | None,
    limits: Limits | None,
    *,
    live: int | None,
    now: Stage,
    scores: bool,
) -> Gated:
    """What is to be judged, at the moment at which it is taken. `learner` is the one that learns, without a guard, and
    has come to `now`."""
    rows = learner.rows_learned
    if rehearsal is None:
        return Gated(limits, live, scores, rows)
    compared, copy = rehearsal.compared(learner, live, now), rehearsal.wanted(live, now)
    return Gated(limits, live, scores, rows, compared, rehearsal, copy)


def verdict(told: Gated, learned: Taken, store: VersionStore) -> tuple[Verdict, str, dict[str, Any]]:
    """The verdict, the reasons, and what a manifest keeps of them."""
    live = _manifest(store, told.live)
    weights = weighed(learned.weights()) if isinstance(learned, Weighs) else None
    before_norms: dict[str, float] = {} if live is None else live.gate.get("norms", {})
    measures = _measures(told, weights, live, before_norms)
    found, why = judge(measures, first=told.live is None)
    kept: dict[str, Any] = {"against": told.live, "measures": [one.told for one in measures]}
    if weights is not None and not weights.broken:
        kept["norms"] = running(weights, before_norms, whole=learned.whole)
    return found, measures[0].why.removeprefix("finite: ") if found == "pass" else why, kept


def opened(told: Gated, store: VersionStore, folder: str) -> Copy | None:
    """The copy that was wanted; None where there is none, and where it can't be opened, which is kept in mind."""
    rehearsal, version = told.rehearsal, told.copy
    if rehearsal is None or version is None:
        return None
    try:
        links = store.chain(version)
        size = sum(file.stat().st_size for link in links for file in (link / folder).rglob("*") if file.is_file())
        learner = rehearsal.make(size)
        restore(learner, [link / folder for link in links])
        return Copy.of(store.manifest(version), learner, size)
    except (VersionError, OSError, ValueError, KeyError) as error:
        rehearsal.out[version] = f"{type(error).__name__}: {error}"
        return None


def _measures(
    told: Gated, weights: Weighed | None, live: Manifest | None, before_norms: dict[str, float]
) -> list[Measure]:
    measures = [finite(weights, scores=told.scores, rows=told.rows)]
    if told.limits is not None and told.compared is not None:
        young = live is None or rows_judged(live) < told.limits.young
        measures.append(norms(weights, before_norms, told.limits, young=young))
        measures += all_of(told.compared(), told.limits)
    return measures


def _manifest(store: VersionStore, version: int | None) -> Manifest | None:
    try:
        return None if version is None else store.manifest(version)
    except VersionError:
        return None
