"""`headrace demo`: all processes on one machine, a simulated world before them, and the result in figures.

A shell: it starts the processes, the traffic and the probes, looks twice a second, and adds up at the end. The world
meets the processes over HTTP only. What it measures is decided in `demo_tally.py`, `demo_delays.py`, `world_oracle.py`.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from headrace.demo_gauges import Gauges
from headrace.demo_http import Api
from headrace.demo_incident import EVENTS, STEADY, Incident
from headrace.demo_log import passing_topics, settings_for
from headrace.demo_pace import Pace, seconds_since_start
from headrace.demo_probe import probed
from headrace.demo_report import Delays, Outcome, faults, report_of
from headrace.demo_stage import SLATE, Stage
from headrace.demo_tally import Tally
from headrace.demo_traffic import Traffic
from headrace.demo_view import View, summary_of
from headrace.demo_way_back import WayBack
from headrace.deployment import decision_log, version_store
from headrace.options import now
from headrace.settings import Settings
from headrace.supervisor import Supervisor
from headrace.terminal import tell_json
from headrace.tree import tree_of
from streams.errors import HeadraceError

LOOK_EVERY = 0.5
OPEN_WITHIN = FILLED_WITHIN = 120.0


class DemoStuck(HeadraceError):
    """The processes run, but the demo can't begin."""


def run_demo(
    *,
    seed: int = 1,
    once: int | None = None,
    as_json: bool = False,
    var: Path | None = None,
    port: int = 0,
    incident: bool = False,
    log: str | None = None,
) -> int:
    """Run until `once` events are in the log, or for ever; the exit status. An `incident` ends after 50,000 events
    where nothing else is said.

    1. All processes start, the API is open; 2. the items are posted, and are there; 3. pages come, and probes go with
    them; 4. pages end; 5. the figures are read; 6. the processes stop; 7. the report. Ctrl-C leads from 3 to 4, before
    that straight to 6.
    """
    started_at = now() - round(seconds_since_start() * 1000)
    once = EVENTS if incident and once is None else once
    asked = threading.Event()
    view = View(as_json=as_json)
    with ExitStack() as stack:
        stack.callback(view.close)
        stack.enter_context(_signals(asked))
        folder = var or stack.enter_context(_passing_folder())
        settings = settings_for(folder, log, port=port)
        stack.enter_context(passing_topics(settings, passing=var is None and settings.log != log))
        tree = tree_of(settings)
        stack.callback(tree.stop)
        view.say(f"Starting Headrace in {folder} (seed {seed}), its log is {settings.log_url}")
        tree.start()
        opened = _opened(tree, asked)
        if opened is None:
            return 0
        show = Demonstration(settings, tree, view, serving_port=opened, asked=asked)
        planned = Incident(once, seed=seed) if incident and once is not None else None
        outcome = show.run(seed, once, started_at, planned)
    report = report_of(outcome)
    found = faults(report, finished=once is not None and outcome.counted.events >= once)
    _tell(report, found, as_json=as_json)
    return 1 if found else 0


class Demonstration:
    """Steps 2 to 5 of `run_demo`, over processes that are ready."""

    def __init__(
        self, settings: Settings, tree: Supervisor, view: View, *, serving_port: int, asked: threading.Event
    ) -> None:
        self._settings = settings
        self._tree = tree
        self._view = view
        self._asked = asked
        self._tally = Tally()
        self._api = partial(Api, settings.serving.host, serving_port)
        self._address = f"http://{settings.serving.host}:{serving_port}/docs"

    def run(self, seed: int, once: int | None, started_at: int, incident: Incident | None = None) -> Outcome:
        """The world's time begins when this is called."""
        stage = Stage(seed=seed, started_at=now(), incident=incident)
        way_back = None if incident is None else WayBack(incident, self._settings, self._tally)
        traffic = Traffic(stage, self._tally, api=self._api, most_events=once)
        self._view.say(f"The API is at {self._address}")
        traffic.post_now()
        self._wait_for_items()
        pace = None if incident is None else Pace(fastest=STEADY)
        gauges = Gauges(self._settings, started_at=started_at, pace=pace)
        with probed(traffic, self._tally, self._settings, api=self._api) as delays:
            traffic.start(gauges.pace.rate)
            try:
                while not self._asked.is_set() and not traffic.enough.wait(LOOK_EVERY):
                    self._look(stage, traffic, gauges, delays(), way_back)
            finally:
                traffic.stop()
        outcome = self._outcome(stage, gauges, delays(), started_at)
        return outcome if way_back is None else replace(outcome, incident=way_back.figures(stage))

    def _look(self, stage: Stage, traffic: Traffic, gauges: Gauges, delays: Delays, way_back: WayBack | None) -> None:
        for death in self._tree.watch():
            self._view.say(f"{death.name} ended with status {death.status}; it starts again")
        with traffic.lock:
            figures = gauges.read(self._tally.counted(), stage)
        traffic.rate = gauges.pace.rate
        course = None if way_back is None else way_back.look()
        self._view.show(gauges.moment(figures, self._address, delays, course))

    def _wait_for_items(self) -> None:
        """Until the server has heard of enough items to fill a slate."""
        api, end = self._api(), time.monotonic() + FILLED_WITHIN
        body = {"user_id": "u0", "n": SLATE, "surface": "home", "dry_run": True}
        while not self._asked.is_set():
            reply = api.post("/v1/recommend", body)
            if reply.status == 200 and len(reply.body["items"]) == SLATE:
                break
            if time.monotonic() > end:
                raise DemoStuck(
                    f"the items were posted, but after {FILLED_WITHIN:.0f} s the API answers with status "
                    f"{reply.status}: {str(reply.body)[:200]}. See serve.log and sequence.log in {self._tree.run}"
                )
            time.sleep(0.05)
        api.close()

    def _outcome(self, stage: Stage, gauges: Gauges, delays: Delays, started_at: int) -> Outcome:
        counted = self._tally.counted()
        with decision_log(self._settings) as decisions:
            decisions.follow()
            rollbacks = sum(line.kind == "rollback" for line in decisions.fold.lines)
        return Outcome(
            counted=counted,
            rates=stage.rates(counted.events),
            quality=gauges.quality(),
            delays=delays,
            versions=len(version_store(self._settings).manifests()),
            rollbacks=rollbacks,
            started_at=started_at,
            ended_at=now(),
        )


def _opened(tree: Supervisor, asked: threading.Event) -> int | None:
    """The port of the API as soon as it listens, None after Ctrl-C. The others may still be starting: the log waits."""
    end = time.monotonic() + OPEN_WITHIN
    while not asked.wait(0.05):
        tree.watch()
        serve = tree.ready().get("serve")
        if serve is not None and serve.port:
            return serve.port
        if time.monotonic() > end:
            raise DemoStuck(f"the API is not open after {OPEN_WITHIN:.0f} s; see {tree.log_of('serve')}")
    return None


def _tell(report: dict[str, Any], found: list[str], *, as_json: bool) -> None:
    view = View(as_json=as_json)
    if not as_json:
        view.say(summary_of(report))
    for fault in found:
        view.say(f"NOT GOOD: {fault}")
    view.close()
    if as_json:
        tell_json(report)


@contextmanager
def _passing_folder() -> Iterator[Path]:
    """A new folder that goes at the end, and stays after an error, whose message points into it."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-demo-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _signals(asked: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask for the end; afterwards they mean what they meant."""
    kept = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
