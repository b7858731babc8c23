"""Automatic rollback, run beside retention: statuses in, a line in the decisions out, when the watcher says so.

The line is what an operator's rollback is: publishing is paused until somebody resumes it. The target is verified
before. Sleeps not, decides nothing (`checkpoints/automatic.py`), and is not there where nothing is watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from checkpoints.automatic import Terms, Watcher, Window, line_of
from checkpoints.errors import VersionError
from checkpoints.retained import Retained
from checkpoints.store import VersionStore
from headrace.live_figures import Bounds, Figures
from headrace.settings import Settings
from streams.decisions import DecisionLog

Heard = Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]]
"""What the trainer and the servers said last."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A look. `metrics` says which were beyond their limit (1), within (0) or silent (-1); `rolled_back` is the version
    that serves again by it."""

    idle: bool = False
    metrics: dict[str, float] | None = None
    rolled_back: int | None = None
    warning: str = ""


class Watching:
    """One look each `every` ms; `heard` gives the statuses."""

    def __init__(
        self,
        store: VersionStore,
        decisions: DecisionLog,
        heard: Heard,
        *,
        watcher: Watcher,
        figures: Figures,
        every: int,
    ) -> None:
        self._store, self._decisions, self._heard = store, decisions, heard
        self._watcher, self._figures, self._every = watcher, figures, every
        self._since: int | None = None

    def look(self, now: int) -> Watched | None:
        """1. what was counted since the last look becomes a window; 2. decide; 3. the target is verified; 4. one line.
        None where it is not time yet."""
        since = self._since
        if since is not None and now - since < self._every:
            return None
        self._since = now
        readings = self._figures.read(*self._heard())
        if since is None:
            return None
        self._watcher.take(Window(since, now, tuple(readings)))
        self._decisions.follow()
        metrics = {one.metric: -1.0 if one.beyond is None else float(one.beyond) for one in readings}
        answer = self._watcher.decide(now, self._decisions.fold, self._store.manifests())
        if answer.version is None:
            return Watched(metrics=metrics, warning=answer.warning)
        try:
            self._store.open(answer.version)
        except VersionError as error:
            return Watched(metrics=metrics, warning=f"{answer.why}; but there is no going back: {error}")
        line = line_of(answer, self._store.manifest(answer.version), self._decisions.fold, now)
        self._decisions.decide(line)
        self._watcher.forget()
        told = (
            f"rolled back to version {answer.version}: {answer.why}. Publishing is paused: headrace resume --why TEXT"
        )
        return Watched(metrics=metrics, rolled_back=answer.version, warning=told)


def watched(
    reports: Iterator[Retained], watching: Watching | None, clock: Callable[[], int]
) -> Iterator[Retained | Watched]:
    """The same reports, and those of the watcher in between."""
    with closing(reports):  # type: ignore[type-var]
        for report in reports:
            yield report
            if watching is not None and (seen := watching.look(clock())) is not None:
                yield seen


def watching_of(settings: Settings, store: VersionStore, decisions: DecisionLog, heard: Heard) -> Watching | None:
    """What the settings ask for; None where it is off."""
    told = settings.rollback.automatic
    if not told.on:
        return None
    bounds = Bounds(
        clicks=told.clicks, ne=told.ne, calibration=told.calibration, fallback=told.fallback, errors=told.errors,
        windows=told.windows,
    )  # fmt: skip
    label = next(iter(settings.labels.values()))
    terms = Terms(told.windows, told.bad, told.bake, label.window + settings.join.grace, told.most)
    figures = Figures(told.metrics, bounds)
    return Watching(store, decisions, heard, watcher=Watcher(terms), figures=figures, every=told.every)
