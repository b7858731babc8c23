"""Random walks over what was wanted together: items near several starts at once, also ones that no start touches.

As Pixie walks (Eksombatchai et al., WWW 2018, algorithms 2 and 3): steps are given out by the weight of each start, a
walk begins again with even chance after each step, and what several starts reach counts more than their sum. Bounded by
steps, decided by the chance that is given: the same chance walks the same way. Knows no catalogue and shows nothing.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Callable, Sequence
from heapq import nsmallest
from itertools import accumulate
from random import Random

Near = Sequence[tuple[str, float]]
STEPS = 240
"""Of one request, over all starts."""
GO_ON = 0.5
"""Chance to walk on instead of starting again."""


def walked(
    near: Callable[[str], Near], starts: Sequence[tuple[str, float]], count: int, *, random: Random, steps: int = STEPS
) -> list[str]:
    """The `count` items that walks from `starts` (item and weight) came to most often, none of them a start.

    >>> joined = {"tea": [("jam", 1.0)], "oil": [("jam", 1.0)], "jam": [("tea", 1.0), ("salt", 3.0)]}
    >>> walked(lambda item: joined.get(item, []), [("tea", 1.0), ("oil", 1.0)], 2, random=Random(1))
    ['jam', 'salt']
    """
    ways: dict[str, tuple[list[str], list[float]]] = {}
    visits: dict[str, float] = {}
    whole = sum(weight for _, weight in starts)
    for start, weight in starts:
        counted = _visits(start, round(steps * weight / whole), near, ways, random)
        for item, times in counted.items():
            visits[item] = visits.get(item, 0.0) + math.sqrt(times)
    for start, _ in starts:
        visits.pop(start, None)
    best = nsmallest(count, visits.items(), key=lambda pair: (-pair[1], pair[0]))
    return [item for item, _ in best]


def _visits(
    start: str, steps: int, near: Callable[[str], Near], ways: dict[str, tuple[list[str], list[float]]], random: Random
) -> dict[str, int]:
    """How often walks from one start came to each item."""
    counted: dict[str, int] = {}
    at = start
    for _ in range(steps):
        if at not in ways:
            found = near(at)
            ways[at] = [item for item, _ in found], list(accumulate(weight for _, weight in found))
        items, heaped = ways[at]
        if not items and at == start:
            break
        if items:
            to = bisect(heaped, random.random() * heaped[-1], hi=len(heaped) - 1)
            counted[items[to]] = counted.get(items[to], 0) + 1
            at = items[to]
        if not items or random.random() >= GO_ON:
            at = start
    return counted
