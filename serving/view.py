"""What is popular, trending and new, over all partitions, as of one moment: made anew every half second.

A view is never changed after it was made, so a request reads one from begin to end. Whether an item may still be shown
is asked of the stock at the request: a view may be half a second old, a delete may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.popularity import FAST_CLICKS, FAST_VIEWS, SLOW_CLICKS, SLOW_VIEWS, Sums

SMOOTHING = 20.0
"""Views at the overall click rate that every item is given before its own count."""

LISTED = 500


@dataclass(frozen=True, slots=True)
class View:
    """`rate_C` is the smoothed click rate by code, `views_C` are fading views; the lists are of item ids,
    best first."""

    at: int = 0
    prior: float = 0.0
    rate_C: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    popular: tuple[str, ...] = ()
    trending: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    views_C: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def rates(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Smoothed click rates, the overall one where nothing is known."""
        if not len(self.rate_C):
            return np.full(len(codes), self.prior)
        known = (codes >= 0) & (codes < len(self.rate_C))
        return np.where(known, self.rate_C[np.where(known, codes, 0)], self.prior)

    def views(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Fading views, 0 where nothing is known."""
        return _known(self.views_C, codes)


def view_of(at: int, item_ids: Sequence[str], sums: Sums, latest: Sequence[str]) -> View:
    """The view of counts `sums` by code (rows as `item_ids`).

    >>> view = view_of(5, ["tea", "jam", "oil"], np.array([[9.0, 1, 0, 0], [9, 5, 1, 1], [0, 0, 0, 0]]), ["oil"])
    >>> view.popular, view.trending, view.latest, round(view.prior, 3)
    (('jam', 'tea'), ('jam',), ('oil',), 0.333)
    """
    views, clicks = sums[:, SLOW_VIEWS], sums[:, SLOW_CLICKS]
    prior = min(1.0, float(clicks.sum()) / max(float(views.sum()), 1e-9))
    rate_C = (clicks + SMOOTHING * prior) / (views + SMOOTHING)
    warm = (sums[:, FAST_CLICKS] + prior) / (sums[:, FAST_VIEWS] + 1.0)
    return View(
        at=at,
        prior=prior,
        rate_C=rate_C,
        popular=_best(item_ids, rate_C, views + clicks > 0),
        trending=_best(item_ids, warm, sums[:, FAST_CLICKS] >= 0.25),
        latest=tuple(latest),
        views_C=views,
    )


def _best(item_ids: Sequence[str], score_C: NDArray[np.float64], counted_C: NDArray[np.bool_]) -> tuple[str, ...]:
    codes = np.flatnonzero(counted_C)
    order = np.argsort(-score_C[codes], kind="stable")[:LISTED]
    return tuple(item_ids[code] for code in codes[order])


def _known(value_C: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    known = (codes >= 0) & (codes < len(value_C))
    out = np.zeros(len(codes))
    out[known] = value_C[codes[known]]
    return out
