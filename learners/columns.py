"""Rows that are told as columns: one id or several in each field, any number of labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.learner import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class BagColumns:
    """G fields of several ids: `count_BG` ids in each bag, one after the other in `key_N`, row by row.

    >>> BagColumns(np.array([7, 8, 9]), np.array([[2, 0], [0, 1]])).fields().tolist()
    [0, 0, 1]
    """

    key_N: Ints
    count_BG: Ints

    def fields(self) -> Ints:
        """The field of each id, [N]."""
        rows, bags = self.count_BG.shape
        return np.repeat(np.tile(np.arange(bags), rows), self.count_BG.reshape(-1))


@dataclass(frozen=True, slots=True)
class Columns:
    """B rows: keys of F fields of one id, L labels; `bags` are further fields, of several ids.

    `decided_BL` says which labels a row decides (None: all), `weight_B` how much a row weighs (None: 1), `at_B` when it
    was in event time, in milliseconds (None: time stands still).

    >>> Columns(np.array([[7]]), np.array([[1.0, 0.0]], np.float32), np.array([[True, False]])).weights().tolist()
    [[1.0, 0.0]]
    """

    key_BF: Ints
    value_BL: Floats
    decided_BL: Bools | None = None
    weight_B: Floats | None = None
    at_B: Ints | None = None
    bags: BagColumns | None = None

    def __len__(self) -> int:
        return len(self.key_BF)

    def weights(self) -> Floats:
        """The weight of each label of each row, [B, L]; 0 where it is not decided."""
        weight_BL = np.ones_like(self.value_BL)
        if self.weight_B is not None:
            weight_BL *= self.weight_B[:, None]
        return weight_BL if self.decided_BL is None else np.where(self.decided_BL, weight_BL, np.float32(0))
