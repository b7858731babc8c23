"""Alarms of slow drift, by River's detectors: what moves too slowly for a guard that judges single batches.

Three signals of each batch: the mean log loss and the mean residual (ADWIN, Bifet and Gavalda 2007), and the residual
in units of its own chance (Page-Hinkley). A number that is not finite never gets to a detector: one is enough to
silence it for ever. Nothing is held or refused here. River's detectors are not kept, but the values since they began,
of which there is a bound; a restart feeds them again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import isfinite, sqrt
from typing import Any, Literal

import numpy as np
from river import drift
from river.base import DriftDetector

from learners.learner import Doubles
from learners.metrics import losses
from learners.rivals import Arrays

KEEP = 1024
"""Batches that a detector still knows after it was begun anew because it knew twice as many."""
RECENT = 32
"""Batches whose mean, against that of those before, is the direction."""
ALARMS = 256
"""Alarms that are remembered; older ones are only counted."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """`batch` is its number, counted from 0; `direction` where the signal went."""

    batch: int
    signal: str
    direction: Literal["up", "down"]
    before: float
    after: float

    @property
    def sentence(self) -> str:
        """For a log.

        >>> Alarm(812, "residual", "up", -0.001, 0.02).sentence
        'slow drift: the outcome less the prediction went up, from -0.0010 to 0.0200, by batch 812'
        """
        way = f"{self.direction}, from {self.before:.4f} to {self.after:.4f}, by batch {self.batch}"
        return f"slow drift: {SAID[self.signal]} went {way}"


SAID = {
    "loss": "the mean log loss",
    "residual": "the outcome less the prediction",
    "residual_z": "the outcome less the prediction, over its own chance,",
}
"""Signals in words."""


def adwin() -> DriftDetector:
    """Looks at each value: by its usual clock of 32 it is late by as many batches."""
    return drift.ADWIN(delta=0.002, clock=1)  # type: ignore[no-untyped-call]


def page_hinkley() -> DriftDetector:
    """For a signal of spread 1: it hears a lasting move beyond a quarter of that. By chance a walk with this slope
    passes the threshold with a probability of about exp(-2 * .25 * 50) from each start."""
    return drift.PageHinkley(delta=0.25, threshold=50.0)


SIGNALS: dict[str, Callable[[], DriftDetector]] = {"loss": adwin, "residual": adwin, "residual_z": page_hinkley}


class Watch:
    """One signal with its detector.

    >>> watch = Watch(adwin)
    >>> heard = [watch.see(value) for value in [0.3, 0.31] * 100 + [0.9] * 20]
    >>> [told is not None for told in heard].index(True) >= 200, watch.see(float("nan"))
    (True, None)
    """

    def __init__(self, make: Callable[[], DriftDetector]) -> None:
        self._make = make
        self._detector = make()
        self.values: list[float] = []

    def see(self, value: float) -> tuple[float, float] | None:
        """Take a value; the means before and after where it is an alarm."""
        if not isfinite(value):
            return None
        self.values.append(value)
        self._detector.update(value)
        if self._detector.drift_detected:
            told = self._means()
            self.begin([])
            return told
        if len(self.values) >= 2 * KEEP:
            self.begin(self.values[-KEEP:])
        return None

    def begin(self, values: list[float]) -> None:
        """Anew, from these values; where they hold an alarm, from what lies behind it."""
        self._detector, self.values = self._make(), []
        for value in values:
            self.values.append(value)
            self._detector.update(value)
            if self._detector.drift_detected:
                self._detector, self.values = self._make(), []

    def _means(self) -> tuple[float, float]:
        new = self.values[-min(RECENT, max(1, len(self.values) // 2)) :]
        old = self.values[: -len(new)] or new
        return sum(old) / len(old), sum(new) / len(new)


class DriftAlarms:
    """The alarms of one label.

    >>> alarms = DriftAlarms()
    >>> alarms.see(np.array([0.2, 0.4]), np.array([0.0, 1.0])), alarms.batches
    ([], 1)
    """

    def __init__(self) -> None:
        self._watches = {name: Watch(make) for name, make in SIGNALS.items()}
        self.batches = 0
        self.broken = 0
        """Batches without a finite row."""
        self.count = 0
        self.alarms: list[Alarm] = []

    def see(self, probability_N: Doubles, value_N: Doubles) -> list[Alarm]:
        """Take what was foreseen of a batch and what came; the alarms it gives. Rows not finite are left out."""
        fine_N = np.isfinite(probability_N) & np.isfinite(value_N)
        batch, new = self.batches, []
        self.batches += 1
        if not fine_N.any():
            self.broken += 1
            return []
        for name, value in _signals(probability_N[fine_N].astype(np.float64), value_N[fine_N] > 0).items():
            told = self._watches[name].see(value)
            if told is not None:
                new.append(Alarm(batch, name, "up" if told[1] > told[0] else "down", *told))
        self.count += len(new)
        self.alarms = [*self.alarms, *new][-ALARMS:]
        return new

    def report(self) -> dict[str, Any]:
        """Counts, and the newest alarms as plain fields."""
        return {"batches": self.batches, "alarms": self.count, "newest": [asdict(a) for a in self.alarms[-16:]]}

    def told(self) -> dict[str, Any]:
        """Counts, and the newest alarms in words."""
        return {"batches": self.batches, "count": self.count, "newest": [a.sentence for a in self.alarms[-8:]]}

    def state(self) -> Arrays:
        """Values, counts and alarms."""
        told = {"alarms": [asdict(a) for a in self.alarms], "counts": [self.batches, self.broken, self.count]}
        arrays = {name: np.array(watch.values, np.float64) for name, watch in self._watches.items()}
        return {**arrays, "document": np.frombuffer(json.dumps(told, sort_keys=True).encode(), np.uint8)}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        told = json.loads(arrays["document"].tobytes())
        self.batches, self.broken, self.count = told["counts"]
        self.alarms = [Alarm(**alarm) for alarm in told["alarms"]]
        for name, watch in self._watches.items():
            watch.begin(arrays[name].tolist())


def _signals(p_N: Doubles, chosen_N: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, float]:
    """Mean log loss; mean of outcome less prediction; that sum over its spread were the predictions true."""
    residual_N = chosen_N - p_N
    spread = sqrt(max(float((p_N * (1 - p_N)).sum()), 1e-9))
    return {
        "loss": float(losses(p_N, chosen_N).mean()),
        "residual": float(residual_N.mean()),
        "residual_z": float(residual_N.sum()) / spread,
    }
