"""What is tried out on a share of users: the lines that start, pause, promote and abort it, and their fold.

An experiment is a version, or some settings of serving, or both, that answer the users of its `share`: who they are
follows from its name and the user's id alone. Nothing here serves or measures; what servers learn is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from streams.mask import equal_below
from streams.positions import Positions

if TYPE_CHECKING:
    from streams.decisions import Decision, Decisions

Action = Literal["start", "pause", "promote", "abort"]
State = Literal["running", "paused", "promoted", "aborted"]
ON, OFF = "on", "off"
"""The arms, as slates name them: who gets what is tried, and everybody else."""
MOST = 4
"""Experiments that may run at once."""
RANGE = 1 << 64


class Trial(Struct, frozen=True, omit_defaults=True):
    """What a line of kind `experiment` says beside the version it names.

    All but `name` and `action` belong to a start. `settings` are keys of `[serving]` and their values as JSON;
    `abort_below` is the least relative difference of the `metric` that is borne (-.05: five percent worse).
    """

    name: str
    action: Action
    settings: dict[str, str] = {}
    share: float = 0.0
    mirror: bool = False
    metric: str = ""
    abort_below: float = -1.0
    horizon: int = 0
    """Milliseconds after which it is read once; 0: it may be looked at whenever one likes."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One experiment as it stands. `begin` are the log ends of events when it was started, `lines` its decisions;
    `version` is None where the live one answers."""

    trial: Trial
    version: int | None
    made: int
    input: Positions
    begin: Positions
    started_at: int
    who: str
    why: str
    state: State = "running"
    changed_at: int = 0
    pauses: tuple[tuple[int, int], ...] = ()
    """From when to when (ms) it stood still; an open one ends at -1."""
    lines: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        return self.trial.name

    @property
    def over(self) -> bool:
        return self.state in ("promoted", "aborted")

    def untainted(self, decisions: Decisions) -> bool:
        """Whether its version is still what today's mask gives."""
        return self.version is None or decisions.valid(self.made, self.input)


@dataclass(slots=True)
class Experiments:
    """Every experiment there ever was, by name, after the lines fed so far.

    >>> from streams.decisions import Decision
    >>> told, begun = Experiments(), Trial("bold", "start", {"serving.diversity": "0.2"}, share=0.1, metric="page_ctr")
    >>> told.feed(0, Decision("experiment", 5, "ana", "more of the unlike", 0, trial=begun))
    >>> [one.name for one in told.running()], told.overlay()
    (['bold'], {})
    >>> told.feed(1, Decision("experiment", 9, "ana", "it is better", 1, trial=Trial("bold", "promote")))
    >>> told.running(), told.overlay()
    ([], {'serving.diversity': '0.2'})
    """

    named: dict[str, Experiment] = field(default_factory=dict)
    position: int = 0

    @classmethod
    def of(cls, decisions: Decisions) -> Experiments:
        """After every line of a fold."""
        made = cls()
        made.follow(decisions)
        return made

    def follow(self, decisions: Decisions) -> bool:
        """Take the lines that were not read yet; whether one of them was about an experiment."""
        lines = enumerate(decisions.lines[self.position :], self.position)
        fresh = [(n, line) for n, line in lines if line.kind == "experiment"]
        for n, line in fresh:
            then = decisions.masking(n + 1)
            if decisions.effective[n] and equal_below(decisions.masking(line.mask_position), then, line.input):
                self.feed(n, line)
        self.position = decisions.position
        return bool(fresh)

    def feed(self, n: int, line: Decision) -> None:
        """Take line number `n`; one that can't be, such as the end of what is not there, changes nothing."""
        trial = line.trial
        if line.kind != "experiment" or trial is None:
            return
        known = self.named.get(trial.name)
        if known is None:
            if trial.action == "start":
                self.named[trial.name] = Experiment(
                    trial, line.version, line.mask_position, line.input, line.start, line.at, line.who, line.why,
                    changed_at=line.at, lines=(n,),
                )  # fmt: skip
            return
        moved = _moved(known, trial.action, line.at)
        if moved is not None:
            self.named[trial.name] = replace(moved, changed_at=line.at, lines=(*known.lines, n))

    def running(self) -> list[Experiment]:
        """Those that answer somebody, in the order of their starts."""
        return [one for one in self.named.values() if one.state == "running"]

    def standing(self) -> list[Experiment]:
        """Those that are not over."""
        return [one for one in self.named.values() if not one.over]

    def needed(self, decisions: Decisions) -> frozenset[int]:
        """The versions that experiments need; servers keep them warm, and nothing takes them away."""
        standing = (one for one in self.standing() if one.untainted(decisions))
        return frozenset(one.version for one in standing if one.version is not None)

    def overlay(self) -> dict[str, str]:
        """Settings that were promoted: they stand over those of the file, the newest last."""
        promoted = (one for one in self.named.values() if one.state == "promoted")
        told: dict[str, str] = {}
        for one in sorted(promoted, key=lambda one: one.lines[-1]):
            told |= one.trial.settings
        return told


def drawn(name: str, user_id: str) -> float:
    """Where a user stands in an experiment, 0 to 1: a pure function, even over users and unlike between experiments.

    >>> drawn("bold", "ana") == drawn("bold", "ana"), drawn("bold", "ana") == drawn("shy", "ana")
    (True, False)
    """
    told = blake2b(f"{name}\0{user_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(told, "little") / RANGE


def arm_of(trial: Trial, user_id: str) -> str:
    """The arm of a user, for as long as the experiment runs.

    >>> begun = Trial("bold", "start", share=0.25)
    >>> arms = [arm_of(begun, f"u{n}") for n in range(4_000)]
    >>> .23 < arms.count("on") / len(arms) < .27
    True
    """
    return ON if drawn(trial.name, user_id) < trial.share else OFF


def _moved(known: Experiment, action: Action, at: int) -> Experiment | None:
    match action:
        case "start" if known.state == "paused":
            began = known.pauses[-1][0]
            return replace(known, state="running", pauses=(*known.pauses[:-1], (began, at)))
        case "pause" if known.state == "running":
            return replace(known, state="paused", pauses=(*known.pauses, (at, -1)))
        case "promote" if not known.over:
            return replace(known, state="promoted")
        case "abort" if known.state != "aborted":  # also of what was promoted: its settings no longer stand
            return replace(known, state="aborted")
    return None
