"""The figures of the demo's page, read twice a second from what the processes and the world say. Posts nothing."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from checkpoints.errors import VersionError
from headrace.demo_pace import Pace, TreeLoad
from headrace.demo_report import Delays, Quality
from headrace.demo_stage import Stage
from headrace.demo_tally import Counted
from headrace.demo_view import Course, Moment
from headrace.deployment import run_folder, version_store
from headrace.options import now
from headrace.settings import Settings
from headrace.telemetry import read_status
from headrace.world_oracle import Rates

RECENT_PAGES = 600
STRETCH_MS = 5_000
ADAPT_EVERY_MS = 1_000
LABEL = "click"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted, and the click rates of the last pages."""

    counted: Counted
    recent: Rates


class Gauges:
    """Keeps what rates of change need: the last look, the pace, the trend."""

    def __init__(self, settings: Settings, *, started_at: int, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self._store = version_store(settings)
        self._run = run_folder(settings)
        self._started_at = started_at
        self._load = TreeLoad()
        self._busy: float | None = None
        self._adapted_at = 0
        self._trend: list[float] = []
        self._stretch_at = now()
        self._history: deque[tuple[int, int, int]] = deque(maxlen=10)
        self._read: tuple[int, Quality] = (0, Quality())

    def read(self, counted: Counted, stage: Stage) -> Figures:
        """Look at the tally and the stage, and adapt the pace when it is time."""
        at, figures = now(), Figures(counted, stage.recent(RECENT_PAGES))
        self._history.append((at, counted.events, stage.pages))
        if at - self._adapted_at >= ADAPT_EVERY_MS:
            self._busy = self._load.look(time.monotonic())
            self.pace.adapt(busy=self._busy, answer_ms=counted.latency.p50)
            self._adapted_at = at
        if at - self._stretch_at >= STRETCH_MS and figures.recent.popular > 0:
            self._trend.append(figures.recent.headrace / figures.recent.popular)
            self._stretch_at = at
        return figures

    def moment(self, figures: Figures, address: str, delays: Delays, course: Course | None = None) -> Moment:
        """All of it, for the page; `course` is that of an incident."""
        (since, events, pages), (at, events_now, pages_now) = self._history[0], self._history[-1]
        seconds = max(at - since, 1) / 1000
        counted = figures.counted
        doing, text = ("learning", "") if course is None else (course.doing, course.text)
        return Moment(
            address=address,
            ms=at - self._started_at,
            counted=counted,
            events_per_second=(events_now - events) / seconds,
            pages_per_second=(pages_now - pages) / seconds,
            busy=self._busy,
            lag_ms=self._lag(at),
            quality=self.quality(),
            delays=delays,
            recent=figures.recent,
            trend=self._trend,
            doing=doing if counted.first_model_at else "waiting for the first version",
            incident=text,
        )

    def quality(self) -> Quality:
        """Progressive figures of the newest version."""
        try:
            highest = int((self._store.root / "highest").read_text())
            if highest != self._read[0]:
                self._read = highest, _quality_in(self._store.manifest(highest).metrics)
        except (OSError, ValueError, VersionError):
            pass  # a version is being written; the figures of the last one stand
        return self._read[1]

    def _lag(self, at: int) -> int | None:
        train = read_status(self._run).get("train")
        watermark = train.last.get("watermark") if train else None
        return at - int(watermark) if watermark and watermark > 0 else None


def _quality_in(metrics: dict[str, object]) -> Quality:
    label = metrics.get(LABEL)
    window = label.get("window", label) if isinstance(label, dict) else {}
    return Quality(*(window.get(name) for name in ("auc", "ne", "calibration")))
