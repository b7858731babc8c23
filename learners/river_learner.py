"""The ranker as a River classifier, for those who have a River pipeline: `StandardScaler() | HeadraceClassifier()`.

Rows are dicts of any names; a name gets a field of its own in order of appearance, the names beyond `fields` share a
bag. Texts and flags are ids, numbers fall into buckets that grow with their size. No server reads what is learned here,
and no event is known: that is the trainer's way. It inherits from River's classes because River asks by them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import asinh, isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from river import base
from river.utils import dataframe

from learners.column_learner import ColumnLearner
from learners.columns import BagColumns, Columns
from learners.learner import Floats
from learners.models.columns import ColumnShape

FINENESS = 8.0
"""Buckets by unit near 0; far from it they double with the number."""

Told = Mapping[Any, Any]


class HeadraceClassifier(base.MiniBatchClassifier):
    """A factorisation machine with layers on top, for two classes.

    Parameters
    ----------
    fields
        Names of features that get a field of their own; those after them are told together.
    dim
        Width of a vector, in eights.
    hidden
        Widths of the layers.
    ids
        Names of features whose numbers are ids, not sizes.
    seed
        Of the first weights.

    Examples
    --------
    >>> model = HeadraceClassifier(fields=2)
    >>> for _ in range(30):
    ...     model.learn_one({"word": "free"}, True)
    ...     model.learn_one({"word": "minutes"}, False)
    >>> model.predict_one({"word": "free"}), model.predict_one({"word": "minutes"})
    (True, False)

    """

    def __init__(
        self,
        fields: int = 16,
        dim: int = 8,
        hidden: tuple[int, ...] = (32,),
        ids: tuple[str, ...] | None = None,
        seed: int = 0,
    ) -> None:
        self.fields = fields
        self.dim = dim
        self.hidden = hidden
        self.ids = ids
        self.seed = seed
        self._learner: ColumnLearner | None = None
        self._places: dict[Any, int] = {}

    @property
    def learned(self) -> ColumnLearner:
        """The learner within; made when it is first asked for."""
        if self._learner is None:
            shape = ColumnShape(self.fields, bags=1, dim=self.dim, hidden=tuple(self.hidden))
            self._learner = ColumnLearner(shape, seed=self.seed)
        return self._learner

    def learn_one(self, x: Told, y: base.typing.ClfTarget) -> None:
        """Learn one row; a step of its own."""
        self._learn([x], [bool(y)])

    def predict_proba_one(self, x: Told, **_: Any) -> dict[base.typing.ClfTarget, float]:
        """The chance of False and of True, of what is known so far."""
        p = float(self._chances([x])[0])
        return {False: 1.0 - p, True: p}

    def learn_many(self, X: Any, y: Any) -> None:
        """Learn the rows of a frame in one step."""
        self._learn(_rows(X), [bool(value) for value in dataframe.into_series(y).to_list()])

    def predict_proba_many(self, X: Any) -> Any:
        """The chances of each row, as a frame of the same kind."""
        p_B = self._chances(_rows(X)).astype(np.float64)
        return dataframe.to_native_frame({False: 1.0 - p_B, True: p_B}, like=dataframe.into_frame(X))

    def __getstate__(self) -> dict[str, Any]:
        """What makes an equal one elsewhere: for River, who copies and pickles whatever it is given."""
        told = {**self.__dict__, "_learner": None}
        if self._learner is not None:
            with TemporaryDirectory() as folder:
                self._learner.copy().snapshot(Path(folder))  # a snapshot forgets what changed since the last
                told["_learner"] = {file.name: file.read_bytes() for file in sorted(Path(folder).iterdir())}
        return told

    def __setstate__(self, told: dict[str, Any]) -> None:
        self.__dict__.update(told | {"_learner": None})
        if told["_learner"] is not None:
            with TemporaryDirectory() as folder:
                for name, content in told["_learner"].items():
                    (Path(folder) / name).write_bytes(content)
                self.learned.restore(Path(folder))

    def _unit_test_skips(self) -> set[str]:
        """One step of many rows is not many steps of one."""
        return {"check_learn_many_matches_learn_one"}

    def _learn(self, rows: Sequence[Told], y: Iterable[bool]) -> None:
        if not rows:
            return
        for name in sorted(set(chain.from_iterable(rows)) - self._places.keys(), key=repr):
            self._places[name] = len(self._places)
        value_BL = np.array(list(y), np.float32).reshape(-1, 1)
        self.learned.learn(self._columns(rows, value_BL))

    def _chances(self, rows: Sequence[Told]) -> Floats:
        if not rows:
            return np.zeros(0, np.float32)
        chance_B: Floats = self.learned.score(self._columns(rows, np.zeros((len(rows), 1), np.float32)))[:, 0]
        return chance_B

    def _columns(self, rows: Sequence[Told], value_BL: Floats) -> Columns:
        """Names that were never learned are not read, so that a prediction leaves no trace."""
        key_BF = np.zeros((len(rows), self.fields), np.int64)
        bags: list[list[int]] = [[] for _ in rows]
        for at, row in enumerate(rows):
            for name, value in row.items():
                place = self._places.get(name)
                if place is None:
                    continue
                text = said(value, is_id=name in (self.ids or ()))
                if place < self.fields:
                    key_BF[at, place] = key_of(text)
                else:
                    bags[at].append(key_of(f"{name!r} {text}"))
        count_BG = np.array([[len(bag)] for bag in bags], np.int64)
        key_N = np.array([key for bag in bags for key in sorted(bag)], np.int64)
        return Columns(key_BF, value_BL, bags=BagColumns(key_N, count_BG))


def said(value: Any, *, is_id: bool = False) -> str:
    """What a value is told as: equal texts are one id.

    >>> said("tea"), said(True), said(0.3), said(0.31), said(1e6), said(float("nan")), said(7, is_id=True)
    ('=tea', '=True', '#2', '#2', '#116', '#', '=7')
    """
    if is_id or isinstance(value, str | bool | np.bool_) or not isinstance(value, float | int | np.number):
        return f"={value}"
    number = float(value)
    return f"#{round(FINENESS * asinh(number))}" if isfinite(number) else "#"


def key_of(text: str) -> int:
    """63 bits of a text, the same in every process; never 0, which is the key of nothing."""
    return (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1) or 1


def _rows(X: Any) -> list[Told]:
    rows: list[Told] = list(dataframe.into_frame(X).rows(named=True))
    return rows
