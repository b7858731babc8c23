"""A user's own rates of authors, categories and tags, for many items at once. Numpy; reads the pairs of one version."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from learners.catalogue import COLUMNS
from learners.keeping import Arrays
from learners.learner import Floats, Ints
from learners.schema import PAIRED


class PersonalRates:
    """Pairs sorted by user, and which values each item has, numbered densely so that a request fills a small table."""

    def __init__(self, arrays: Arrays, read_NW: Ints) -> None:
        self._user_P, self._stat_PL = arrays["pair_user"], arrays["pair_stat"]
        value_V = np.unique(np.concatenate([read_NW[:, COLUMNS[name]].ravel() for name in PAIRED]))
        value_V = value_V[value_V >= 0]
        self._values = len(value_V)
        self._place_P = self._places(value_V, arrays["pair_value"])
        self._fields = []
        for name in PAIRED:
            read_NC = read_NW[:, COLUMNS[name]]
            count_N = (read_NC >= 0).sum(axis=1)
            width = int(count_N.max(initial=0))
            place_NC = self._places(value_V, read_NC[:, :width])
            self._fields.append((place_NC, (1.0 / np.maximum(count_N, 1)).astype(np.float32)))

    def of(self, user: int, rows: npt.NDArray[np.integer[Any]]) -> Floats:
        """Mean statistics of a user and each item's values, [n, fields x L]; zeros for an unknown user."""
        stat_VL = np.zeros((self._values + 1, self._stat_PL.shape[1]), np.float32)
        start, end = np.searchsorted(self._user_P, (user, user + 1)).tolist() if user >= 0 else (0, 0)
        stat_VL[self._place_P[start:end]] = self._stat_PL[start:end]
        stat_VL[-1] = 0.0
        means = [stat_VL[place_NC[rows]].sum(axis=1) * share_N[rows, None] for place_NC, share_N in self._fields]
        return np.concatenate(means, axis=1)

    def _places(self, value_V: Ints, value: Ints) -> Ints:
        """The dense number of each value; the last, which is always 0, where there is none."""
        if not len(value_V):
            return np.zeros(value.shape, np.int64)
        place = np.minimum(np.searchsorted(value_V, value), len(value_V) - 1)
        places: Ints = np.where(value_V[place] == value, place, len(value_V))
        return places
