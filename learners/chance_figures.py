"""Progressive figures of a label foreseen as a chance: exact up to a number of rows, then near. Learns nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.metrics import Figures, Flags, Floats, Histogram, Sums, auc, ece, losses

Arrays = dict[str, NDArray[Any]]


class ChanceFigures:
    """One label: sums over the whole, faded and since the mark; a ring of the newest rows; the whole's scores."""

    kept = ("sums", "score_W", "positive_W", "at", "scores", "positives", "counts")
    """Names of what `state` gives."""

    def __init__(self, window: int, exact: int, fade: float) -> None:
        self.whole, self.since, self.faded = Sums(), Sums(), Sums()
        self._score_W = np.zeros(window, np.float32)
        self._positive_W = np.zeros(window, np.bool_)
        self._at = 0
        self._exact = exact
        self._scores: list[Floats] = []
        self._positives: list[Flags] = []
        self._histogram: Histogram | None = None
        self._power_N = np.zeros(0)
        self._fade = fade

    def add(self, p_N: Floats, y_N: Flags, loss_N: NDArray[np.float64]) -> None:
        n = len(p_N)
        p64_N, y64_N = p_N.astype(np.float64, copy=False), y_N.astype(np.float64)
        told = (n, float(p64_N.sum()), float(y64_N.sum()), float(loss_N.sum()))
        self.whole.add(*told)
        self.since.add(*told)
        if len(self._power_N) < n:
            self._power_N = self._fade ** np.arange(2 * n, dtype=np.float64)[::-1]
        w_N = self._power_N[-n:]
        faded = (float(w_N.sum()), float(w_N @ p64_N), float(w_N @ y64_N), float(w_N @ loss_N))
        self.faded.add(*faded, fade=self._fade**n)
        self._keep(p_N.astype(np.float32), y_N)

    def mark(self) -> None:
        """From here on `since` counts."""
        self.since = Sums()

    def report(self) -> dict[str, Any]:
        """All of them, the whole's at the top."""
        return {
            **self.whole.figures(),
            **self._ranked(),
            "window": self._windowed(),
            "faded": self.faded.figures(),
            "since": self.since.figures(),
        }

    def state(self) -> Arrays:
        """Everything, as plain arrays."""
        scores, positives = self._kept()
        counts = np.zeros((2, 0), np.int64) if self._histogram is None else self._histogram.count_2S
        return {
            "sums": np.array([row_of(s) for s in (self.whole, self.since, self.faded)]),
            "score_W": self._score_W,
            "positive_W": self._positive_W,
            "at": np.array(self._at),
            "scores": scores,
            "positives": positives,
            "counts": counts,
        }

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        self.whole, self.since, self.faded = (Sums(*row) for row in arrays["sums"].tolist())
        self._score_W, self._positive_W = arrays["score_W"].copy(), arrays["positive_W"].copy()
        self._at = int(arrays["at"])
        self._scores, self._positives = [arrays["scores"]], [arrays["positives"]]
        self._histogram = None
        if arrays["counts"].size:
            self._histogram = Histogram()
            self._histogram.count_2S = arrays["counts"].copy()

    def _keep(self, p_N: Floats, y_N: Flags) -> None:
        window = len(self._score_W)
        slot_N = (self._at + np.arange(len(p_N))[-window:]) % window
        self._score_W[slot_N], self._positive_W[slot_N] = p_N[-window:], y_N[-window:]
        self._at += len(p_N)
        if self._histogram is not None:
            self._histogram.add(p_N, y_N)
            return
        self._scores.append(p_N)
        self._positives.append(y_N)
        if self._at > self._exact:
            self._histogram = Histogram()
            self._histogram.add(*self._kept())
            self._scores, self._positives = [], []

    def _kept(self) -> tuple[Floats, Flags]:
        """The whole's scores in one piece; they stay in one piece, so that each report copies little."""
        if len(self._scores) != 1:
            self._scores = [np.concatenate([np.zeros(0, np.float32), *self._scores])]
            self._positives = [np.concatenate([np.zeros(0, np.bool_), *self._positives])]
        return self._scores[0], self._positives[0]

    def _ranked(self) -> dict[str, Any]:
        if self._histogram is not None:
            return {"auc": self._histogram.auc(), "ece": self._histogram.ece(), "auc_exact": False}
        scores, positives = self._kept()
        return {"auc": auc(scores, positives), "ece": ece(scores, positives), "auc_exact": True}

    def _windowed(self) -> Figures:
        p, y = self._score_W[: self._at], self._positive_W[: self._at]
        sums = Sums(len(p), float(p.sum(dtype=np.float64)), float(y.sum()), float(losses(p, y).sum()))
        return {**sums.figures(), "auc": auc(p, y), "ece": ece(p, y)}


def row_of(sums: Sums) -> list[float]:
    """Sums as an array's line."""
    return [sums.n, sums.probability, sums.positive, sums.loss]
