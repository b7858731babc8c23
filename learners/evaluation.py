"""Progressive evaluation: how good the scores were that were given before the rows were learned.

Per label: whole, since the last `mark`, faded, and in a rolling window; and thin sums by slice. AUC and ECE are exact
in the window, and exact over the whole up to `exact` rows: beyond these the kept scores become a fine histogram, and
`auc_exact` says so. Who counts (weight above 0, rows of kind label) is for the caller to say. Learns nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.metrics import Figures, Flags, Floats, Histogram, Sums, auc, ece, losses

WINDOW = 20_000
EXACT = 1 << 17
FADE = 0.999
SLICES = 64
"""Slices beyond this number are counted together, under "other"."""

BLOCK = 8192
"""Rows that wait to be counted together."""

Arrays = dict[str, NDArray[Any]]


class Evaluation:
    """The progressive figures of several labels.

    >>> evaluation = Evaluation(("click",))
    >>> p = np.array([[0.2], [0.6]], np.float32)
    >>> evaluation.add(p, np.array([[0.0], [1.0]]), np.ones((2, 1), bool), ["home", "home"])
    >>> click = evaluation.report()["click"]
    >>> click["auc"], click["n"], round(click["calibration"], 3)
    (1.0, 2, 0.8)
    """

    def __init__(self, labels: Sequence[str], *, window: int = WINDOW, exact: int = EXACT, fade: float = FADE) -> None:
        self._labels = {name: _Label(window, exact, fade) for name in labels}
        self._waiting: list[tuple[Floats, Floats, Flags, Sequence[str]]] = []
        self._rows_waiting = 0
        self._slices: dict[str, int] = {}
        self._by_slice: dict[str, dict[str, Sums]] = {}
        self.not_finite = 0
        """Scores that were not finite: counted here, in no figure."""
        self.impressions = 0
        """Examples whose first label was decided, as the caller counted them."""

    def add(self, probability_BL: Floats, value_BL: Floats, counted_BL: Flags, slices: Sequence[str]) -> None:
        """Take one batch's scores, as they were before it was learned; `slices` names the slice of each row.

        The arrays are kept for a while: they must not be written to again.
        """
        self._waiting.append((probability_BL, value_BL, counted_BL, slices))
        self._rows_waiting += len(slices)
        if self._rows_waiting >= BLOCK:
            self._count()

    def report(self) -> dict[str, dict[str, Any]]:
        """Figures by label: the whole's at the top, others under `window`, `faded`, `since` and `slices`."""
        self._count()
        by_slice = sorted(self._by_slice.items())
        return {
            name: label.report() | {"slices": {s: sums[name].figures() for s, sums in by_slice if name in sums}}
            for name, label in self._labels.items()
        }

    def mark(self) -> None:
        """From here on `since` counts."""
        self._count()
        for label in self._labels.values():
            label.since = Sums()

    def state(self) -> Arrays:
        """Everything that a report needs, as plain arrays."""
        self._count()
        arrays: Arrays = {
            "counts": np.array([self.not_finite, self.impressions]),
            "slices": np.array(list(self._slices), np.str_),
        }
        for name, label in self._labels.items():
            arrays |= {f"{name}/{key}": value for key, value in label.state().items()}
            told = {s: sums[name] for s, sums in self._by_slice.items() if name in sums}
            arrays[f"{name}/slice_names"] = np.array(list(told), np.str_)
            arrays[f"{name}/slice_sums"] = np.array([_row(sums) for sums in told.values()]).reshape(-1, 4)
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Go on from a `state` of the same labels and window."""
        self.not_finite, self.impressions = arrays["counts"].tolist()
        self._slices = {str(s): i for i, s in enumerate(arrays["slices"])}
        self._by_slice = {}
        for name, label in self._labels.items():
            label.load({key: arrays[f"{name}/{key}"] for key in _KEPT})
            for s, row in zip(arrays[f"{name}/slice_names"], arrays[f"{name}/slice_sums"], strict=True):
                self._by_slice.setdefault(str(s), {})[name] = Sums(*row.tolist())

    def _count(self) -> None:
        """Count what waits, many batches at once: the cost is per call far more than per row."""
        if not self._waiting:
            return
        probability_BL, value_BL, counted_BL = (np.concatenate([batch[i] for batch in self._waiting]) for i in range(3))
        code_B = self._codes([name for batch in self._waiting for name in batch[3]])
        self._waiting, self._rows_waiting = [], 0
        finite_BL = np.isfinite(probability_BL)
        self.not_finite += int((counted_BL & ~finite_BL).sum())
        for column, (name, label) in enumerate(self._labels.items()):
            row_N = np.flatnonzero(counted_BL[:, column] & finite_BL[:, column])
            if len(row_N):
                p_N, y_N = probability_BL[row_N, column], value_BL[row_N, column] > 0
                loss_N = losses(p_N, y_N)
                label.add(p_N, y_N, loss_N)
                self._slice(name, code_B if isinstance(code_B, str) else code_B[row_N], p_N, y_N, loss_N)

    def _codes(self, slices: Sequence[str]) -> str | NDArray[np.int64]:
        """One name where all rows share it, as most batches do; else a number for each row."""
        if slices and slices.count(slices[0]) == len(slices):
            return self._known(slices[0])
        return np.array([self._slices[self._known(s)] for s in slices], np.int64)

    def _known(self, name: str) -> str:
        if name in self._slices:
            return name
        name = name if len(self._slices) < SLICES else "other"
        self._slices.setdefault(name, len(self._slices))
        return name

    def _slice(
        self, label: str, codes: str | NDArray[np.int64], p_N: Floats, y_N: Flags, loss_N: NDArray[np.float64]
    ) -> None:
        if isinstance(codes, str):
            sums = self._by_slice.setdefault(codes, {}).setdefault(label, Sums())
            sums.add(len(p_N), float(p_N.sum(dtype=np.float64)), float(y_N.sum()), float(loss_N.sum()))
            return
        size = len(self._slices)
        columns = (np.bincount(codes, x, size) for x in (np.ones(len(p_N)), p_N.astype(np.float64), y_N, loss_N))
        for name, row in zip(self._slices, np.stack(list(columns), axis=1).tolist(), strict=True):
            if row[0]:
                self._by_slice.setdefault(name, {}).setdefault(label, Sums()).add(*row)


_KEPT = ("sums", "score_W", "positive_W", "at", "scores", "positives", "counts")


class _Label:
    """One label: sums over the whole, faded and since the mark; a ring of the newest rows; the whole's scores."""

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
        p64_N, y64_N = p_N.astype(np.float64), y_N.astype(np.float64)
        told = (n, float(p64_N.sum()), float(y64_N.sum()), float(loss_N.sum()))
        self.whole.add(*told)
        self.since.add(*told)
        if len(self._power_N) < n:
            self._power_N = self._fade ** np.arange(2 * n, dtype=np.float64)[::-1]
        w_N = self._power_N[-n:]
        faded = (float(w_N.sum()), float(w_N @ p64_N), float(w_N @ y64_N), float(w_N @ loss_N))
        self.faded.add(*faded, fade=self._fade**n)
        self._keep(p_N.astype(np.float32), y_N)

    def report(self) -> dict[str, Any]:
        return {
            **self.whole.figures(),
            **self._ranked(),
            "window": self._windowed(),
            "faded": self.faded.figures(),
            "since": self.since.figures(),
        }

    def state(self) -> Arrays:
        scores, positives = self._kept()
        counts = np.zeros((2, 0), np.int64) if self._histogram is None else self._histogram.count_2S
        return {
            "sums": np.array([_row(s) for s in (self.whole, self.since, self.faded)]),
            "score_W": self._score_W,
            "positive_W": self._positive_W,
            "at": np.array(self._at),
            "scores": scores,
            "positives": positives,
            "counts": counts,
        }

    def load(self, arrays: Arrays) -> None:
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


def _row(sums: Sums) -> list[float]:
    return [sums.n, sums.probability, sums.positive, sums.loss]
