"""Progressive evaluation: how good the scores were that were given before the rows were learned.

Per label: whole, since the last `mark`, faded, and in a rolling window; and thin sums by slice. AUC and ECE are exact
in the window, and exact over the whole up to `exact` rows: beyond these the kept scores become a fine histogram, and
`auc_exact` says so. Labels that are foreseen as `values` have errors instead (`value_figures.py`), and no slices. The
first label has figures of retrieval too, where the learner retrieves (`retrieval_figures.py`). Who counts (weight above
0, rows of kind label) is for the caller to say. Learns nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.chance_figures import ChanceFigures
from learners.metrics import Flags, Floats, losses
from learners.retrieval_figures import RetrievalFigures
from learners.slice_figures import Kind, SliceFigures
from learners.value_figures import ValueFigures

WINDOW = 20_000
EXACT = 1 << 17
FADE = 0.999
BLOCK = 32_768
"""Rows that wait to be counted together."""

Arrays = dict[str, NDArray[Any]]
Ints = NDArray[np.int64]


class Evaluation:
    """The progressive figures of several labels.

    >>> evaluation = Evaluation(("click",))
    >>> p = np.array([[0.2], [0.6]], np.float32)
    >>> evaluation.add(p, np.array([[0.0], [1.0]]), np.ones((2, 1), bool), [("surface=home",)], np.array([0, 0]))
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
        self._waiting: list[tuple[Floats, Floats, Flags, Ints]] = []
        self._rows_waiting = 0
        self._slices = SliceFigures()
        self.retrieval = RetrievalFigures(labels[0] if labels else "", fade=fade)
        self.not_finite = 0
        """Scores that were not finite: counted here, in no figure."""
        self.impressions = 0
        """Examples whose first label was decided, as the caller counted them."""

    def add(
        self, probability_BL: Floats, value_BL: Floats, counted_BL: Flags, kinds: Sequence[Kind], kind_B: Ints
    ) -> None:
        """Take one batch's scores, as they were before it was learned; `kinds` are the slices that rows may be in, and
        `kind_B` says which of these each row has.

        The arrays are kept for a while: they must not be written to again.
        """
        self._waiting.append((probability_BL, value_BL, counted_BL, self._slices.codes(kinds, kind_B)))
        self._rows_waiting += len(kind_B)
        if self._rows_waiting >= BLOCK:
            self._count()

    def report(self) -> dict[str, dict[str, Any]]:
        """Figures by label: the whole's at the top, others under `window`, `faded`, `since` and `slices`."""
        self._count()
        told = {name: label.report() for name, label in self._labels.items()}
        for name in told.keys() - self._values:
            told[name] |= {"slices": self._slices.report(name)}
        if found := self.retrieval.report():
            told[next(iter(told))] |= {"retrieval": found}
        return told

    def mark(self) -> None:
        """From here on `since` counts."""
        self._count()
        for label in self._labels.values():
            label.mark()
        self.retrieval.mark()

    def state(self) -> Arrays:
        """Everything that a report needs, as plain arrays."""
        self._count()
        arrays: Arrays = {
            "counts": np.array([self.not_finite, self.impressions]),
            "slices": self._slices.names,
        }
        arrays |= {f"retrieval//{key}": value for key, value in self.retrieval.state().items()}
        for name, label in self._labels.items():
            told = label.state()
            if isinstance(label, ChanceFigures):
                told |= self._slices.state(name)
            arrays |= {f"{name}/{key}": value for key, value in told.items()}
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Go on from a `state` of the same labels and window."""
        self.not_finite, self.impressions = arrays["counts"].tolist()
        self._slices.begin(arrays["slices"])
        for name, label in self._labels.items():
            label.load({key: arrays[f"{name}/{key}"] for key in label.kept})
            if isinstance(label, ChanceFigures):
                self._slices.load(name, {key: arrays[f"{name}/{key}"] for key in ("slice_names", "slice_sums")})
        if f"retrieval//{RetrievalFigures.kept[0]}" in arrays:  # versions from before it was counted have none
            self.retrieval.load({key: arrays[f"retrieval//{key}"] for key in RetrievalFigures.kept})

    @property
    def _values(self) -> set[str]:
        return {name for name, label in self._labels.items() if isinstance(label, ValueFigures)}

    def _count(self) -> None:
        """Count what waits, many batches at once: the cost is per call far more than per row."""
        if not self._waiting:
            return
        probability_BL, value_BL, counted_BL = (np.concatenate([batch[i] for batch in self._waiting]) for i in range(3))
        code_B = np.concatenate([batch[3] for batch in self._waiting])
        self._waiting, self._rows_waiting = [], 0
        finite_BL = np.isfinite(probability_BL)
        self.not_finite += int((counted_BL & ~finite_BL).sum())
        for column, (name, label) in enumerate(self._labels.items()):
            row_N = np.flatnonzero(counted_BL[:, column] & finite_BL[:, column])
            if not len(row_N):
                continue
            p_N, value_N = probability_BL[row_N, column].astype(np.float64), value_BL[row_N, column]
            if isinstance(label, ValueFigures):
                label.add(p_N, value_N)
                continue
            y_N = value_N > 0
            loss_N = losses(p_N, y_N)
            label.add(p_N, y_N, loss_N)
            self._slices.add(name, code_B[row_N], p_N, y_N, loss_N)
