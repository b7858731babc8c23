"""Where settings end: each process is put together here from plain arguments, and handed to its loop.

The one file whose functions import what they need, so that a light process never pays for torch. No decision is made
here but which parts belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from socket import gethostname
from typing import TYPE_CHECKING, Any

from headrace.deployment import (
    check_configuration,
    fold_rules_of,
    open_logs,
    run_folder,
    version_store,
)
from headrace.log_places import connection_of, on_broker
from headrace.loop import REST, drive, stop_signals
from headrace.options import now, who
from headrace.process_terms import learner_of, maker_of, plan_of, policy_of
from headrace.settings import Settings
from headrace.telemetry import Telemetry, process_of
from headrace.terminal import say
from headrace.tree import SERVE
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog

if TYPE_CHECKING:
    from headrace.web import Application
    from learners.plan import Trained
    from serving.api import Server
    from serving.arms import Arms
    from serving.known import Known
    from serving.live import BundleKeeper, Live
    from streams.intake import Intake
    from streams.lanes import Lanes
    from streams.log import Logs

NEVER = 1 << 50
"""Milliseconds between things that shall not be."""


def run_gateway(settings: Settings) -> None:
    """The door for events, by itself."""
    from headrace.guarding import guarded, keeper_of
    from headrace.taking import door_of, intake_of
    from headrace.web import listen, serve
    from streams.gateway import gateway_app

    door = settings.gateway
    keeper = keeper_of(settings, door.host)
    with open_logs(settings) as logs:
        listening = listen(door.host, door.port)
        intake = intake_of(settings, logs)
        telemetry = _telemetry(settings, "gateway", listening.getsockname()[1], more=intake.told)
        app = guarded(gateway_app(intake, door_of(settings)), settings, keeper)
        serve(app, listening, [telemetry.keep])


def run_sequence(settings: Settings, *, worker: str | None = None) -> None:
    """Many topics into one ordered log; on a broker, those partitions of it that its group gives to this `worker`."""
    from streams.rates import RateLimits
    from streams.sequencer import sequence

    told = settings.sequencer
    with open_logs(settings) as logs, closing(_lanes(settings, worker)) as lanes:
        reports = sequence(
            logs,
            partitions=settings.partitions,
            clock=now,
            clock_ahead=told.clock_ahead,
            frame_events=told.frame_events,
            frame_ms=told.frame_time,
            tick_ms=told.tick,
            max_event_bytes=told.max_event_bytes,
            rates=RateLimits(told.rate, told.rates),
            lanes=lanes,
        )
        drive(reports, _telemetry(settings, process_of("sequence", worker)), stop_signals())


def _lanes(settings: Settings, worker: str | None) -> Lanes:
    if not on_broker(settings):
        from streams.lanes import AllLanes

        return AllLanes(settings.partitions)
    from streams.kafka_lanes import GroupLanes

    name = worker or f"sequence-{gethostname()}"  # a name, so that a restart gets its lanes back at once
    return GroupLanes(connection_of(settings), name=name, session_ms=settings.sequencer.session)


def run_train(settings: Settings, *, until_end: bool = False) -> None:
    """What the labels mean, as versions. Raises OtherSettings where the log was folded with others."""
    from learners.trainer import train
    from learners.writing import WritesBehind

    check_configuration(settings)
    plan = replace(plan_of(settings), until_end=until_end)
    with open_logs(settings) as logs:
        store, fresh, make = version_store(settings), learner_of(settings), maker_of(settings)
        reports = train(logs, store, fresh, plan=plan, clock=now, make=make, writer=WritesBehind())
        drive(_aloud(reports), _telemetry(settings, "train"), stop_signals())


def _aloud(reports: Iterator[Trained]) -> Iterator[Trained]:
    """The same reports; alarms of slow drift are told in the trainer's log too. What was opened stays for long."""
    from learners.collecting import pass_over

    try:
        for report in reports:
            if report.restored is not None:
                pass_over()
            for sentence in report.alarms:
                say(sentence)
            yield report
    finally:
        if isinstance(reports, Generator):
            reports.close()


def run_follow(settings: Settings) -> None:
    """From versions to generations."""
    from checkpoints.rocks_vectors import RocksVectors
    from headrace.gate_terms import asked_of
    from learners.writing import WritesBehind
    from serving.builder_child import ChildBuilder
    from serving.exported import Indexed
    from serving.follower import follow

    with open_logs(settings) as logs, closing(RocksVectors(settings.var / "follow")) as vectors:
        reports = follow(
            DecisionLog(logs.open(DECISIONS, 1)),
            store=version_store(settings),
            generations=settings.var / "generations",
            vectors=vectors,
            builder=ChildBuilder(),
            open_export=Indexed.open,
            clock=now,
            keep=settings.follower.keep,
            asked=asked_of(settings),
            writer=WritesBehind(),
        )
        drive(reports, _telemetry(settings, "follow"), stop_signals())


