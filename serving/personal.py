"""A user's own rates of authors, categories and tags, for many items at once. Numpy; reads the pairs of one version."""

from __future__ import annotations

from collections.abc import Sequence
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
        whole = [read_NW[:, COLUMNS[name]] for name in PAIRED]
        fields = [read_NC[:, : _width(read_NC)] for read_NC in whole]
        place_R, self._values = _places(fields, len(arrays["rows"]))
        self._place_P = place_R.take(arrays["pair_value"])
        self._place_NC = np.concatenate([place_R.take(read_NC, mode="wrap") for read_NC in fields], axis=1)
        self._columns = [*pairwise([0, *accumulate(read_NC.shape[1] for read_NC in fields)])]

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


def _width(read_NC: Ints) -> int:
    """Columns in which any item has a value; an item's values stand in front."""
    return next((width for width in range(read_NC.shape[1], 0, -1) if read_NC[:, width - 1].max(initial=-1) >= 0), 0)


def _places(fields: Sequence[Ints], rows: int) -> tuple[npt.NDArray[np.int32], int]:
    """The dense number of each value that an item has, by its row and last of all for none; and how many there are,
    which is the number of the others: there a table has nothing.

    >>> place_R, values = _places([np.array([[4, -1], [1, 4]])], rows=5)
    >>> place_R.tolist(), values
    ([2, 0, 2, 2, 1, 2], 2)
    """
    has_R = np.zeros(rows + 1, np.bool_)
    for value_NC in fields:
        has_R[value_NC] = True
    has_R[-1] = False
    place_R = np.cumsum(has_R, dtype=np.int32) - np.int32(1)
    values = int(np.count_nonzero(has_R))
    place_R[~has_R] = values
    return place_R, values
