"""Retention of a deployment: which folds have snapshots where, and what one turn did, in words.

Opens no snapshot: their names and heads say enough, so that this process stays small.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from checkpoints.compacting import Compacting
from checkpoints.floors import Aside, Plan, Policy
from checkpoints.retained import Retained, Topics
from checkpoints.retention import Retention
from headrace.deployment import location_of, rules_of, version_store
from headrace.options import now
from headrace.settings import Settings
from headrace.statuses import merged
from headrace.telemetry import read_status
from serving.part_heads import snapshots
from streams import dead_letters, decisions
from streams.decisions import DecisionLog
from streams.events import RAW_TOPICS
from streams.join_disk import snapshots_in
from streams.log import Logs


def retention_of(settings: Settings, logs: Logs) -> Retention:
    """Retention over the logs, versions and snapshots that the settings name."""
    opened = {name: logs.open(name, settings.partitions) for name in ("events", "examples", *RAW_TOPICS)}
    letters = logs.open(dead_letters.TOPIC, dead_letters.PARTITIONS)
    raw = [opened[name] for name in RAW_TOPICS]
    return Retention(
        version_store(settings),
        DecisionLog(logs.open(decisions.TOPIC, 1)),
        Topics(opened["events"], opened["examples"], raw, letters),
        partial(aside, settings.var / "snapshots", settings.partitions),
        policy_of(settings),
        now,
    )


def policy_of(settings: Settings) -> Policy:
    """How far back one shall be able to go. Whatever the span, what was learned last can be masked."""
    told, rules = settings.retention, rules_of(settings)
    behind = rules.lifespan + rules.out_of_orderness + settings.sequencer.clock_ahead + settings.trainer.bucket
    return Policy(
        told.span,
        told.versions,
        lifespan=behind,
        pinned=frozenset(told.pinned),
        hourly=told.hourly,
        daily=told.daily,
        disk=told.disk,
    )


def compacting_of(settings: Settings) -> Compacting | None:
    """What keeps chains short; None where every version is full."""
    store = settings.store
    if store.chain == 1:
        return None
    return Compacting(location_of(settings), most=store.chain, every=store.compact_every, clock=now)


def aside(folder: Path, partitions: int) -> Aside:
    """The snapshots of the joiner, who needs one in every partition, and of a server where there is one."""
    found: dict[str, dict[int, list[tuple[int, int]]]] = {"join": {}}
    if (folder / "serve").is_dir():
        found["serve"] = {}
    for fold, of_partition in found.items():
        for p in range(partitions):
            home = folder / fold / f"p{p}"
            if fold == "join":
                of_partition[p] = [(one.next, one.decisions) for one in snapshots_in(home)]
            else:
                of_partition[p] = [(head.next, head.decisions) for _, head in snapshots(home)]
    return found


def told(done: Retained | Plan) -> dict[str, Any]:
    """A turn or a plan as plain fields, for people and JSON; those that say nothing are left out."""
    fields: dict[str, Any] = msgspec.to_builtins(done, str_keys=True)
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in fields.items()
        if value or (isinstance(value, int) and not isinstance(value, bool))
    }


def heard(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the trainer and the servers said last."""
    statuses = merged(read_status(run))
    train, serve = (statuses[name].last if name in statuses else {} for name in ("train", "serve"))
    return train, serve