def run_retain(settings: Settings) -> None:
    """Takes away what no way back needs, and goes back unasked where that is on."""
    from checkpoints.retention import retain
    from headrace.retaining import compacting_of, heard, retention_of
    from headrace.watching import watched, watching_of

    with open_logs(settings) as logs:
        every, compacting = settings.retention.every, compacting_of(settings)
        reports = retain(retention_of(settings, logs), every=every, clock=now, compacting=compacting)
        decisions = DecisionLog(logs.open(DECISIONS, 1))
        watching = watching_of(settings, version_store(settings), decisions, partial(heard, run_folder(settings)))
        drive(watched(reports, watching, now), _telemetry(settings, "retain"), stop_signals(), rest=0.5)


def retain_once(settings: Settings, *, dry_run: bool) -> dict[str, Any]:
    """One turn of retention, or only its plan, as fields."""
    from headrace.retaining import retention_of, told

    with open_logs(settings) as logs:
        retention = retention_of(settings, logs)
        return told(retention.plan() if dry_run else retention.turn())


def run_serve(settings: Settings, *, worker: str | None = None, known: Known | None = None) -> None:
    """Slates, and the gateway's routes. Only the first of several workers keeps snapshots, and watches experiments.

    What is `known` already is not read again from the log.
    """
    from headrace.experiment_watch import watch_experiments
    from headrace.guarding import guarded, keeper_of
    from headrace.metrics import expose
    from headrace.taking import intake_of
    from headrace.web import listen, serve
    from serving.answering import Answering
    from serving.api import Server
    from serving.arms import Arms
    from serving.folding import fold
    from serving.known import Known
    from serving.live import BundleKeeper, Live
    from serving.recommend import Recommender
    from serving.scorer import Scorer
    from serving.serving_counts import ServingCounts
    from serving.slate_log import SlateWriter

    told, live, counts = settings.serving, Live(), ServingCounts()
    doorkeeper = keeper_of(settings, told.host)
    known = known or Known(partitions=settings.partitions, rules=fold_rules_of(settings))
    expose(run_folder(settings), counts.registry)
    with open_logs(settings) as logs:
        name, first = worker or SERVE, worker in (None, SERVE)
        listening = listen(told.host, told.port, shared=told.workers > 1)
        intake, port = intake_of(settings, logs), listening.getsockname()[1]
        telemetry = _telemetry(settings, name, port, more=lambda: counts.told() | intake.told())
        snapshots, every = settings.var / "snapshots" / "serve", told.snapshot_every if first else NEVER
        folds = fold(logs, known, folder=snapshots, clock=now, snapshot_every=every)
        recommender = Recommender(known, live, policy_of(settings))
        decisions, generations = DecisionLog(logs.open(DECISIONS, 1)), settings.var / "generations"
        ready, keep = recommender.make_ready, settings.follower.keep
        keeper = BundleKeeper(decisions, generations, live, open_scorer=Scorer.open, warm=ready, keep=keep)
        arms = Arms(recommender)
        server = Server(Answering(recommender, SlateWriter(intake.append), clock=now, counts=counts, arms=arms))
        app = guarded(_server_app(settings, logs, server, intake), settings, doorkeeper, counts.turned_away)
        loops: list[tuple[Iterator[Any], float]] = [(folds, REST), *_beside_requests(keeper, arms, live, known)]
        if first:
            loops.append((watch_experiments(settings, logs), 0.05))
        serve(app, listening, [partial(drive, loop, telemetry, rest=rest, longest=4 * rest) for loop, rest in loops])


def _beside_requests(keeper: BundleKeeper, arms: Arms, live: Live, known: Known) -> list[tuple[Iterator[Any], float]]:
    """What keeps a server's versions fresh and sound, with the rests between turns (s)."""
    from serving.arms_keeper import keep_arms
    from serving.newcomers import welcome
    from serving.recall_monitor import monitor
    from serving.short_turns import short_turns, standing_behind

    versions, recall = standing_behind(keep_arms(keeper, arms)), monitor(live, known.stock, clock=now)
    return [(versions, 0.02), (welcome(live, known), 0.1), (recall, 0.1), (short_turns(), 0.25)]


def _server_app(settings: Settings, logs: Logs, server: Server, intake: Intake) -> Application:
    from headrace.admin_doors import admin_doors
    from headrace.taking import door_of
    from serving.api import create_app
    from streams.gateway import router

    doors = [router(intake, door_of(settings)), *admin_doors(settings, logs, clock=now, who=f"{who()} over HTTP")]
    if settings.gorse.on:
        from serving.gorse_desk import GorseDesk
        from serving.gorse_routes import gorse_router

        doors.append(gorse_router(GorseDesk(server.answering, intake.take, settings.gorse.types), server.counts))
    return create_app(server, routers=doors)


def _telemetry(
    settings: Settings, process: str, port: int | None = None, more: Callable[[], Mapping[str, Any]] = dict
) -> Telemetry:
    return Telemetry(process, run_folder(settings), clock=now, port=port, more=more)
