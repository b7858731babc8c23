"""What is popular, trending and new, and what is followed by how much, over all partitions, as of one moment.

Made anew every half second. A view is never changed after it was made, so a request reads one from begin to end.
Whether an item may still be shown is asked of the stock at the request: a view may be half a second old, a delete may
not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.following import FOLLOWED, OPENED
from serving.following import Sums as Follows
from serving.popularity import FAST_CLICKS, FAST_VIEWS, SLOW_CLICKS, SLOW_VIEWS, Sums

SMOOTHING = 20.0
"""Views at the overall click rate that every item is given before its own count; openings at the overall mean too."""

LISTED = 500


@dataclass(frozen=True, slots=True)
class View:
    """`rate_C` is the smoothed click rate by code, `views_C` are fading views, `followed_C` is the smoothed mean number
    of items that people went on to want, and `follows` that of all items; the lists are of item ids, best first."""

    at: int = 0
    prior: float = 0.0
    rate_C: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    popular: tuple[str, ...] = ()
    trending: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    views_C: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    follows: float = 0.0
    followed_C: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def rates(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Smoothed click rates, the overall one where nothing is known."""
        return _known(self.rate_C, codes, self.prior)

    def views(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Fading views, 0 where nothing is known."""
        return _known(self.views_C, codes, 0.0)

    def followed(self, codes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Smoothed mean numbers of items that followed, the overall one where nothing is known."""
        return _known(self.followed_C, codes, self.follows)


def view_of(
    at: int, item_ids: Sequence[str], sums: Sums, latest: Sequence[str], follows: Follows | None = None
) -> View:
    """The view of counts `sums` by code (rows as `item_ids`), and of those of what followed, where these are kept.

    >>> view = view_of(5, ["tea", "jam", "oil"], np.array([[9.0, 1, 0, 0], [9, 5, 1, 1], [0, 0, 0, 0]]), ["oil"])
    >>> view.popular, view.trending, view.latest, round(view.prior, 3)
    (('jam', 'tea'), ('jam',), ('oil',), 0.333)
    """
    views, clicks = sums[:, SLOW_VIEWS].copy(), sums[:, SLOW_CLICKS]  # a slice would keep all the sums
    prior = min(1.0, float(clicks.sum()) / max(float(views.sum()), 1e-9))
    rate_C = (clicks + SMOOTHING * prior) / (views + SMOOTHING)
    warm = (sums[:, FAST_CLICKS] + prior) / (sums[:, FAST_VIEWS] + 1.0)
    mean, followed_C = (0.0, np.zeros(0)) if follows is None else followed_of(follows)
    return View(
        at=at,
        prior=prior,
        rate_C=rate_C,
        popular=_best(item_ids, rate_C, views + clicks > 0),
        trending=_best(item_ids, warm, sums[:, FAST_CLICKS] >= 0.25),
        latest=tuple(latest),
        views_C=views,
        follows=mean,
        followed_C=followed_C,
    )


def followed_of(sums: Follows) -> tuple[float, NDArray[np.float64]]:
    """How many items follow an opening on average, of all and of each item; a few openings are not yet believed.

    >>> mean, followed_C = followed_of(np.array([[20.0, 60.0], [60.0, 20.0], [0.0, 0.0]]))
    >>> mean, followed_C.tolist()
    (1.0, [2.0, 0.5, 1.0])
    """
    opened, followed = sums[:, OPENED], sums[:, FOLLOWED]
    mean = float(followed.sum()) / max(float(opened.sum()), 1e-9)
    return mean, (followed + SMOOTHING * mean) / (opened + SMOOTHING)


def _best(item_ids: Sequence[str], score_C: NDArray[np.float64], counted_C: NDArray[np.bool_]) -> tuple[str, ...]:
    codes = np.flatnonzero(counted_C)
    order = np.argsort(-score_C[codes], kind="stable")[:LISTED]
    return tuple(item_ids[code] for code in codes[order])


def _known(value_C: NDArray[np.float64], codes: NDArray[np.int64], otherwise: float) -> NDArray[np.float64]:
    known = (codes >= 0) & (codes < len(value_C))
    out = np.full(len(codes), otherwise)
    out[known] = value_C[codes[known]]
    return out
