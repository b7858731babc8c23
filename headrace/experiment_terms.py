"""Whether an experiment may start: what it tries, on whom, judged by what; checked before its line is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from checkpoints.registry import Registry
from checkpoints.store import VersionStore
from headrace.list_settings import unlearned
from headrace.operations import refuse_failed
from headrace.settings import Serving, Settings
from serving.arm_sums import METRICS
from serving.policy import Policy
from serving.tried_settings import PREFIX, BadSetting, can_be_tried, names_told, policy_with
from streams.decisions import DecisionLog
from streams.errors import HeadraceError, LogMismatch
from streams.experiments import MOST, Experiment, Experiments, Trial
from streams.log import Log
from streams.positions import Positions
from streams.rules import Rules

BESIDES = 2
"""Versions that a server keeps warm whatever is tried: the live one, and the one to go back to."""


class ExperimentError(HeadraceError):
    """An experiment that can't be, or can't become what was asked for."""


class NoSuchExperiment(ExperimentError):
    """Nobody ever started an experiment of this name."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where experiments take place: the log, the versions, the settings of serving, the labels' names; `keep` versions
    are warm on a server at once; with `served` a slate counts as shown; `arms` has snapshots of what was read."""

    decisions: DecisionLog
    events: Log
    store: VersionStore
    serving: Serving
    labels: Sequence[str]
    keep: int
    served: bool = False
    arms: Path | None = None


def ground_of(settings: Settings, decisions: DecisionLog, events: Log, store: VersionStore) -> Ground:
    """The ground of a deployment."""
    return Ground(
        decisions, events, store, settings.serving, tuple(settings.labels), settings.follower.keep,
        served=settings.join.impressions == "served", arms=arms_of(settings),
    )  # fmt: skip


def arms_of(settings: Settings) -> Path:
    """Where a server keeps snapshots of what it read of experiments."""
    return settings.var / "snapshots" / "arms"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be tried, on whom, judged by what."""

    name: str
    version: int | None = None
    settings: Mapping[str, str] | None = None
    share: float | None = None
    mirror: bool = False
    metric: str = ""
    abort_below: float = -0.05
    horizon: int = 0

    @property
    def bare(self) -> bool:
        """Whether it says nothing but the name."""
        return self.version is None and not self.settings and self.share is None and not self.metric


def check_name(wanted: Wanted, standing: Experiment | None) -> None:
    """Raises ExperimentError where the name can't be drawn from."""
    if not wanted.name[:1].isalnum() or not all(letter.isalnum() or letter in "-_." for letter in wanted.name):
        raise ExperimentError(
            f"{wanted.name!r} is no name: use letters, digits, '-', '_' and '.', a letter or a digit first"
        )
    if standing is None:
        return
    if standing.state == "paused":
        raise ExperimentError(
            f"experiment {wanted.name} is paused, and what it tries can't change any more, since its figures would mix "
            f"two things. Go on with it: headrace experiment start {wanted.name} --why TEXT; or choose another name"
        )
    raise ExperimentError(
        f"experiment {wanted.name} is {standing.state} since decision {standing.lines[-1]}; a name is drawn from only "
        "once, as the same users would meet the next thing. Choose another name"
    )


def trial_of(wanted: Wanted, ground: Ground) -> Trial:
    """What the line of a start says. Raises ExperimentError where it can't be served, or nobody could stop it."""
    if wanted.version is None and not wanted.settings:
        raise ExperimentError("nothing is tried: name a version (--version N) or settings (--set serving.KEY=VALUE)")
    if wanted.metric not in METRICS and not (wanted.mirror and not wanted.metric):
        said = f"{wanted.metric!r} is none" if wanted.metric else "none is named"
        raise ExperimentError(
            f"an experiment needs a metric that stops it, and {said}: --metric with one of {', '.join(METRICS)}"
        )
    if wanted.share is None or not 0 < wanted.share < 1:
        raise ExperimentError(f"the share is {wanted.share}; it is above 0 and below 1, e.g. --share .05")
    if not -1 < wanted.abort_below < 0:
        raise ExperimentError(
            f"abort-below is {wanted.abort_below}; it is a relative difference that is borne, e.g. -.05 for 5 % worse"
        )
    settings = tried_settings(wanted.settings or {}, ground)
    return Trial(
        wanted.name, "start", settings, wanted.share, wanted.mirror, wanted.metric, wanted.abort_below, wanted.horizon
    )


