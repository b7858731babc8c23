"""A model over a table of labelled rows: score, then learn, pass after pass; what was held out is only scored.

Who scores is told apart from who learns: the same learner where a model is always up to date, an older copy where it
would have been refreshed now and then. Opens no file, shows nothing, reads no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from learners.learner import Bools, Floats, Ints
from learners.metrics import Histogram, Sums, auc, ece, losses
from learners.row_columns import Cells, Keyed, RowEncoder, Texts, batches
from learners.row_intervals import intervals
from learners.row_models import RowLearner, RowScorer, make_row_learner
from learners.row_schema import RowSchema

EXACT_ROWS = 1 << 24
"""Up to here the AUC is exact over the whole."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A batch as it was scored: probabilities [B, L] of what was known before it, and what came."""

    probability_BL: Floats
    value_BL: Floats
    line_B: Ints

    def __len__(self) -> int:
        return len(self.line_B)


class PartFigures:
    """One label over one part: exact up to `EXACT_ROWS` rows, which it keeps, from there on by a fine histogram."""

    def __init__(self) -> None:
        self._none = np.empty(0, np.float32), np.empty(0, np.bool_)
        self._sums, self._kept = Sums(), [self._none]
        self._histogram: Histogram | None = None

    def add(self, probability_B: Floats, positive_B: Bools) -> None:
        loss = float(losses(probability_B, positive_B).sum())
        told = (len(positive_B), float(probability_B.sum(dtype=np.float64)), float(positive_B.sum()), loss)
        self._sums.add(*told)
        if self._histogram is not None:
            self._histogram.add(probability_B, positive_B)
            return
        self._kept.append((probability_B, positive_B))
        if self._sums.n > EXACT_ROWS:
            self._histogram = Histogram()
            self._histogram.add(*self._whole())
            self._kept = []

    def report(self) -> dict[str, Any]:
        """n, log_loss, ne, calibration, auc, ece, whether the last two are exact, and `intervals` where they are."""
        if self._histogram is not None:
            near = {"auc": self._histogram.auc(), "ece": self._histogram.ece(), "exact": False}
            return {**self._sums.figures(), **near, **intervals(*self._none)}
        scores = self._whole()
        exact = {"auc": auc(*scores), "ece": ece(*scores), "exact": True}
        return {**self._sums.figures(), **exact, **intervals(*scores)}

    def _whole(self) -> tuple[Floats, Bools]:
        scores, positives = zip(*self._kept, strict=True)
        return np.concatenate(scores), np.concatenate(positives)


