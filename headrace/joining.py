"""Where settings end for the joiner: on the embedded log one loop over all partitions, on a broker a worker of a group.

Puts together and starts; what is imported depends on where the log is. No decision of the join is here.
"""

from __future__ import annotations

import logging
import os
import sys
from threading import Event, Thread

from headrace.deployment import check_configuration, open_logs, rules_of, run_folder
from headrace.log_places import connection_of, on_broker
from headrace.loop import drive, stop_signals
from headrace.options import now
from headrace.settings import Settings
from headrace.telemetry import Telemetry, process_of
from streams.decisions import TOPIC as DECISIONS
from streams.log import Logs

WORKER = "join-0"
STOOD_STILL = 70
"""The status of a worker that was ended because it did not get on."""


def run_join(settings: Settings, *, worker: str | None = None, until_end: bool = False) -> None:
    """Labels of what was shown and done. Raises OtherSettings where the log was folded with others."""
    check_configuration(settings)
    with open_logs(settings) as logs:
        if on_broker(settings) and not until_end:
            _join_in_a_group(settings, logs, worker)
        else:
            _join_in_a_loop(settings, logs, worker, until_end)


def workers(settings: Settings) -> tuple[str, ...]:
    """The processes that join under one supervisor: one by itself, or a few that share the partitions."""
    many = settings.join.workers if on_broker(settings) else 1
    return ("join",) if many == 1 else tuple(f"join-{n}" for n in range(many))


def _join_in_a_loop(settings: Settings, logs: Logs, worker: str | None, until_end: bool) -> None:
    from streams.poll_joiner import join, to_the_end

    reports = join(
        logs,
        partitions=settings.partitions,
        rules=rules_of(settings),
        folder=settings.var / "join" / (worker or WORKER) if on_broker(settings) else settings.var / "join",
        snapshots=settings.var / "snapshots",
        clock=now,
        snapshot_ms=settings.join.snapshot_every,
    )
    ended = to_the_end(reports, settings.partitions) if until_end else reports
    drive(ended, Telemetry(process_of("join", worker), run_folder(settings), clock=now), stop_signals())


def _join_in_a_group(settings: Settings, logs: Logs, worker: str | None) -> None:
    from streams.faust_app import Member
    from streams.faust_joiner import Host
    from streams.join_desk import Work
    from streams.join_turn import Joined, Pace
    from streams.join_watch import Watch

    told, name, over = settings.join, worker or WORKER, Event()
    work = Work(
        logs.open("events", settings.partitions),
        logs.open("examples", settings.partitions),
        logs.open(DECISIONS, 1),
        rules_of(settings),
        Pace(now, snapshot_ms=told.snapshot_every),
        folder=settings.var / "join" / name,
        snapshots=settings.var / "snapshots",
    )
    telemetry = Telemetry(
        process_of("join", worker), run_folder(settings), clock=now, more=lambda: {"worker": name, "stood": watch.stood}
    )

    def tell(report: Joined) -> None:
        telemetry.forget_but(host.desks)
        telemetry.take(report)

    member = Member(name, session_ms=told.session, heartbeat_ms=told.session // 5)
    host = Host(connection_of(settings), member, work, told=tell)
    watch = Watch(host, work.events, _end_still, patience=told.stuck, joining=2 * told.session, clock=now)
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # it says the same 20 times a second while a broker is away
    asked = stop_signals()
    Thread(target=telemetry.keep, args=(over,), name="telemetry", daemon=True).start()
    watch.start(over)
    try:
        host.run(asked)
    finally:
        over.set()
        telemetry.write()


def _end_still(where: str) -> None:
    """A loop that hangs can't be asked to stop. What is on the disk is whole, as after a kill."""
    print(f"this joiner stands still while its log goes on: {where}. It ends, to be started again", file=sys.stderr)
    sys.stderr.flush()
    os._exit(STOOD_STILL)
