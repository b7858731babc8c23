"""Progressive evaluation: how good the scores were that were given before the rows were learned.

Per label: whole, since the last `mark`, faded, and in a rolling window; and thin sums by slice. AUC and ECE are exact
in the window, and exact over the whole up to `exact` rows: beyond these the kept scores become a fine histogram, and
`auc_exact` says so. Labels that are foreseen as `values` have errors instead (`value_figures.py`), and no slices. Who
counts (weight above 0, rows of kind label) is for the caller to say. Learns nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.chance_figures import ChanceFigures, row_of
from learners.metrics import Flags, Floats, Sums, losses
from learners.value_figures import ValueFigures

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

    def __init__(
        self,
        labels: Sequence[str],
        *,
        values: Collection[str] = (),
        window: int = WINDOW,
        exact: int = EXACT,
        fade: float = FADE,
    ) -> None:
        self._labels: dict[str, ChanceFigures | ValueFigures] = {
            name: ValueFigures(fade) if name in values else ChanceFigures(window, exact, fade) for name in labels
        }
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
        told = {name: label.report() for name, label in self._labels.items()}
        for name in told.keys() - self._values:
            told[name] |= {"slices": {s: sums[name].figures() for s, sums in by_slice if name in sums}}
        return told

    def mark(self) -> None:
        """From here on `since` counts."""
        self._count()
        for label in self._labels.values():
            label.mark()

    def state(self) -> Arrays:
        """Everything that a report needs, as plain arrays."""
        self._count()
        arrays: Arrays = {
            "counts": np.array([self.not_finite, self.impressions]),
            "slices": np.array(list(self._slices), np.str_),
        }
        for name, label in self._labels.items():
            arrays |= {f"{name}/{key}": value for key, value in label.state().items()}
            if isinstance(label, ChanceFigures):
                told = {s: sums[name] for s, sums in self._by_slice.items() if name in sums}
                arrays[f"{name}/slice_names"] = np.array(list(told), np.str_)
                arrays[f"{name}/slice_sums"] = np.array([row_of(sums) for sums in told.values()]).reshape(-1, 4)
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Go on from a `state` of the same labels and window."""
        self.not_finite, self.impressions = arrays["counts"].tolist()
        self._slices = {str(s): i for i, s in enumerate(arrays["slices"])}
        self._by_slice = {}
        for name, label in self._labels.items():
            label.load({key: arrays[f"{name}/{key}"] for key in label.kept})
            if isinstance(label, ValueFigures):
                continue
            for s, row in zip(arrays[f"{name}/slice_names"], arrays[f"{name}/slice_sums"], strict=True):
                self._by_slice.setdefault(str(s), {})[name] = Sums(*row.tolist())

    @property
    def _values(self) -> set[str]:
        return {name for name, label in self._labels.items() if isinstance(label, ValueFigures)}

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
            if not len(row_N):
                continue
            p_N, value_N = probability_BL[row_N, column], value_BL[row_N, column]
            if isinstance(label, ValueFigures):
                label.add(p_N, value_N)
                continue
            y_N = value_N > 0
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
