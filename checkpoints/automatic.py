"""When to go back without being asked: windows of live figures, and a decider over them that never flaps.

A metric is bad where enough of the newest windows are beyond its limit, each with its own interval. The way back goes
to the newest good version that served before the first of these. It is taken at most so often: after any decision of
who serves there is time to bake, twice as long after each automatic rollback of the last day, and after the last of
these it only warns. All of that is read off the decisions, so a restart forgets nothing but windows. Pure: the clock is
an argument.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from checkpoints.manifest import Manifest
from checkpoints.registry import Registry
from streams.decisions import Decision, Decisions

WHO = "automatic"
DAY = 86_400_000
MOVES = ("rollback", "promote", "resume", "hold")
"""Kinds of lines by which another version came to serve than the next one of the trainer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """`bad` of `windows` windows beyond the limit; `bake` and `lag` in ms, the latter how long after a slate its labels
    are known; at most `most` rollbacks in a day."""

    windows: int = 6
    bad: int = 4
    bake: int = 600_000
    lag: int = 0
    most: int = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric over one window: whether it was beyond its limit (None: too little to say), and in words."""

    metric: str
    beyond: bool | None
    why: str


@dataclass(frozen=True, slots=True)
class Window:
    """What was read up to a time."""

    since: int
    at: int
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do: a version to go back to, or None; why, or why not though figures are bad."""

    version: int | None = None
    why: str = ""
    warning: str = ""


@dataclass(slots=True)
class Watcher:
    """Takes windows, answers what to do.

    >>> watcher = Watcher(Terms(windows=2, bad=2))
    >>> watcher.take(Window(0, 10, (Reading("errors", True, "9 % of requests failed"),)))
    >>> watcher.take(Window(10, 20, (Reading("errors", True, "8 % of requests failed"),)))
    >>> watcher.bad()
    ['2 of 2 windows beyond the limit: 8 % of requests failed']
    """

    terms: Terms
    kept: deque[Window] = field(default_factory=deque)

    def take(self, window: Window) -> None:
        """The next window."""
        self.kept.append(window)
        while len(self.kept) > self.terms.windows:
            self.kept.popleft()

    def bad(self) -> list[str]:
        """What is wrong, a sentence for each metric."""
        found: dict[str, list[str]] = {}
        for window in self.kept:
            for one in window.readings:
                if one.beyond:
                    found.setdefault(one.metric, []).append(one.why)
        return [
            f"{len(why)} of {len(self.kept)} windows beyond the limit: {why[-1]}"
            for why in found.values()
            if len(why) >= self.terms.bad
        ]

    def decide(self, now: int, decisions: Decisions, manifests: Sequence[Manifest]) -> Answer:
        """Whether to go back now, and to which version."""
        bad = self.bad()
        if not bad:
            return Answer()
        why = "; ".join(bad)
        before = automatic(decisions, now)
        if len(before) >= self.terms.most:
            return Answer(
                warning=f"{why}; there were {len(before)} automatic rollbacks in a day, at most {self.terms.most}: "
                "nothing is decided any more. Look at it: headrace decisions"
            )
        if now < (until := self.baking(decisions, len(before))):
            return Answer(warning=f"{why}; the last decision bakes for another {(until - now) // 1_000} s")
        first = next(w for w in self.kept if any(one.beyond for one in w.readings))
        # a window further back: what served at its begin may be what went bad
        before_it = 2 * first.since - first.at - self.terms.lag
        version = target(decisions, manifests, before=before_it)
        if version is None:
            return Answer(warning=f"{why}; no good version served before, so there is none to go back to")
        return Answer(version, why)

    def baking(self, decisions: Decisions, rollbacks: int) -> int:
        """Until when nothing is decided: some time after the last move, or the first publish after a pause."""
        last, paused = None, True
        for line, holds in zip(decisions.lines, decisions.effective, strict=True):
            if not holds or (line.kind == "hold" and line.who == "trainer"):
                continue  # what never served is no change of what serves
            if line.kind in MOVES or (line.kind == "publish" and paused):
                last = line.at
            paused = line.kind in ("rollback", "pause") or (paused and line.kind not in ("publish", "resume"))
        return 0 if last is None else last + self.terms.bake * 2**rollbacks

    def forget(self) -> None:
        """Windows of before a decision say nothing of what serves now."""
        self.kept.clear()


def automatic(decisions: Decisions, now: int) -> list[Decision]:
    """The rollbacks of the last day that nobody asked for."""
    return [line for line in decisions.lines if line.kind == "rollback" and line.who == WHO and now - line.at < DAY]


def target(decisions: Decisions, manifests: Iterable[Manifest], *, before: int) -> int | None:
    """The newest version that began to serve before a time, is older than what serves, passed its gate, is valid under
    today's mask, and was neither held nor rolled back."""
    registry = Registry.of(decisions)
    told: Mapping[int, Manifest] = {manifest.version: manifest for manifest in manifests}
    served = {line.version: line.at for line in decisions.lines if line.kind in ("publish", "promote")}
    bad = registry.held | registry.rolled_back
    found = (
        version
        for version, at in served.items()
        if version is not None and version in told and version not in bad and at <= before
        if registry.live is not None and version < registry.live
        if told[version].verdict == "pass" and decisions.valid(told[version].decisions, told[version].input)
    )
    return max(found, default=None)


def line_of(answer: Answer, manifest: Manifest, decisions: Decisions, now: int) -> Decision:
    """The line by which a rollback is taken."""
    return Decision(
        "rollback", now, WHO, answer.why, seen=decisions.position, version=manifest.version,
        mask_position=manifest.decisions, input=manifest.input,
    )  # fmt: skip
