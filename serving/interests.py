"""The several interests of one user: the last wanted items in clusters, each told by its medoid and a weight.

A mean of unlike vectors lies where the user likes nothing; a medoid is an item that was wanted (Pal et al.,
"PinnerSage", KDD 2020, sections 3.2 and 3.3). There Ward's method clusters; here the newest item opens a cluster and an
older one joins where even its least like member is like it, which for two dozen items costs a request microseconds.
Pure: the same vectors and ages give the same interests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from operator import mul

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
ALIKE = 0.6
"""Cosine from which two items are of one interest."""


@dataclass(frozen=True, slots=True)
class Interest:
    """One taste: `place` is its medoid among the items, `weight` its share of all, by how recent its items are."""

    place: int
    weight: float


def interests_of(
    vector_HD: Floats, age_H: Sequence[int], *, most: int, half_life: int, alike: float = ALIKE
) -> list[Interest]:
    """At most `most` interests, the heaviest first; `vector_HD` are of length 1, the newest first, ages in ms.

    An item weighs 2 ** (-age / half_life); a medoid is the member to which the others, by weight, are most like.

    >>> jazz, rock = [1.0, 0.0], [0.0, 1.0]
    >>> found = interests_of(np.array([jazz, rock, jazz], np.float32), [0, 0, 0], most=3, half_life=1_000)
    >>> [(one.place, round(one.weight, 2)) for one in found]
    [(0, 0.67), (1, 0.33)]
    """
    if not len(vector_HD):
        return []
    like_HH = (vector_HD @ vector_HD.T).tolist()
    weight_H = [2.0 ** (-max(age, 0) / half_life) for age in age_H]
    found = [_told(members, like_HH, weight_H) for members in _clusters(like_HH, alike)]
    best = sorted(found, key=lambda one: (-one.weight, one.place))[:most]
    whole = sum(one.weight for one in best) or 1.0
    return [Interest(one.place, one.weight / whole) for one in best]


def shared_out(quota: int, interests: Sequence[Interest]) -> list[int]:
    """How much of a quota each interest has: by its weight, one at least while it lasts.

    >>> shared_out(60, [Interest(0, 0.75), Interest(1, 0.25)]), shared_out(1, [Interest(0, 0.5), Interest(1, 0.5)])
    ([45, 15], [1, 0])
    """
    shares: list[int] = []
    for one in interests:
        shares.append(min(max(round(quota * one.weight), 1), quota - sum(shares)))
    return shares


def _clusters(like_HH: list[list[float]], alike: float) -> list[list[int]]:
    clusters: list[list[int]] = []
    least: list[list[float]] = []  # by cluster, how like each item its least like member is
    for place, like_H in enumerate(like_HH):
        nearest, nearness = -1, -inf
        for number, least_H in enumerate(least):
            if least_H[place] > nearness:
                nearest, nearness = number, least_H[place]
        if nearest >= 0 and nearness >= alike:
            clusters[nearest].append(place)
            least[nearest] = [*map(min, least[nearest], like_H)]
        else:
            clusters.append([place])
            least.append(like_H)
    return clusters


def _told(members: list[int], like_HH: list[list[float]], weight_H: list[float]) -> Interest:
    weights = [weight_H[other] for other in members]
    if len(members) == 1:
        return Interest(members[0], weights[0])
    medoid = max(members, key=lambda one: sum(map(mul, weights, map(like_HH[one].__getitem__, members))))
    return Interest(medoid, sum(weights))
