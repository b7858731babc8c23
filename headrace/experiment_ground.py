"""Opens the ground that experiments take place on; numpy comes in with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace.deployment import open_logs, run_folder, version_store
from headrace.settings import Settings
from headrace.telemetry import read_status
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.log import Logs

if TYPE_CHECKING:
    from headrace.experiment_terms import Ground


def ground_on(use: Settings, logs: Logs) -> Ground:
    """Log and versions of a deployment whose logs are open; the decisions are folded anew."""
    from headrace.experiment_terms import ground_of

    return ground_of(
        use, DecisionLog(logs.open(DECISIONS, 1)), logs.open("events", use.partitions), version_store(use)
    )  # fmt: skip


@contextmanager
def ground_at(use: Settings) -> Iterator[Ground]:
    """The same, open for as long as a command needs it."""
    with open_logs(use) as logs:
        yield ground_on(use, logs)


def mirrored(use: Settings, name: str) -> dict[str, Any] | None:
    """What the server of this machine counted of an experiment's mirrored requests, where one runs."""
    status = read_status(run_folder(use)).get("serve")
    told = None if status is None else status.last.get("mirrors")
    return told.get(name) if isinstance(told, dict) else None
