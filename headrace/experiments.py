"""What an operator does about experiments: start, pause, promote, abort, list, read. Each change is an appended line.

An experiment that can't be served, or that nobody could stop, is refused before its line is written. No terminal is
known here.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import msgspec

from checkpoints.registry import Registry
from headrace.experiment_terms import (
    ExperimentError,
    Ground,
    NoSuchExperiment,
    Wanted,
    check_apart,
    check_name,
    checked_version,
    trial_of,
)
from headrace.operations import Operator, promote
from serving.arm_figures import Reading, read
from serving.arm_reading import ArmReader
from streams.decisions import Decision, DecisionLog
from streams.experiments import Action, Experiment, Experiments, Trial
from streams.positions import Positions


def start(wanted: Wanted, ground: Ground, operator: Operator, *, dry_run: bool = False) -> int | None:
    """Let a share of the users have it from now on, or go on with what was paused; the number of the line, None where
    it was only tried. Raises ExperimentError or VersionError, and then nothing has moved."""
    ground.decisions.follow()
    known = Experiments.of(ground.decisions.fold)
    standing = known.named.get(wanted.name)
    if standing is not None and standing.state == "paused" and wanted.bare:
        return _write(standing.name, "start", ground, operator, dry_run)
    check_name(wanted, standing)
    trial = trial_of(wanted, ground)
    check_apart(trial, wanted.version, known)
    made, reached = 0, Positions()
    if wanted.version is not None:
        made, reached = checked_version(wanted.version, known, ground)
    begin = {p: ground.events.end(p) for p in range(ground.events.partitions)}
    if dry_run:
        return None
    line = Decision(
        "experiment", operator.at, operator.who, operator.why, seen=ground.decisions.fold.position,
        version=wanted.version, mask_position=made, input=reached, start=begin, trial=trial,
    )  # fmt: skip
    return ground.decisions.decide(line)[0]


def move(
    name: str,
    action: Literal["pause", "promote", "abort"],
    ground: Ground,
    operator: Operator,
    *,
    dry_run: bool = False,
) -> int | None:
    """Pause, promote or abort it; the number of the line, None where it was only tried.

    Promote: 1. its version becomes the live one, as `headrace publish` would do it; 2. the line of the experiment, by
    which servers take its settings over those of their file. Between the two everybody has the version, and the
    experiment still runs. Raises ExperimentError or VersionError.
    """
    one = find(name, ground.decisions)
    allowed = {"pause": ("running",), "promote": ("running", "paused"), "abort": ("running", "paused", "promoted")}
    if one.state not in allowed[action]:
        raise ExperimentError(
            f"experiment {name} is {one.state}; {action} is for one that is {' or '.join(allowed[action])}. "
            "See headrace experiment list"
        )
    if action == "promote" and one.version is not None:
        told = Operator(operator.who, f"experiment {name}: {operator.why}", operator.at)
        promote(one.version, ground.store, ground.decisions, told, dry_run=dry_run)
    return _write(name, action, ground, operator, dry_run)


def find(name: str, decisions: DecisionLog) -> Experiment:
    """One experiment as it stands. Raises NoSuchExperiment."""
    decisions.follow()
    named = Experiments.of(decisions.fold).named
    if name not in named:
        there = ", ".join(named) or "none"
        raise NoSuchExperiment(f"there is no experiment {name!r}; there are: {there}. See headrace experiment list")
    return named[name]


def rows(decisions: DecisionLog) -> list[dict[str, Any]]:
    """Every experiment in the order of the starts, with its standing: a running one whose version is tainted is not
    served."""
    decisions.follow()
    fold = decisions.fold
    back = Registry.of(fold).rolled_back
    return [
        told(one) | {"served": one.state == "running" and one.untainted(fold) and one.version not in back}
        for one in Experiments.of(fold).named.values()
    ]


def told(one: Experiment) -> dict[str, Any]:
    """One experiment as plain fields."""
    trial = msgspec.to_builtins(msgspec.structs.replace(one.trial))
    trial.pop("action", None)
    return {
        "mirror": False, "settings": {}, **trial, "version": one.version, "state": one.state,
        "started_at": one.started_at, "changed_at": one.changed_at, "who": one.who, "why": one.why,
        "lines": list(one.lines),
    }  # fmt: skip


def reading(name: str, ground: Ground, *, now: int) -> tuple[Experiment, Reading, bool]:
    """One experiment, what became of its pages by the log, and whether retention took some of them before."""
    one = find(name, ground.decisions)
    reader = ArmReader(one, ground.events, ground.decisions, served=ground.served, arms=ground.arms)
    while reader.turn(500):
        pass
    return one, read(one, reader.sums(), now=now), reader.cut


def reading_told(reading: Reading) -> dict[str, Any]:
    """A reading as plain fields."""
    return asdict(reading)


def _write(name: str, action: Action, ground: Ground, operator: Operator, dry_run: bool) -> int | None:
    if dry_run:
        return None
    seen = ground.decisions.fold.position
    line = Decision("experiment", operator.at, operator.who, operator.why, seen=seen, trial=Trial(name, action))
    return ground.decisions.decide(line)[0]
