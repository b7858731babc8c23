"""Progressive figures of a label that is foreseen as a value: errors, not chances. Learns nothing, keeps no row."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from learners.metrics import Floats

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(slots=True)
class ValueSums:
    """What the figures need, as sums; they may be faded.

    >>> sums = ValueSums()
    >>> sums.add(np.array([1.0, 3.0]), np.array([2.0, 4.0]), np.ones(2))
    >>> sums.figures()
    {'n': 2, 'squared_error': 1.0, 'absolute_error': 1.0, 'explained': 0.0, 'calibration': 0.6666666666666666}
    """

    n: float = 0.0
    foreseen: float = 0.0
    value: float = 0.0
    squared: float = 0.0
    absolute: float = 0.0
    spread: float = 0.0

    def add(self, foreseen_N: Floats, value_N: Floats, weight_N: Floats, *, keep: float = 1.0) -> None:
        """Keep a share of what is there, then add rows with their weights."""
        off_N = foreseen_N - value_N
        news = (1.0 + 0 * off_N, foreseen_N, value_N, off_N**2, np.abs(off_N), value_N**2)
        told = [old * keep + float(weight_N @ new) for old, new in zip(astuple(self), news, strict=True)]
        self.n, self.foreseen, self.value, self.squared, self.absolute, self.spread = told

    def figures(self) -> dict[str, float | None]:
        """Mean squared and absolute error, the share of the variance that is explained, and sum foreseen / sum told."""
        if not self.n:
            return dict.fromkeys(("squared_error", "absolute_error", "explained", "calibration"), None) | {"n": 0}
        mean = self.value / self.n
        variance = self.spread / self.n - mean**2
        return {
            "n": int(self.n) if self.n == int(self.n) else self.n,
            "squared_error": self.squared / self.n,
            "absolute_error": self.absolute / self.n,
            "explained": 1 - self.squared / self.n / variance if variance > 0 else None,
            "calibration": self.foreseen / self.value if self.value else None,
        }


class ValueFigures:
    """One label: over the whole, faded by `fade` a row, and since the mark."""

    kept = ("values",)
    """Names of what `state` gives."""

    def __init__(self, fade: float) -> None:
        self.whole, self.faded, self.since = ValueSums(), ValueSums(), ValueSums()
        self._fade = fade

    def add(self, foreseen_N: Floats, value_N: Floats) -> None:
        """Rows in their order, all finite."""
        f_N, v_N = foreseen_N.astype(np.float64), value_N.astype(np.float64)
        one_N = np.ones(len(f_N))
        self.whole.add(f_N, v_N, one_N)
        self.since.add(f_N, v_N, one_N)
        self.faded.add(f_N, v_N, self._fade ** np.arange(len(f_N))[::-1], keep=self._fade ** len(f_N))

    def mark(self) -> None:
        """From here on `since` counts."""
        self.since = ValueSums()

    def report(self) -> dict[str, Any]:
        return {**self.whole.figures(), "faded": self.faded.figures(), "since": self.since.figures()}

    def state(self) -> Arrays:
        """Everything, as plain arrays."""
        return {"values": np.array([astuple(sums) for sums in (self.whole, self.faded, self.since)])}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        self.whole, self.faded, self.since = (ValueSums(*row) for row in arrays["values"].tolist())
