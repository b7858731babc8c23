"""Where settings end: each process is put together here from plain arguments, and handed to its loop.

The one file whose functions import what they need, so that a light process never pays for torch. No decision is made
here but which parts belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from headrace.deployment import (
    check_configuration,
    fold_rules_of,
    learn_settings_of,
    open_logs,
    rules_of,
    run_folder,
    version_store,
)
from headrace.loop import drive, stop_signals
from headrace.options import now, who
from headrace.settings import Settings
from headrace.telemetry import Telemetry
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog

if TYPE_CHECKING:
    from headrace.web import Application
    from learners.learn_settings import LearnSettings
    from learners.learner import Learner
    from learners.plan import Plan
    from serving.known import Known
    from serving.live import Live
    from serving.policy import Policy
    from serving.serving_counts import ServingCounts
    from streams.log import Logs


def run_gateway(settings: Settings) -> None:
    """The door for events, by itself."""
    from headrace.web import listen, serve
    from serving.access import check_host
    from streams.gateway import gateway_app
    from streams.intake import Intake

    door = settings.gateway
    check_host(door.host, ())
    with open_logs(settings) as logs:
        listening = listen(door.host, door.port)
        intake = Intake(logs, partitions=settings.partitions, clock=now)
        app = gateway_app(intake, max_body_bytes=door.max_bytes, max_events=door.max_events)
        serve(app, listening, [_telemetry(settings, "gateway", listening.getsockname()[1]).keep])


def run_sequence(settings: Settings) -> None:
    """Many topics into one ordered log."""
    from streams.sequencer import sequence

    told = settings.sequencer
    with open_logs(settings) as logs:
        reports = sequence(
            logs,
            partitions=settings.partitions,
            clock=now,
            clock_ahead=told.clock_ahead,
            frame_events=told.frame_events,
            frame_ms=told.frame_time,
            tick_ms=told.tick,
        )
        drive(reports, _telemetry(settings, "sequence"), stop_signals())


def run_join(settings: Settings, *, until_end: bool = False) -> None:
    """Labels of what was shown and done. Raises OtherSettings where the log was folded with others."""
    from streams.poll_joiner import join, to_the_end

    check_configuration(settings)
    with open_logs(settings) as logs:
        reports = join(
            logs,
            partitions=settings.partitions,
            rules=rules_of(settings),
            folder=settings.var / "join",
            snapshots=settings.var / "snapshots",
            clock=now,
            snapshot_ms=settings.join.snapshot_every,
        )
        ended = to_the_end(reports, settings.partitions) if until_end else reports
        drive(ended, _telemetry(settings, "join"), stop_signals())


def run_train(settings: Settings, *, until_end: bool = False) -> None:
    """What the labels mean, as versions. Raises OtherSettings where the log was folded with others."""
    from learners.trainer import train

    check_configuration(settings)
    plan = replace(plan_of(settings), until_end=until_end)
    with open_logs(settings) as logs:
        store, fresh, make = version_store(settings), learner_of(settings), maker_of(settings)
        reports = train(logs, store, fresh, plan=plan, clock=now, make=make)
        drive(reports, _telemetry(settings, "train"), stop_signals())


def plan_of(settings: Settings) -> Plan:
    """How a trainer runs."""
    from learners.plan import Plan

    told = learn_settings_of(settings)
    return Plan(
        partitions=settings.partitions,
        bucket_ms=told.bucket_ms,
        batch_size=told.batch_size,
        config=told.digest,
        commit_ms=settings.trainer.commit,
    )


def maker_of(settings: Settings) -> Callable[[LearnSettings], Learner]:
    """Makes learners that have learned nothing, on the device of these settings."""
    from learners.torch_learner import make_learner

    device = settings.trainer.device
    return lambda of: make_learner(of.model, labels=of.labels, context=of.context, device=device, seed=of.seed)


def learner_of(settings: Settings) -> Callable[[], Learner]:
    """Makes the learner of these settings, with nothing learned."""
    return partial(maker_of(settings), learn_settings_of(settings))


def run_follow(settings: Settings) -> None:
    """From versions to generations."""
    from checkpoints.rocks_vectors import RocksVectors
    from serving.builder_child import ChildBuilder
    from serving.follower import follow
    from serving.scorer import Scorer

    with open_logs(settings) as logs, closing(RocksVectors(settings.var / "follow")) as vectors:
        reports = follow(
            DecisionLog(logs.open(DECISIONS, 1)),
            store=version_store(settings),
            generations=settings.var / "generations",
            vectors=vectors,
            builder=ChildBuilder(),
            open_export=Scorer.open,
            clock=now,
            keep=settings.follower.keep,
        )
        drive(reports, _telemetry(settings, "follow"), stop_signals())


def run_retain(settings: Settings) -> None:
    """Takes away what no way back needs."""
    from checkpoints.retention import retain
    from headrace.retaining import retention_of

    with open_logs(settings) as logs:
        reports = retain(retention_of(settings, logs), every=settings.retention.every, clock=now)
        drive(reports, _telemetry(settings, "retain"), stop_signals(), rest=0.5)


def retain_once(settings: Settings, *, dry_run: bool) -> dict[str, Any]:
    """One turn of retention, or only its plan, as fields."""
    from headrace.retaining import retention_of, told

    with open_logs(settings) as logs:
        retention = retention_of(settings, logs)
        return told(retention.plan() if dry_run else retention.turn())


def run_serve(settings: Settings) -> None:
    """Slates, and the gateway's routes beside them."""
    from headrace.metrics import expose
    from headrace.web import listen, serve
    from serving.access import check_host
    from serving.folding import fold
    from serving.known import Known
    from serving.live import BundleKeeper, Live
    from serving.scorer import Scorer
    from serving.serving_counts import ServingCounts

    told, live, counts = settings.serving, Live(), ServingCounts()
    check_host(told.host, ())
    known = Known(partitions=settings.partitions, rules=fold_rules_of(settings))
    expose(run_folder(settings), counts.registry)
    with open_logs(settings) as logs:
        listening = listen(told.host, told.port)
        telemetry = _telemetry(settings, "serve", listening.getsockname()[1], more=counts.told)
        snapshots = settings.var / "snapshots" / "serve"
        folds = fold(logs, known, folder=snapshots, clock=now, snapshot_every=told.snapshot_every)
        keeper = BundleKeeper(
            DecisionLog(logs.open(DECISIONS, 1)),
            settings.var / "generations",
            live,
            open_scorer=Scorer.open,
            keep=settings.follower.keep,
        )
        app = _server_app(settings, logs, known, live, counts)
        serve(app, listening, [partial(drive, folds, telemetry), partial(drive, iter(keeper.turn, None), telemetry)])


