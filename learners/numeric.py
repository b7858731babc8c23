"""Numbers on a scale of their own: standardised by what was learned before, so that no unit needs to be known.

Mean and spread of each numeric field follow the rows that were learned (Welford's update for groups: Chan, Golub,
LeVeque 1979), are read before they are updated, and are part of the snapshot and of what a server reads. Not a model:
nothing here has a gradient. Numpy, float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np

from learners.fields import Field
from learners.learner import Doubles, Floats

MEMORY = 1_000_000.0
"""Of how many values mean and spread tell; older ones fade, so that a scale may move."""
LARGEST = 1e18
"""Beyond this a number is no measurement: it is read as this."""
MISSING = float("nan")


class Numbers:
    """Count, mean and sum of squared deviations of each numeric field.

    >>> from learners.fields import Declared
    >>> numbers = Numbers([Field("price", "item", Declared("number", "item.attributes.price"), 7)])
    >>> numbers.standard("price", np.array([3.0, 5.0])).tolist()
    [0.0, 0.0]
    >>> numbers.count(np.array([[2.0], [MISSING], [6.0]]))
    >>> numbers.standard("price", np.array([2.0, 4.0, 99.0])).tolist()
    [-1.0, 0.0, 4.0]
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = tuple(fields)
        self._at = {field.name: place for place, field in enumerate(self._fields)}
        self.told_K3: Doubles = np.zeros((len(self._fields), 3))

    def standard(self, name: str, value_N: Doubles) -> Floats:
        """Values as weights: deviations from the mean in units of the spread, clipped; 0 before there is a spread."""
        told = self._fields[self._at[name]].told
        count, mean, squares = self.told_K3[self._at[name]]
        if told.standardise:
            spread = float(np.sqrt(squares / count)) if count and squares > 0 else np.inf
            value_N = (value_N - mean) / spread
        clipped: Floats = np.clip(value_N, -told.clip, told.clip).astype(np.float32)
        return clipped

    def count(self, value_RK: Doubles) -> None:
        """Take in the values of learned rows; NaN where a row has none."""
        for place, value_R in enumerate(value_RK.T):
            there = value_R[~np.isnan(value_R)]
            if len(there):
                self.told_K3[place] = _merged(self.told_K3[place], there)


def number_of(value: str | float | int | None, told_log: bool) -> float:
    """What a numeric field reads: NaN for nothing, for a text that is no number, and for what is not finite.

    >>> number_of("2.5", False), number_of(None, False), number_of("noon", False), number_of(-1.0, True)
    (2.5, nan, nan, -0.6931471805599453)
    """
    try:
        number = MISSING if value is None else float(value)
    except (ValueError, OverflowError):
        return MISSING
    if not isfinite(number):
        return MISSING
    bounded = min(max(number, -LARGEST), LARGEST)
    return float(np.copysign(np.log1p(abs(bounded)), bounded)) if told_log else bounded


def _merged(told_3: Doubles, there: Doubles) -> Doubles:
    """What is known with these values; beyond `MEMORY` what was before weighs less."""
    count, mean, squares = told_3
    keep = min(1.0, MEMORY / max(count, 1.0))
    count, squares = count * keep, squares * keep
    own = there.mean()
    total, apart = count + len(there), own - mean
    spread = ((there - own) ** 2).sum() + apart * apart * count * len(there) / total
    return np.array([total, mean + apart * len(there) / total, squares + spread])
