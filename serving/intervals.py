"""How sure a difference between two arms is: pure arithmetic, on sums over groups of users.

Rates such as clicks by pages have users, not pages, as their independent parts, so variances come from sums by user
(delta method: Deng, Knoblich, Lu, "Applying the Delta Method in Metric Analytics", KDD 2018, section 3). Users are put
into groups by a hash first, which changes no expectation and bounds the memory. Intervals hold at all looks at once
(mixture sequential probability ratio test with a normal mixture: Johari, Koomen, Pekelis, Walsh, "Always Valid
Inference", Operations Research 70(3), 2022, section 5; Robbins 1970), so that looking each minute costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
LEAST_GROUPS = 30
"""Groups with users in them, in each arm, below which nothing is said."""
LEAST_COUNT = 25.0
"""Of what is counted, in both arms together: fewer events are no normal sum."""
EXPECTED = (0.02, 0.05, 0.15, 0.5)
"""Relative differences that intervals are narrow for: from a small gain to a button that is lost."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One arm's ratio of two sums, and the variance of it; `total` is its denominator."""

    value: float
    variance: float
    total: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Relative: .1 is a tenth more with what is tried. `variance` is None where there is too little to say."""

    change: float
    variance: float | None

    def within(self, half: Callable[[float], float]) -> tuple[float, float] | None:
        """What it lies between, by `always` or `once`."""
        if self.variance is None:
            return None
        return self.change - half(self.variance), self.change + half(self.variance)


def ratio(top_G: Doubles, bottom_G: Doubles) -> Ratio | None:
    """The ratio of an arm from sums by group of users; None where fewer than two groups have users.

    >>> told = ratio(np.array([1.0, 3.0]), np.array([4.0, 4.0]))
    >>> told.value, round(told.variance, 5)
    (0.5, 0.0625)
    """
    groups, total = int(np.count_nonzero(bottom_G)), float(bottom_G.sum())
    if groups < 2 or total <= 0:
        return None
    value = float(top_G.sum()) / total
    off_G = top_G - value * bottom_G
    return Ratio(value, float(off_G @ off_G) * groups / (groups - 1) / total**2, total)


def difference(on: tuple[Doubles, Doubles], off: tuple[Doubles, Doubles]) -> Difference | None:
    """What is tried against everybody else, from sums (top, bottom) by group; None where either has no ratio.

    An arm that has not a single click has no variance of its own, so the variance of what is tried counts as no
    smaller than that of as many users of the other arm.
    """
    tried, others = ratio(*on), ratio(*off)
    if tried is None or others is None or others.value == 0:
        return None
    change = tried.value / others.value - 1
    fewest = min(int(np.count_nonzero(on[1])), int(np.count_nonzero(off[1])))
    if fewest < LEAST_GROUPS or float(on[0].sum() + off[0].sum()) < LEAST_COUNT:
        return Difference(change, None)
    least = others.variance * others.total / tried.total
    variance = (max(tried.variance, least) + (1 + change) ** 2 * others.variance) / others.value**2
    return Difference(change, variance)


def always(variance: float, *, alpha: float = 0.05) -> float:
    """Half the width of an interval that holds at all looks at once: the difference at which the mean of the likelihood
    ratios over `EXPECTED` (Johari et al. 2022, equation 14, for each) reaches 1 / alpha.

    >>> usual, at_all_looks = 1.96 * 0.01, always(0.01**2)
    >>> 1.5 < at_all_looks / usual < 2.0
    True
    """
    if variance <= 0:
        return math.inf
    low, high = 0.0, 40 * math.sqrt(variance)
    while _evidence(high, variance) < -math.log(alpha):
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _evidence(middle, variance) < -math.log(alpha) else (low, middle)
    return high


def _evidence(difference: float, variance: float) -> float:
    """The logarithm of the mean likelihood ratio of any difference, normal around 0, against none."""
    told = []
    for size in EXPECTED:
        whole = variance + size**2
        told.append(0.5 * math.log(variance / whole) + (size * difference) ** 2 / (2 * variance * whole))
    most = max(told)
    return most + math.log(sum(math.exp(one - most) for one in told) / len(told))


def once(variance: float) -> float:
    """Half the width of the usual interval of 95 %, which holds for one look alone.

    >>> round(once(.01**2), 4)
    0.0196
    """
    return 1.959964 * math.sqrt(variance)


def chi_squared(on: int, off: int, share: float) -> float:
    """How likely a split of users as uneven as this one is by chance (chi-squared, one degree of freedom).

    >>> round(chi_squared(50, 950, 0.05), 3), chi_squared(90, 910, 0.05) < 1e-8
    (1.0, True)
    """
    total = on + off
    if not total or not 0 < share < 1:
        return 1.0
    return math.erfc(math.sqrt((on - total * share) ** 2 / (total * share * (1 - share)) / 2))


def uneven(on: int, off: int, share: float) -> float:
    """The same at all looks at once: beyond p of it nobody comes who looks as often as he likes (a mixture over shares
    about the one wanted: Lindon, Malek, "Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022, section 3).

    >>> uneven(50, 950, 0.05), uneven(900, 9_100, 0.05) < 1e-8
    (1.0, True)
    """
    if not on + off or not 0 < share < 1:
        return 1.0
    # a prior as sure as 1,000 users, for mismatches of a few percent of the smaller arm
    a, b = 1_000 * share, 1_000 * (1 - share)
    evidence = _beta(a + on, b + off) - _beta(a, b) - on * math.log(share) - off * math.log(1 - share)
    return math.exp(min(0.0, -evidence))


def _beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
