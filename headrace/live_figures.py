"""What processes count, cut into windows: each metric of automatic rollback, against its limit. Pure.

Metrics are built so that a change of the world is none: the model is held against a copy of the version that served
before, on the same rows, and a fall of clicks counts only as far as that copy foresaw it from what was shown.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from checkpoints.automatic import Reading

Sums = Mapping[str, float]
LEAST, LEAST_CAME, LEAST_ASKED = 200, 30, 50
"""Rows, yeses and requests below which a window says nothing."""
BASE = 60
"""Windows of before that a fall is measured against."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of the metrics, as in the settings; `windows` are those that are looked at, and belong to no base."""

    clicks: float = 0.2
    ne: float = 0.05
    calibration: float = 0.7
    fallback: float = 0.5
    errors: float = 0.05
    windows: int = 6


@dataclass(slots=True)
class Figures:
    """Sums since the start of a process come in, readings of what came since the last time go out.

    >>> figures = Figures(("errors",), Bounds())
    >>> figures.read({}, {"requests": 100, "failed": 0}), figures.read({}, {"requests": 200, "failed": 9})[0].beyond
    ([Reading(metric='errors', beyond=None, why='errors: too little to say')], True)
    """

    metrics: tuple[str, ...]
    bounds: Bounds
    _before: dict[str, float] = field(default_factory=dict)
    _windows: deque[Sums] = field(default_factory=deque)

    def read(self, train: Mapping[str, Any], serve: Mapping[str, Any]) -> list[Reading]:
        """What the trainer and the servers say now; one reading for each metric that is watched."""
        now = {name: float(value) for name, value in (train.get("rehearsed") or {}).items()}
        now |= {name: float(serve[name]) for name in ("requests", "failed", "version") if name in serve}
        rungs = serve.get("rungs") or {}
        now |= {"lists": float(sum(rungs.values())), "by_model": float(rungs.get("model", 0))}
        grown = {name: value - self._before[name] for name, value in now.items() if name in self._before}
        if any(value < 0 for name, value in grown.items() if name != "version"):
            grown = {}  # somebody began anew
        self._before = now
        of: dict[str, Callable[[], tuple[bool | None, str]]] = {
            "clicks": lambda: self._clicks(grown),
            "ne": lambda: self._ne(grown),
            "calibration": lambda: self._calibration(grown),
            "guard": lambda: _guarded(train),
            "fallback": lambda: self._fallback(grown, now.get("version", 0.0)),
            "errors": lambda: self._errors(grown),
        }
        told = [(name, *of[name]()) for name in self.metrics]
        if grown.get("n"):
            self._windows.append(grown)
            while len(self._windows) > BASE + self.bounds.windows:
                self._windows.popleft()
        return [Reading(name, beyond, why or f"{name}: too little to say") for name, beyond, why in told]

    def _clicks(self, grown: Sums) -> tuple[bool | None, str]:
        """Beyond where the click rate fell by more than the limit for certain, and the copy foresaw half of that."""
        base = list(self._windows)[: -self.bounds.windows + 1 or None]
        before = {name: sum(one.get(name, 0.0) for one in base) for name in ("n", "came", "copy_foresaw")}
        if grown.get("n", 0.0) < LEAST or before["came"] < LEAST_CAME:
            return None, ""
        rate, usual = grown["came"] / grown["n"], before["came"] / before["n"]
        wide = 1.96 * math.sqrt((1 - rate) / max(grown["came"], 1.0) + (1 - usual) / before["came"])
        foreseen, foreseen_usual = grown["copy_foresaw"] / grown["n"], before["copy_foresaw"] / before["n"]
        fell, explained = rate / usual * math.exp(wide) < 1 - self.bounds.clicks, foreseen / foreseen_usual
        why = f"click rate {rate:.4f} after {usual:.4f}, and what was shown explains {explained - 1:+.0%}"
        return fell and explained < 1 - self.bounds.clicks / 2, why

    def _ne(self, grown: Sums) -> tuple[bool | None, str]:
        n, came = grown.get("n", 0.0), grown.get("came", 0.0)
        if n < LEAST or not 0 < came < n:
            return None, ""
        rate = came / n
        entropy = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
        worse = (grown["loss"] - grown["copy_loss"]) / n / entropy
        return worse > self.bounds.ne, f"normalised entropy is {worse:+.4f} against the version before"

    def _calibration(self, grown: Sums) -> tuple[bool | None, str]:
        came = grown.get("came", 0.0)
        if came < LEAST_CAME or min(grown["foreseen"], grown["copy_foresaw"]) <= 0:
            return None, ""
        off, usual = (abs(math.log(grown[name] / came)) for name in ("foreseen", "copy_foresaw"))
        why = f"the level is off by a factor {math.exp(off):.2f}, that of the version before by {math.exp(usual):.2f}"
        return off - usual > self.bounds.calibration, why

    def _fallback(self, grown: Sums, version: float) -> tuple[bool | None, str]:
        lists = grown.get("lists", 0.0)
        if lists < LEAST_ASKED or not version:
            return None, ""
        share = 1 - grown["by_model"] / lists
        return share > self.bounds.fallback, f"{share:.0%} of lists were not the model's"

    def _errors(self, grown: Sums) -> tuple[bool | None, str]:
        asked = grown.get("requests", 0.0)
        if asked < LEAST_ASKED:
            return None, ""
        share = grown["failed"] / asked
        return share > self.bounds.errors, f"{share:.1%} of requests failed"


def _guarded(train: Mapping[str, Any]) -> tuple[bool | None, str]:
    """Beyond where the guard holds everything, so that nothing is learned."""
    if not train:
        return None, ""
    held = (train.get("guard") or {}).get("held") or []
    return any(not one.get("axis") for one in held), "the guard holds everything that comes"
