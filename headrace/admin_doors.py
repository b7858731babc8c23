"""The operator's doors of one server, put together from its settings and the logs that it has open."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import APIRouter

from headrace.admin_ground import AdminGround, Topics
from headrace.admin_routes import AdminDesk, admin_router
from headrace.admin_versions import VersionDesk, version_router
from headrace.deployment import fold_rules_of, location_of, version_store
from headrace.experiment_ground import ground_on, mirrored
from headrace.experiment_routes import ExperimentDesk, experiment_router
from headrace.quarantine_options import said
from headrace.settings import Settings
from streams.decisions import TOPIC as DECISIONS
from streams.log import Logs


def admin_doors(settings: Settings, logs: Logs, *, clock: Callable[[], int], who: str) -> list[APIRouter]:
    """Everything below /v1/admin; `who` stands in the decisions where a caller gives no name."""
    events, examples = (logs.open(topic, settings.partitions) for topic in ("events", "examples"))
    ground = AdminGround(
        version_store(settings),
        Topics(logs.open(DECISIONS, 1), events, examples),
        clock,
        who,
        ahead=settings.sequencer.clock_ahead,
        pinned=settings.retention.pinned,
        said=partial(said, settings),
    )
    trials = partial(ground_on, settings, logs)
    versions = VersionDesk(ground, trials, fold_rules_of(settings), location_of(settings))
    experiments = ExperimentDesk(trials, clock=clock, who=who, mirrored=partial(mirrored, settings))
    return [admin_router(AdminDesk(ground)), version_router(versions), experiment_router(experiments)]
