"""Offline gains beside live ones: does what the manifests promise come true? One row for each experiment of a version.

Offline is what the version's manifest says against that of the version that served when the experiment began, by
progressive validation on the same log; live is the experiment's own metric. Nothing is decided here.
"""

from __future__ import annotations

from typing import Any

from checkpoints.errors import VersionError
from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from headrace.experiment_terms import Ground
from headrace.experiments import reading
from streams.decisions import Decisions
from streams.experiments import Experiment, Experiments


def gains(ground: Ground, *, now: int) -> list[dict[str, Any]]:
    """The table: `auc` and `ne` are offline differences (of `ne`, less is better), `change` the live one between `low`
    and `high`; None where a manifest is gone or says nothing."""
    ground.decisions.follow()
    fold = ground.decisions.fold
    tried = [one for one in Experiments.of(fold).named.values() if one.version is not None and not one.trial.mirror]
    return [_row(one, fold, ground, now) for one in tried]


def _row(one: Experiment, fold: Decisions, ground: Ground, now: int) -> dict[str, Any]:
    before = served_before(fold, one.lines[0])
    _, found, _ = reading(one.name, ground, now=now)
    live = next(figure for figure in found.figures if figure.metric == one.trial.metric)
    return {
        "name": one.name, "version": one.version, "against": before, "state": one.state,
        "auc": _gain(ground.store, one.version, before, "auc"), "ne": _gain(ground.store, one.version, before, "ne"),
        "metric": live.metric, "change": live.change, "low": live.low, "high": live.high,
    }  # fmt: skip


def served_before(fold: Decisions, n: int) -> int | None:
    """The version that was live when line `n` was written."""
    past = Decisions()
    for line in fold.lines[:n]:
        past.feed(line)
    return Registry.of(past).live


def _gain(store: VersionStore, version: int | None, against: int | None, figure: str) -> float | None:
    ours, theirs = _figure(store, version, figure), _figure(store, against, figure)
    return None if ours is None or theirs is None else ours - theirs


def _figure(store: VersionStore, version: int | None, figure: str) -> float | None:
    """Of the first label, in its newest window where that is told."""
    if version is None:
        return None
    try:
        metrics = store.manifest(version).metrics
    except VersionError:
        return None
    first = next((told for told in metrics.values() if isinstance(told, dict)), metrics)
    window = first.get("window")
    value = window.get(figure) if isinstance(window, dict) and window.get(figure) is not None else first.get(figure)
    return float(value) if isinstance(value, int | float) and value == value else None
