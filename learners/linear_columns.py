"""A logistic regression of rows that are told as columns: one weight for each id and label, and nothing between ids.

The simple one that a larger model has to beat on the same rows. Steps are Adagrad's by weight (Duchi, Hazan, Singer,
JMLR 2011, without a proximal term) on gradients summed over a batch. Numpy alone; not for serving.
"""

from __future__ import annotations

from math import nan

import numpy as np

from learners.columns import Columns
from learners.learner import Doubles, Floats, Ints, Learned
from learners.tables.host_ids import HostIds

RATE = 0.1
FLOOR = 1.0
"""Where the sum of squares starts: the ceiling on a step is the rate by its root."""


class LinearColumns:
    """Weights of (field, key), and of one id that every row has. Unknown ids weigh nothing when they are scored.

    >>> learner = LinearColumns(labels=1)
    >>> told = Columns(np.array([[1], [2]] * 50), np.array([[1.0], [0.0]] * 50, np.float32))
    >>> for _ in range(20):
    ...     done = learner.learn(told)
    >>> learner.score(told)[:2].round().tolist()
    [[1.0], [0.0]]
    """

    def __init__(self, *, labels: int, rate: float = RATE) -> None:
        self._ids, self._rate = HostIds(fallbacks=1), rate
        self._weight_RL = np.zeros((1, labels))
        self._square_RL = np.full((1, labels), FLOOR)

    def score(self, columns: Columns) -> Floats:
        """Probabilities [B, L], of what is known before these rows. Changes nothing."""
        space_N, key_N, owner_N, share_N = _ids_of(columns)
        logit_BL = self._logits(columns, np.maximum(self._ids.find(space_N, key_N), 0), owner_N, share_N)
        return _sigmoid(logit_BL).astype(np.float32)

    def learn(self, columns: Columns) -> Learned:
        """One step; nothing where a value is not finite."""
        if not np.isfinite(columns.value_BL).all():
            return Learned(0, False, nan, nan)
        space_N, key_N, owner_N, share_N = _ids_of(columns)
        row_N = self._ids.add(space_N, key_N)
        self._ids.settle()
        self._grow(len(self._ids))
        slope_BL = _sigmoid(self._logits(columns, row_N, owner_N, share_N)) - columns.value_BL
        slope_BL *= columns.weights()
        self._move(row_N, slope_BL[owner_N] * share_N[:, None])
        self._move(np.zeros(len(slope_BL), np.int64), slope_BL)
        return Learned(len(columns), True, float(np.linalg.norm(slope_BL)), nan)

    def copy(self) -> LinearColumns:
        """Another one that has learned the same and goes on by itself."""
        labels = self._weight_RL.shape[1]
        other = LinearColumns(labels=labels, rate=self._rate)
        other._ids.load(self._ids.spaces.copy(), self._ids.keys.copy())
        other._weight_RL, other._square_RL = self._weight_RL.copy(), self._square_RL.copy()
        return other

    def _logits(self, columns: Columns, row_N: Ints, owner_N: Ints, share_N: Doubles) -> Doubles:
        """The weight of all rows stands at 0, which is also where an unknown id reads; its part is taken back."""
        known_N = share_N * (row_N > 0)
        part = [
            np.bincount(owner_N, weight_R[row_N] * known_N, len(columns)) + weight_R[0]
            for weight_R in self._weight_RL.T
        ]
        logit_BL: Doubles = np.stack(part, axis=1)
        return logit_BL

    def _move(self, row_N: Ints, slope_NL: Doubles) -> None:
        row_U, place_N = np.unique(row_N, return_inverse=True)
        for label, slope_N in enumerate(slope_NL.T):
            slope_U = np.bincount(place_N, slope_N, len(row_U))
            self._square_RL[row_U, label] += slope_U**2
            self._weight_RL[row_U, label] -= self._rate * slope_U / np.sqrt(self._square_RL[row_U, label])

    def _grow(self, rows: int) -> None:
        lacking = rows - len(self._weight_RL)
        if lacking > 0:
            more = max(lacking, len(self._weight_RL))
            width = self._weight_RL.shape[1]
            self._weight_RL = np.concatenate([self._weight_RL, np.zeros((more, width))])
            self._square_RL = np.concatenate([self._square_RL, np.full((more, width), FLOOR)])


def _ids_of(columns: Columns) -> tuple[Ints, Ints, Ints, Doubles]:
    """Field, key, row and weight of each id: single ids weigh 1, those of a bag share 1."""
    rows, fields = columns.key_BF.shape
    space_N, key_N = np.tile(np.arange(fields), rows), columns.key_BF.reshape(-1)
    owner_N, share_N = np.repeat(np.arange(rows), fields), np.ones(rows * fields)
    if columns.bags is None:
        return space_N, key_N, owner_N, share_N
    count_BG = columns.bags.count_BG
    bag_owner_N = np.repeat(np.arange(rows), count_BG.sum(axis=1))
    share_G = 1 / np.maximum(count_BG.reshape(-1), 1)
    return (
        np.concatenate([space_N, fields + columns.bags.fields()]),
        np.concatenate([key_N, columns.bags.key_N]),
        np.concatenate([owner_N, bag_owner_N]),
        np.concatenate([share_N, np.repeat(share_G, count_BG.reshape(-1))]),
    )


def _sigmoid(logit_BL: Doubles) -> Doubles:
    probability_BL: Doubles = 1 / (1 + np.exp(-np.clip(logit_BL, -30, 30)))
    return probability_BL