def tried_settings(given: Mapping[str, str], ground: Ground) -> dict[str, str]:
    """The settings as the file would have them, checked as the file's are; values as JSON. `diversity` is short for
    `serving.diversity`."""
    given = {PREFIX + name.removeprefix(PREFIX): text for name, text in given.items()}
    whole: dict[str, Any] = ground.serving.model_dump()
    for name, text in given.items():
        if not can_be_tried(name):
            raise ExperimentError(f"{name} can't be tried; what can be: {names_told()}")
        *path, last = name.removeprefix(PREFIX).split(".")
        place = whole
        for part in path:
            place = place[part]
        place[last] = text
    groups = {name.removeprefix(PREFIX).split(".")[0] for name in given}
    labels = _labels(ground)
    if "weights" in groups and not ground.serving.weights:
        whole["weights"] = dict.fromkeys(labels, 1.0) | whole["weights"]
    try:
        serving = Serving.model_validate(whole)
        checked = serving.model_dump()
        settings = {name: json.dumps(_at(checked, name)) for name in given}
        if whole["weights"] != ground.serving.weights:
            settings |= {f"{PREFIX}weights.{label}": json.dumps(worth) for label, worth in checked["weights"].items()}
        policy_with(Policy(), settings)
    except ValidationError as error:
        first = error.errors()[0]
        where, fault = ".".join(str(part) for part in first["loc"]), first["msg"].removeprefix("Value error, ")
        raise ExperimentError(f"serving.{where} can't be {first['input']!r}: {fault}") from None
    except BadSetting as error:
        raise ExperimentError(str(error)) from None
    named = {PREFIX + name: label for name, label in serving.labels_named.items() if name.split(".")[0] in groups}
    if fault := unlearned(named, labels):
        raise ExperimentError(fault)
    return settings


def _labels(ground: Ground) -> Sequence[str]:
    """Those that the log is joined with; the settings file of who asks may be another one than the servers'."""
    ground.decisions.follow()
    told = ground.decisions.fold.masking().settings_of("join")
    try:
        return [label.name for label in Rules.of(told[-1][1]).labels] if told else ground.labels
    except LogMismatch:
        return ground.labels  # said by another release


def _at(told: Any, name: str) -> Any:
    for part in name.removeprefix("serving.").split("."):
        told = told[part]
    return told


def check_apart(trial: Trial, version: int | None, known: Experiments) -> None:
    """Raises ExperimentError where another experiment tries the same thing: users of both could not have both."""
    standing = known.standing()
    if len(standing) >= MOST:
        names = ", ".join(one.name for one in standing)
        raise ExperimentError(f"{MOST} experiments stand already, as many as may: {names}. Abort or promote one first")
    for one in standing:
        both = sorted(trial.settings.keys() & one.trial.settings.keys())
        if version is not None and one.version is not None:
            both.append("the version")
        if both:
            raise ExperimentError(
                f"experiment {one.name} tries {', '.join(both)} already, and users of both could not have both. "
                f"End it first: headrace experiment abort {one.name} --why TEXT"
            )


def checked_version(version: int, known: Experiments, ground: Ground) -> tuple[int, Positions]:
    """The decisions and the positions that a version was made under, if it may serve. Raises VersionError."""
    ground.store.open(version)
    manifest, fold = ground.store.manifest(version), ground.decisions.fold
    if not fold.valid(manifest.decisions, manifest.input):
        raise ExperimentError(
            f"version {version} learned from events that are masked since. "
            "Choose one whose `valid` is true: headrace versions list"
        )
    refuse_failed(manifest)
    registry = Registry.of(fold)
    if version == registry.live:
        raise ExperimentError(f"version {version} serves everybody already; try another one: headrace versions list")
    if version in registry.rolled_back:
        raise ExperimentError(
            f"version {version} was taken back; let it serve again first, if it shall: headrace publish {version}"
        )
    needed = known.needed(fold) | {version}
    if BESIDES + len(needed) > ground.keep:
        raise ExperimentError(
            f"servers keep {ground.keep} versions warm ([follower] keep), and {BESIDES + len(needed)} would be needed: "
            f"the live one, the one to go back to, {', '.join(map(str, sorted(needed)))}. Raise it, and restart them"
        )
    return manifest.decisions, manifest.input
