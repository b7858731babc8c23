"""Lists without a model: what is given first, then popular, then new, then anything that may be shown, until full.

The last resort is why a list is short only where nothing is left: it looks at every item, best click rate first.
Nothing here knows of versions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from serving.answers import Ask, Placed
from serving.filtering import Passing
from serving.known import Known

Rated = list[tuple[str, float]]
REST = "rest"
"""The source of what is found by looking at every item."""


def filled(
    ask: Ask, known: Known, source: str, first: Rated, *, enough: frozenset[str], passing: Passing | None
) -> tuple[Placed, ...]:
    """`first`, then popular, then new items, then any; last those that the user had enough of. Positions go on where
    the pages before ended."""
    view = known.view
    shelves = [(source, first), ("popular", rated(known, view.popular)), ("latest", rated(known, view.latest))]
    barred = barred_by(ask)
    taken: dict[str, tuple[float, str]] = {}
    for tired in (False, True):
        for origin, listed in shelves:
            for name, worth in listed:
                if len(taken) == ask.n:
                    break
                if name in barred or name in taken or not (tired or name not in enough):
                    continue
                if may_show(known, name, ask.at, passing):
                    taken[name] = (worth, origin)
        if len(taken) < ask.n:
            shut = barred | taken.keys() | (frozenset() if tired else enough)
            taken |= {name: (worth, REST) for name, worth in rest(known, ask.at, ask.n - len(taken), shut, passing)}
    return tuple(Placed(name, ask.shown + n, worth, made) for n, (name, (worth, made)) in enumerate(taken.items()))


def rest(
    known: Known,
    at: int,
    count: int,
    shut: Collection[str],
    passing: Passing | None,
    but: NDArray[np.int64] | None = None,
) -> Rated:
    """Up to `count` of all items that may be shown and are let through, best click rate first, none that is `shut`;
    `but` are codes that shall not be among them."""
    stock = known.stock
    codes = np.arange(len(stock.item_ids))
    let_C = stock.closed(codes, at) == 0
    if passing is not None:
        let_C &= passing.of(codes)
    shut_codes = stock.codes(shut)
    for gone in (shut_codes, but):
        if gone is not None:
            let_C[gone[(gone >= 0) & (gone < len(let_C))]] = False
    left = np.flatnonzero(let_C)
    rate_L = known.view.rates(left)
    if len(left) > 4 * count:
        best = np.argpartition(-rate_L, count)[:count]
        left, rate_L = left[best], rate_L[best]
    order = np.lexsort((left, -rate_L))[:count]
    best_codes, rates = left[order].tolist(), rate_L[order].tolist()
    return [(stock.item_ids[code], rate) for code, rate in zip(best_codes, rates, strict=True)]


def rated(known: Known, item_ids: Sequence[str]) -> Rated:
    """Items with their click rates."""
    return list(zip(item_ids, known.view.rates(known.stock.codes(item_ids)).tolist(), strict=True))


def barred_by(ask: Ask) -> frozenset[str]:
    """What a request will not have: what it excludes, and the item it asks about."""
    return ask.exclude | ({ask.query_item_id} if ask.query_item_id else frozenset())


def may_show(known: Known, item_id: str, at: int, passing: Passing | None) -> bool:
    """Whether an item is open, and let through by the filter."""
    stock = known.stock
    return stock.open_at(item_id, at) and (passing is None or passing.lets(stock.find(item_id)))
