"""River's logistic regression with FTRL-Proximal, as a challenger: what simple, sparse and linear would say.

River does the arithmetic; what it learned is taken out as numbers and texts, so that a restart goes on with the same
bytes and nothing is pickled. Bounded: beyond `most` weights no new one is made, the known ones go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from river import linear_model, optim

from learners.learner import Doubles
from learners.name_lines import NameLines
from learners.rivals import Arrays, Features, Held

MOST = 200_000
"""Weights at most; about 60 MB."""


class RiverFtrl:
    """Logistic regression over texts that a row has, one step a row (McMahan et al., KDD 2013).

    >>> rival = RiverFtrl()
    >>> rival.learn([("item=a",), ("item=b",)] * 50, np.array([1.0, 0.0] * 50))
    >>> rival.score([("item=a",), ("item=b",)]).round(1).tolist()
    [0.7, 0.3]
    """

    def __init__(self, *, alpha: float = 0.1, l1: float = 0.0, l2: float = 1.0, most: int = MOST) -> None:
        self._optimizer = optim.FTRLProximal(alpha=alpha, l1=l1, l2=l2)
        self._model = linear_model.LogisticRegression(self._optimizer, intercept_lr=0.01)
        self._most, self._lines = most, NameLines(3)

    def score(self, rows: Sequence[Features]) -> Doubles:
        """The chance of each row."""
        ask = cast(Callable[[dict[str, float]], dict[bool, float]], self._model.predict_proba_one)
        return np.array([ask(dict.fromkeys(row, 1.0))[True] for row in rows], np.float64)

    def learn(self, rows: Sequence[Features], value_B: Doubles) -> None:
        """One step for each row, in order."""
        known = self._optimizer.n
        for row, value in zip(rows, value_B.tolist(), strict=True):
            told = row if len(known) < self._most else [name for name in row if name in known]
            self._model.learn_one(dict.fromkeys(told, 1.0), value > 0)
            self._lines.touch(told)

    def forget(self, user_id: str) -> None:
        """Let go of every text that names a user; see `rival_features.py`."""
        whole, part = f"user={user_id}", f"user*category={user_id}*"
        optimizer, weights = self._optimizer, self._model._weights
        gone = [str(name) for name in optimizer.n if name == whole or str(name).startswith(part)]
        self._lines.drop(gone)
        for name in gone:
            for kept in (optimizer.z, optimizer.n, weights):
                if name in kept:
                    del kept[name]

    def state(self) -> Arrays:
        """Texts in the order of their first sight, and three numbers of each."""
        return self.held()()

    def held(self) -> Held:
        optimizer, weights = self._optimizer, self._model._weights

        def numbers(name: str) -> tuple[float, float, float]:
            return weights.get(name, 0.0), optimizer.z[name], optimizer.n[name]

        names, told_N3 = self._lines.held(optimizer.n, numbers)
        rest_2 = np.array([self._model.intercept, optimizer.n_iterations], np.float64)
        return lambda: {"names": names(), "told_N3": told_N3(), "rest": rest_2}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        model, optimizer = self._model, self._optimizer
        names, told = json.loads(arrays["names"].tobytes()), arrays["told_N3"].tolist()
        optimizer.z.clear()
        optimizer.n.clear()
        optimizer.z.update({name: z for name, (_, z, _) in zip(names, told, strict=True)})
        optimizer.n.update({name: n for name, (_, _, n) in zip(names, told, strict=True)})
        model._weights.clear()
        for name, (weight, _, _) in zip(names, told, strict=True):
            model._weights[name] = weight
        self._lines.begin()
        model.intercept, optimizer.n_iterations = float(arrays["rest"][0]), int(arrays["rest"][1])
