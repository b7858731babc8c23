"""A user's own rates of authors, categories and tags, for many items at once. Numpy; reads the pairs of one version."""

from __future__ import annotations

from itertools import accumulate, pairwise
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
        widths, fields = list[int](), list[Ints]()
        for name in PAIRED:
            read_NC = read_NW[:, COLUMNS[name]]
            widths.append(int((read_NC >= 0).sum(axis=1).max(initial=0)))
            fields.append(self._places(value_V, read_NC[:, : widths[-1]]))
        self._place_NC = np.concatenate(fields, axis=1).astype(np.int32)
        self._columns = [*pairwise([0, *accumulate(widths)])]

    def of(self, user: int, rows: npt.NDArray[np.integer[Any]]) -> Floats | None:
        """Mean statistics of a user and each item's values, [n, fields x L]; None where the user knows none of these
        values."""
        start, end = np.searchsorted(self._user_P, (user, user + 1)).tolist() if user >= 0 else (0, 0)
        if start == end:
            return None
        has_V = np.zeros(self._values + 1, np.bool_)
        has_V[self._place_P[start:end]] = True
        has_V[-1] = False
        place_NC = self._place_NC.take(rows, axis=0)
        met = np.flatnonzero(has_V.take(place_NC).any(axis=1))  # a user knows few values: most items have none of them
        if not len(met):
            return None
        labels = self._stat_PL.shape[1]
        stat_VL = np.zeros((self._values + 1, labels), np.float32)
        stat_VL[self._place_P[start:end]] = self._stat_PL[start:end]
        stat_VL[-1] = 0.0
        mean_NX = np.zeros((len(rows), len(self._columns) * labels), np.float32)
        place_CM = place_NC[met].T
        mean_MX = mean_NX[met]
        for field, (first, last) in enumerate(self._columns):
            sum_ML = mean_MX[:, field * labels : (field + 1) * labels]
            for place_M in place_CM[first:last]:
                sum_ML += stat_VL.take(place_M, axis=0)
            if last - first > 1:
                count_M = (place_CM[first:last] < self._values).sum(axis=0)
                sum_ML *= (1.0 / np.maximum(count_M, 1)).astype(np.float32)[:, None]
        mean_NX[met] = mean_MX
        return mean_NX

    def _places(self, value_V: Ints, value: Ints) -> Ints:
        """The dense number of each value; the last, which is always 0, where there is none."""
        if not len(value_V):
            return np.zeros(value.shape, np.int64)
        place = np.minimum(np.searchsorted(value_V, value), len(value_V) - 1)
        places: Ints = np.where(value_V[place] == value, place, len(value_V))
        return places