class RowBacktest:
    """A learner with its encoder, and the figures of each part that it went through.

    >>> from learners.fields import Declared
    >>> from learners.row_models import RateColumns
    >>> encoder = RowEncoder(RowSchema(("clicked",), {"shop": Declared("category")}))
    >>> shops = Texts(np.frombuffer(b"teajam", np.uint8), np.array([3, 6]))
    >>> rows = encoder.keyed(Cells({"shop": shops}, {}, np.array([[1.0], [0.0]], np.float32), None, np.array([2, 3])))
    >>> test = RowBacktest(("clicked",), RateColumns(labels=1), encoder)
    >>> [told.probability_BL.tolist() for told in test.progressive("pass 1", [rows, rows])]
    [[[0.5], [0.5]], [[0.5], [0.5]]]
    >>> test.figures("pass 1")["clicked"]["n"]
    4
    """

    def __init__(
        self, labels: Sequence[str], learner: RowLearner, encoder: RowEncoder, *, scorer: RowScorer | None = None
    ) -> None:
        self._labels, self._encoder = tuple(labels), encoder
        self._learner, self._scorer = learner, scorer or learner
        self._best: RowLearner | None = None
        self._figures: dict[str, list[PartFigures]] = {}
        self.refused = 0
        """Rows of batches that the learner refused."""

    def progressive(self, part: str, batches: Iterable[Keyed], *, first: bool = True) -> Iterator[Foreseen]:
        """1. score a batch, 2. tell what was foreseen, 3. learn it; numbers move their scale in the first pass alone,
        since a second tells nothing new of it."""
        for rows in batches:
            columns = self._encoder.columns(rows)
            foreseen = Foreseen(self._scorer.score(columns).copy(), rows.value_BL, rows.line_B)
            self._add(part, foreseen)
            yield foreseen
            if not self._learner.learn(columns).finite:
                self.refused += len(rows)
            if first:
                self._encoder.count(rows)

    def held_out(self, part: str, batches: Iterable[Keyed]) -> Iterator[Foreseen]:
        """Score, and learn nothing."""
        for rows in batches:
            foreseen = Foreseen(self._scorer.score(self._encoder.columns(rows)).copy(), rows.value_BL, rows.line_B)
            self._add(part, foreseen)
            yield foreseen

    def keep(self) -> None:
        """Remember what is known now."""
        self._best = self._learner.copy()

    def answer_as_kept(self) -> None:
        """Score with what was known at the last `keep` from now on, if there was one; the learner goes on by itself."""
        self._scorer = self._best or self._scorer

    def figures(self, part: str) -> dict[str, dict[str, Any]]:
        """By label: n, log_loss, ne, calibration, auc, ece, exact."""
        told = self._figures.get(part) or [PartFigures() for _ in self._labels]
        return {label: figures.report() for label, figures in zip(self._labels, told, strict=True)}

    def forget(self, part: str) -> None:
        """Let go of the scores that the figures of a part are made of."""
        self._figures.pop(part, None)

    def _add(self, part: str, foreseen: Foreseen) -> None:
        told = self._figures.setdefault(part, [PartFigures() for _ in self._labels])
        for figures, probability_B, value_B in zip(told, foreseen.probability_BL.T, foreseen.value_BL.T, strict=True):
            figures.add(probability_B, value_B > 0)


def warm_up(schema: RowSchema, model: str) -> None:
    """Load what is compiled, or compile it where a machine has never run it, on made-up rows and a model of its own: as
    many as make tables of ids grow, so that no pass has to wait for it."""
    encoder, rows = RowEncoder(schema), 200
    learner = make_row_learner(model, fields=encoder.fields, bags=len(schema.bags), labels=len(schema.labels))
    byte_X = np.frombuffer(b"".join(b"%03d" % row for row in range(rows)), np.uint8)
    texts = Texts(byte_X, 3 * np.arange(1, rows + 1), count_B=np.ones(rows, np.int64))
    told = {field.name: texts for field in (*schema.categories, *schema.bags)}
    value_BL = np.tile((np.arange(rows) % 2).astype(np.float32)[:, None], (1, len(schema.labels)))
    at_B = None if schema.time is None else np.zeros(rows, np.int64)
    cells = Cells(
        told,
        {field.name: np.arange(rows, dtype=np.float64) for field in schema.numbers},
        value_BL,
        at_B,
        np.arange(rows),
    )
    test = RowBacktest(schema.labels, learner, encoder)
    for _ in range(2):
        list(test.progressive("warm-up", batches([encoder.keyed(cells)], 64)))


def protocol(*, batch: int, epochs: int, held_out: Sequence[str] = (), best: int | None = None) -> str:
    """How the figures were made, in a sentence.

    >>> protocol(batch=256, epochs=2, held_out=("test",))
    'progressive: each row is scored before it is learned, in the order of the file, batches of at most 256 rows; \
pass 2 scores rows that were learned before, its figures stand apart; test is scored after the last pass and \
never learned'
    """
    told = [
        "progressive: each row is scored before it is learned, in the order of the file, "
        f"batches of at most {batch} rows"
    ]
    if epochs > 1:
        later = "pass 2 scores" if epochs == 2 else f"passes 2 to {epochs} score"
        told.append(f"{later} rows that were learned before, its figures stand apart")
    if best is not None:
        told.append(
            f"valid is scored after each pass and never learned; pass {best}, with its least log loss, answers for "
            + " and ".join(held_out)
        )
    elif held_out:
        verb = "is" if len(held_out) == 1 else "are"
        told.append(f"{' and '.join(held_out)} {verb} scored after the last pass and never learned")
    return "; ".join(told)
