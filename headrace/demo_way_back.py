"""The operator of the demo: gives one rollback command while traffic goes on, and sees what becomes of it.

A shell: the command runs in a thread of its own, over the deployment's own log and versions, as it would from another
terminal. What went wrong is decided in `demo_incident.py`, how long the way took in `demo_return.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from checkpoints.quarantine import Order
from headrace.demo_incident import APP, Incident
from headrace.demo_report import IncidentFigures
from headrace.demo_return import Command, Return, measured
from headrace.demo_stage import Stage
from headrace.demo_tally import Tally
from headrace.demo_view import Course, course_of
from headrace.deployment import decision_log, open_logs, version_store
from headrace.operations import Operator
from headrace.options import now, who
from headrace.settings import Settings
from headrace.way_back import roll_back
from streams.decisions import TOPIC as DECISIONS
from streams.decisions import DecisionLog
from streams.errors import HeadraceError
from streams.events import Tick
from streams.frames import decode_frame
from streams.log import Log
from streams.mask import Masking


class WayBack:
    """`look` gives the command when it is due and says how far it is; `figures` ends the thread and adds up."""

    def __init__(self, incident: Incident, settings: Settings, tally: Tally) -> None:
        self._incident = incident
        self._settings = settings
        self._tally = tally
        self._command: Command | None = None
        self._trouble = ""
        self._thread: threading.Thread | None = None

    def look(self) -> Course:
        """What the page says of the incident."""
        if self._incident.way_back_due and self._thread is None:
            self._thread = threading.Thread(target=self._give, args=self._incident.window, daemon=True)
            self._thread.start()
        return course_of(self._incident.phase, self._command, self._return(), self._trouble)

    def figures(self, stage: Stage) -> IncidentFigures:
        """Everything that the report says of the incident."""
        if self._thread is not None:
            self._thread.join()
        back, command = self._return(), self._command
        return IncidentFigures(
            rates=self._incident.rates(stage.between),
            masked_events=masked_events(self._settings),
            tainted_versions=0 if command is None else command.tainted,
            back=back,
        )

    def _return(self) -> Return:
        command = self._command
        if command is None:
            return Return(None, None)
        first, last = self._tally.first_answers(), self._tally.last_answers()
        return measured(command, first=first, last=last, caught_up=self._caught_up(command))

    def _caught_up(self, command: Command) -> set[int]:
        """Every version that serves from the one on that ended the replay."""
        with decision_log(self._settings) as decisions:
            decisions.follow()
            later = decisions.fold.lines[command.line + 1 :]
        ended = next((n for n, line in enumerate(later) if command.ended_by(line)), len(later))
        return {line.version for line in later[ended:] if line.kind == "publish" and line.version is not None}

    def _give(self, t0: int, t1: int) -> None:
        given_at = now()
        try:
            with open_logs(self._settings) as logs:
                done = roll_back(
                    "last-good",
                    store=version_store(self._settings),
                    decisions=DecisionLog(logs.open(DECISIONS, 1)),
                    operator=Operator(who=who(), why=f"app {APP} reports clicks the wrong way round", at=given_at),
                    events=logs.open("events", self._settings.partitions),
                    orders=(Order(t0=t0, t1=t1, app_version=APP),),
                    ripple=True,
                    then="replay",
                    ahead=self._settings.sequencer.clock_ahead,
                )
        except HeadraceError as error:
            self._trouble = str(error)
            return
        self._command = Command(given_at, done.line, done.version, done.until or {}, len(done.tainted))


def masked_events(settings: Settings) -> int:
    """How many different events of the log no fold may see."""
    with open_logs(settings) as logs:
        decisions = DecisionLog(logs.open(DECISIONS, 1))
        decisions.follow()
        events = logs.open("events", settings.partitions)
        return len(set(_masked(events, decisions.fold.masking())))


def _masked(events: Log, mask: Masking) -> Iterator[str]:
    if not mask.entries:
        return
    for partition in range(events.partitions):
        offset = events.begin(partition)
        while records := events.read(partition, offset):
            offset = records[-1].offset + 1
            for record in records:
                for event in decode_frame(record.value).events:
                    if not isinstance(event, Tick) and mask.hides(partition, record.offset, event):
                        yield event.event_id