def _server_app(settings: Settings, logs: Logs, known: Known, live: Live, counts: ServingCounts) -> Application:
    from headrace.admin_routes import AdminDesk, admin_router
    from serving.api import Server, create_app
    from serving.recommend import Recommender
    from serving.slate_log import SlateWriter
    from streams.gateway import router
    from streams.intake import Intake

    door = settings.gateway
    intake = Intake(logs, partitions=settings.partitions, clock=now)
    recommender = Recommender(known, live, policy_of(settings))
    server = Server(recommender, SlateWriter(intake.append), clock=now, counts=counts)
    desk = AdminDesk(
        store=version_store(settings),
        decisions=logs.open(DECISIONS, 1),
        events=logs.open("events", settings.partitions),
        ahead=settings.sequencer.clock_ahead,
        clock=now,
        who=f"{who()} over HTTP",
    )
    taking = router(intake, max_body_bytes=door.max_bytes, max_events=door.max_events)
    return create_app(server, routers=[taking, admin_router(desk)])


def policy_of(settings: Settings) -> Policy:
    """What the operator decided about slates."""
    from serving.policy import Policy, Quotas, SeenRule

    told = settings.serving
    return Policy(
        weights=dict(told.weights),
        quotas=Quotas(**dict(told.quotas)),
        seen=SeenRule(**dict(told.seen)),
        diversity=told.diversity,
        epsilon=told.epsilon,
        fatigue=told.fatigue,
        deadline=told.deadline,
    )


def _telemetry(
    settings: Settings, process: str, port: int | None = None, more: Callable[[], Mapping[str, Any]] = dict
) -> Telemetry:
    return Telemetry(process, run_folder(settings), clock=now, port=port, more=more)
