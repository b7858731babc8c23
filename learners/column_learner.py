"""A learner of rows that are told as columns. Score, then learn.

For tables of rows and for streams that were brought into columns; nothing here knows events, frames or files. A row of
the table belongs to (field, key). `score` makes rows for new ids, provisionally; `learn` keeps them with everything
else, or takes them back where the batch is refused. Equal batches in equal order give equal digests.
"""

from __future__ import annotations

from dataclasses import asdict
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from learners.blas_threads import one_blas_thread
from learners.calibration import Calibration
from learners.columns import BagColumns, Columns
from learners.counters import Counters
from learners.keeping import Arrays, digest_of, keep, kept
from learners.learner import Floats, Ints, Learned
from learners.models.columns import ColumnModel, ColumnRules, ColumnShape
from learners.surprise import Surprise
from learners.tables.kinds import Kind, Limits
from learners.tables.rows import Rows

FORMAT = 1
SINCE = "rows.touched."


class ColumnLearner:
    """The model, its rows, its calibration, and how often each row was seen and chosen (`counters`). `kind` says which
    ids get a row and keep it; others read the row of all unknown ids of their field, which learns too.

    >>> learner = ColumnLearner(ColumnShape(fields=2, hidden=(8,)))
    >>> told = Columns(np.array([[1, 2], [3, 4]]), np.array([[1.0], [0.0]], np.float32))
    >>> learner.score(told).shape, learner.learn(told).rows, len(learner.rows)
    ((2, 1), 2, 6)
    """

    def __init__(
        self,
        shape: ColumnShape,
        rules: ColumnRules | None = None,
        *,
        kind: Kind | None = None,
        limits: Limits | None = None,
        seed: int = 0,
    ) -> None:
        one_blas_thread()
        self._shape = shape
        self._made = shape, rules, kind, limits, seed
        self._model = ColumnModel(shape, rules or ColumnRules(), seed=seed)
        self._told = {"format": FORMAT, **asdict(shape), "hidden": [*shape.hidden]}
        self._space_F, fields = np.arange(shape.fields), shape.fields + shape.bags
        self.rows = Rows(
            [kind or Kind()] * fields,
            kind_of_space=range(fields),
            limits=limits,
        )
        self._calibration = Calibration(shape.labels)
        self._surprise = Surprise(shape.labels, limit=(rules or ColumnRules()).surprise)
        self.counters = Counters(shape.labels)
        self.rows_learned = 0
        self._pending: Columns | None = None

    def score(self, columns: Columns) -> Floats:
        """Calibrated probabilities [B, L], of what is known before these rows."""
        self._check(columns)
        self._rest()
        fields, at_B = self._shape.fields, columns.at_B
        key_N = np.ascontiguousarray(columns.key_BF, np.int64).reshape(-1)
        row_N = self._rows_of(self._space_F, key_N, 0 if at_B is None else np.repeat(at_B, fields))
        bags = None if columns.bags is None else (self._rows_of_bags(columns.bags, at_B), columns.bags.count_BG)
        self._model.lines.grow(len(self.rows))
        self._logit = self._model.forward(row_N.reshape(-1, fields), self.counters.base, bags)
        self._probability = self._calibration.probabilities(self._logit)
        self._pending = columns
        return self._probability

    def learn(self, columns: Columns) -> Learned:
        """1. weights move, or the batch is refused and its ids are taken back; 2. calibration, from what was told
        before it, and whether that was far off; 3. counts and uses of rows; 4. rows go whose time has come."""
        if self._pending is not columns:
            self.score(columns)
        self._pending = None
        if not len(columns):
            return Learned(0, True, 0.0, 0.0)
        weight_BL = columns.weights()
        stepped = self._model.step(columns.value_BL, weight_BL)
        if stepped is None:
            self.rows.withdraw()
            return Learned(0, False, nan, nan)
        self._calibration.learn(self._logit, self._probability, columns.value_BL, weight_BL)
        if self._surprise.at(self._probability, columns.value_BL, weight_BL):
            self._model.freshen()
        self._count(columns, weight_BL)
        self.rows_learned += len(columns)
        factors = stepped.factors
        return Learned(len(columns), True, stepped.norm, stepped.loss / len(columns), factors.least, factors.mean)

    def copy(self) -> ColumnLearner:
        """Another learner that has learned the same and goes on by itself. Takes back ids that were only scored."""
        shape, rules, kind, limits, seed = self._made
        other = ColumnLearner(shape, rules, kind=kind, limits=limits, seed=seed)
        arrays, document = self._state()
        other._load({name: array.copy() for name, array in arrays.items()}, document)
        return other

    def snapshot(self, folder: Path) -> None:
        """Write everything learned. From here on `rows.touched` tells what changed since."""
        keep(folder, *self._state())
        self.rows.touched.forget(self.rows.touched.mark())

    def restore(self, folder: Path) -> None:
        """Become what `snapshot` wrote. ValueError where it is of another shape."""
        arrays, document = kept(folder)
        told = {name: document[name] for name in self._told}
        if told != self._told:
            raise ValueError(f"{folder} holds a learner of {told}, this one is of {self._told}: use its settings")
        self._load(arrays, document)

    def digest(self) -> str:
        """sha256 over the content of everything learned; what changed since the last snapshot is no part of that."""
        arrays, document = self._state()
        learned = {name: array for name, array in arrays.items() if not name.startswith(SINCE)}
        return digest_of(learned, document)

    def _load(self, arrays: Arrays, document: dict[str, Any]) -> None:
        self._model.load(arrays)
        self.rows.load({name.removeprefix("rows."): a for name, a in arrays.items() if name.startswith("rows.")})
        self._calibration.load(arrays)
        self._surprise.load(arrays)
        self.counters.count_RC, self.counters.total_C = arrays["counts"], arrays["totals"]
        self.rows_learned = document["rows_learned"]
        self._pending = None

    def _check(self, columns: Columns) -> None:
        shape = self._shape
        told = columns.key_BF.shape[1], 0 if columns.bags is None else columns.bags.count_BG.shape[1]
        if told != (shape.fields, shape.bags):
            raise ValueError(
                f"rows have {told} fields and bags, the model {shape.fields, shape.bags}: was the schema changed?"
            )

    def _rows_of(self, space_N: Ints, key_N: Ints, at: Ints | int) -> Ints:
        return self.rows.read(self.rows.admit_and_add(space_N, key_N, at), space_N)

    def _rows_of_bags(self, bags: BagColumns, at_B: Ints | None) -> Ints:
        at = 0 if at_B is None else np.repeat(at_B, bags.count_BG.sum(axis=1))
        return self._rows_of(self._shape.fields + bags.fields(), bags.key_N, at)

    def _rest(self) -> None:
        """Back to what was learned, where a batch was scored and not learned."""
        if self._pending is not None:
            self.rows.withdraw()
            self._pending = None

    def _count(self, columns: Columns, weight_BL: Floats) -> None:
        """A view at each row that decides something, and by label whether it was chosen. A row of the table that goes
        starts again in every respect."""
        row_U, slot_N = self._model.slots(len(columns))
        self.counters.add_slots(row_U, slot_N, columns.value_BL, weight_BL)
        at = 0 if columns.at_B is None else int(columns.at_B.max())
        self.rows.settle()
        self.rows.used(row_U, at)
        if not self.rows.expiry.idle:
            row_M = self.rows.expire(at).row_M
            self._model.lines.reset(row_M)
            self.counters.reset(row_M)

    def _state(self) -> tuple[Arrays, dict[str, Any]]:
        self._rest()
        arrays = self._model.dump(len(self.rows)) | self._calibration.dump() | self._surprise.dump()
        arrays |= {f"rows.{name}": array for name, array in self.rows.dump().items()}
        arrays |= {"counts": self.counters.upto(len(self.rows)), "totals": self.counters.total_C}
        return arrays, self._told | {"rows_learned": self.rows_learned}
