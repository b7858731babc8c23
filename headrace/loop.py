"""The shell around a loop of reports: it sleeps when there is nothing to do, tells telemetry, and stops between turns.

A signal never interrupts a turn. What a loop does is not known here.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Generator, Iterator
from threading import Event

from headrace.telemetry import Report, Telemetry

REST = 0.005
"""Seconds of sleep after an idle turn."""
LONGER = 1.25
"""Each rest by the one before it, while there is nothing to do."""


def stop_signals() -> Event:
    """An event that SIGTERM and Ctrl-C set from now on. Only in a main thread."""
    asked = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    return asked


def drive(
    reports: Iterator[Report], telemetry: Telemetry, asked: Event, *, rest: float = REST, longest: float | None = None
) -> None:
    """Turn after turn until the reports end or a stop is asked for; then the loop is closed, and its last word told.

    It rests after an idle turn: `rest` seconds after the first one, and longer, up to `longest`, the more there were.
    """
    telemetry.write()
    began, pause = time.monotonic(), rest
    try:
        for report in reports:
            telemetry.take(report, ms=1000 * (time.monotonic() - began))
            if asked.is_set() or (report.idle and asked.wait(pause)):
                break
            pause = min(LONGER * pause, max(rest, longest or rest)) if report.idle else rest
            began = time.monotonic()
    finally:
        if isinstance(reports, Generator):
            reports.close()
    telemetry.write()
