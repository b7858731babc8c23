"""Opens the ground that experiments take place on; numpy comes in with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace.deployment import open_logs, version_store
from headrace.settings import Settings
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog

if TYPE_CHECKING:
    from headrace.experiment_terms import Ground


@contextmanager
def ground_at(use: Settings) -> Iterator[Ground]:
    """Log and versions of a deployment, open for as long as a command needs them."""
    from headrace.experiment_terms import ground_of

    with open_logs(use) as logs:
        events = logs.open("events", use.partitions)
        yield ground_of(use, DecisionLog(logs.open(DECISIONS, 1)), events, version_store(use))
