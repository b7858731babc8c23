"""What needs no model: the ten most clicked of the last hour, and co-visitation backed by that list.

Co-visitation counts which item was clicked right after which, over all sessions; the ten of the largest count after
the last click are the answer, filled up from the list where there are fewer. With a half-life the counts fade. The
rank of each click is taken before the click is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

from benchmarks.retrieval_clicks import Longs, Stream

HOUR = 3_600_000
K = 10
F = TypeVar("F", bound=Callable[..., Any])


def fast(function: F) -> F:
    """Compiled, with its types kept for the checker."""
    return cast(F, njit(cache=True, error_model="numpy")(function))


def ranks(stream: Stream, *, half_life: float = np.inf) -> Longs:
    """Ranks of each click by the list and by co-visitation, [N, 2]; 0 where it is not among the ten."""
    return np.asarray(_ranks(stream.at_N, stream.item_N, stream.before_NL[:, 0].copy(), half_life))


@fast
def _ranks(at_N: Any, item_N: Any, last_N: Any, half_life: float) -> Any:
    clicks, items = len(at_N), item_N.max() + 1
    # items sorted by count: `more[c]` of them have more than c clicks, so one click moves one item one bucket up
    sorted_E, place_E = np.arange(items), np.arange(items)
    count_E, more = np.zeros(items, np.int64), np.zeros(clicks + 2, np.int64)
    first_E = np.full(items, -1, np.int64)
    next_P, to_P = np.full(clicks, -1, np.int64), np.zeros(clicks, np.int64)
    weight_P, at_P = np.zeros(clicks), np.zeros(clicks, np.int64)
    rank_N2 = np.zeros((clicks, 2), np.int64)
    pairs = oldest = 0
    for n in range(clicks):
        while at_N[oldest] < at_N[n] - HOUR:
            _count(item_N[oldest], -1, count_E, more, sorted_E, place_E)
            oldest += 1
        last = last_N[n]
        if last >= 0:
            rank_N2[n, 0] = _listed(item_N[n], sorted_E, count_E)
            near = _nearest(last, at_N[n], half_life, first_E, next_P, to_P, weight_P, at_P)
            rank_N2[n, 1] = _backed(item_N[n], near, sorted_E, count_E)
            pairs = _pair(last, item_N[n], at_N[n], half_life, first_E, next_P, to_P, weight_P, at_P, pairs)
        _count(item_N[n], 1, count_E, more, sorted_E, place_E)
    return rank_N2


@fast
def _count(item: int, by: int, count_E: Any, more: Any, sorted_E: Any, place_E: Any) -> None:
    """One click more or less: the item changes places with the first or the last of its bucket."""
    count = count_E[item]
    here = place_E[item]
    there = more[count] if by > 0 else more[count - 1] - 1
    other = sorted_E[there]
    sorted_E[here], place_E[other] = other, here
    sorted_E[there], place_E[item] = item, there
    more[count if by > 0 else count - 1] += by
    count_E[item] = count + by


@fast
def _listed(item: int, sorted_E: Any, count_E: Any) -> int:
    for place in range(min(K, len(sorted_E))):
        if sorted_E[place] == item and count_E[item] > 0:
            return place + 1
    return 0


@fast
def _nearest(
    last: int, at: int, half_life: float, first_E: Any, next_P: Any, to_P: Any, weight_P: Any, at_P: Any
) -> Any:
    """The ten that most often came after an item, heaviest first, -1 where there are fewer."""
    near, weights = np.full(K, -1, np.int64), np.zeros(K)
    pair = first_E[last]
    while pair >= 0:
        weight = weight_P[pair] * 2.0 ** (-(at - at_P[pair]) / half_life)
        if weight > weights[K - 1] or near[K - 1] < 0:
            place = K - 1
            while place > 0 and (near[place - 1] < 0 or weights[place - 1] < weight):
                near[place], weights[place] = near[place - 1], weights[place - 1]
                place -= 1
            near[place], weights[place] = to_P[pair], weight
        pair = next_P[pair]
    return near


@fast
def _backed(item: int, near: Any, sorted_E: Any, count_E: Any) -> int:
    listed = 0
    for place in range(K):
        if near[place] == item:
            return place + 1
        listed += near[place] >= 0
    for place in range(len(sorted_E)):
        other = sorted_E[place]
        if listed == K or count_E[other] == 0:
            return 0
        if (near == other).any():
            continue
        listed += 1
        if other == item:
            return listed
    return 0


@fast
def _pair(
    last: int, item: int, at: int, half_life: float, first_E: Any, next_P: Any, to_P: Any, weight_P: Any, at_P: Any,
    pairs: int,
) -> int:  # fmt: skip
    """Count a pair; how many there are."""
    pair = first_E[last]
    while pair >= 0 and to_P[pair] != item:
        pair = next_P[pair]
    if pair < 0:
        pair, pairs = pairs, pairs + 1
        to_P[pair], next_P[pair], first_E[last], at_P[pair] = item, first_E[last], pair, at
    weight_P[pair] = weight_P[pair] * 2.0 ** (-(at - at_P[pair]) / half_life) + 1
    at_P[pair] = at
    return pairs
