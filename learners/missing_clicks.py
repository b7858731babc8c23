"""Which interactions are missing, by producer, in step with the rows that they would have decided.

What sources announce runs behind what they do, and not evenly: a gap opens and closes as their announcements come.
Only where its highest point over the time between two of them rises, something was lost. A label tells of an
interaction a window later, so counts wait that long too: a hold then covers the rows that lack them, and no others.
Producers that announce nothing are not counted. A function of frames in their order; whether a loss matters is for the
guard to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from learners.keeping import Arrays
from learners.ordering import Counts

FINEST_MS = 1000
STEPS = 128
"""In at most so many steps counts wait."""


@dataclass(slots=True)
class Step:
    """What was counted of a producer in one step: how many came, how many more were announced, at the end and at
    most in between."""

    came: int = 0
    more: int = 0
    most: int | None = None

    def add(self, announced: int, delivered: int) -> None:
        """Take in what one frame counted."""
        self.came += delivered
        self.more += announced - delivered
        self.most = self.more if self.most is None else max(self.most, self.more)


@dataclass(slots=True)
class Gap:
    """One producer: how many more were announced than came, and the highest points of that, falling, each with when it
    was there. Nothing is missing before `begins`: until then the usual gap is got to know."""

    begins: int
    ahead: int = 0
    peaks: list[list[int]] = field(default_factory=list)

    def add(self, at: int, step: Step, *, over: int) -> int:
        """By how much the highest point of the last `over` ms rises with one more step."""
        before = self.peaks[0][1] if self.peaks else self.ahead
        point, self.ahead = self.ahead + (step.most or 0), self.ahead + step.more
        while self.peaks and self.peaks[-1][1] <= point:
            self.peaks.pop()
        self.peaks.append([at, point])
        while self.peaks[0][0] <= at - over:
            self.peaks.pop(0)
        return max(0, self.peaks[0][1] - before) if at >= self.begins else 0


class MissingClicks:
    """Interactions of one type; `delay` is the window of their label, `every` the longest time that a source lets pass
    between two announcements, all in ms of the watermark.

    >>> from streams.examples import Counted
    >>> clicks = MissingClicks("click", delay=10_000, every=5_000)
    >>> for second in range(30):
    ...     came = 4 if second < 20 else 2
    ...     clicks.take([Counts(second * 1000, (Counted("web", "click", 4, came),))])
    >>> [clicks.until(at) for at in (19_000, 29_000, 30_000)]
    [{'web': (40, 40)}, {'web': (40, 40)}, {'web': (4, 2)}]
    """

    def __init__(self, type: str, *, delay: int, every: int) -> None:
        self._type, self._delay, self._every = type, delay, every
        self._step = max(FINEST_MS, delay // STEPS)
        self._waiting: dict[int, dict[str, Step]] = {}
        self._gaps: dict[str, Gap] = {}

    def take(self, counts: Iterable[Counts]) -> None:
        """What frames counted."""
        for watermark, counted in sorted(counts, key=lambda one: one.watermark):
            due = (watermark + self._delay) // self._step * self._step
            for one in counted:
                if one.type != self._type:
                    continue
                if one.announced and one.producer not in self._gaps:
                    self._gaps[one.producer] = Gap(due + self._every)
                if one.producer in self._gaps:
                    step = self._waiting.setdefault(due, {}).setdefault(one.producer, Step())
                    step.add(one.announced, one.delivered)

    def until(self, horizon: int) -> dict[str, tuple[int, int]]:
        """By producer what should have come and what came, of what tells in rows up to here; each is told once."""
        told: dict[str, tuple[int, int]] = {}
        for due in sorted(at for at in self._waiting if at <= horizon):
            for producer, step in sorted(self._waiting.pop(due).items()):
                missing = self._gaps[producer].add(due, step, over=self._every)
                should, came = told.get(producer, (0, 0))
                told[producer] = should + step.came + missing, came + step.came
        return told

    def state(self) -> Arrays:
        """Everything, as the bytes of one document."""
        waiting = [
            [due, [[name, step.came, step.more, step.most] for name, step in sorted(steps.items())]]
            for due, steps in sorted(self._waiting.items())
        ]
        gaps = [[name, gap.begins, gap.ahead, gap.peaks] for name, gap in sorted(self._gaps.items())]
        return {"clicks": np.frombuffer(json.dumps([waiting, gaps]).encode(), np.uint8).copy()}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        waiting, gaps = json.loads(arrays["clicks"].tobytes())
        self._waiting = {due: {name: Step(*figures) for name, *figures in steps} for due, steps in waiting}
        self._gaps = {name: Gap(begins, ahead, peaks) for name, begins, ahead, peaks in gaps}
