"""Who is considered for the places of a list, and by what law they are filled: values, likeness, limits, draws.

Lists that are answered and lists that are foreseen for an estimate are filled from the same pool, so that the chance of
a place means the same in both. Nothing here fills one (`reranking.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.candidates import Candidates
from serving.known import Known
from serving.limits import Limits, groups_of, within
from serving.live import Bundle
from serving.policy import Policy
from serving.posterior import deviation, drawn
from serving.ranking import Floats
from serving.reranking import demoted, likeness

POOL = 60
"""How many of the best are considered for each other's company, beside new items."""
EXPLORED = ("fresh", "random")
"""Sources of which chance may choose any item, however low its value: it needs views before it can be ranked well."""
BESIDE = 3
"""So many times as many of one author or category as a list takes are considered at most."""
SURE = 2.0
"""Items are considered by their value and so many deviations, where places go by what values might be."""


@dataclass(frozen=True, slots=True)
class Pool:
    """`index_P` are places among the candidates, which `value_I` and `kept_I` are of: the value after showings in vain,
    and the part of it that they left. `drawn_DP` is None where places go by the values."""

    value_I: Floats
    kept_I: Floats
    index_P: NDArray[np.int64]
    like_PP: Floats
    limits: Limits
    drawn_DP: Floats | None

    @property
    def value(self) -> Floats:
        """The values of those who are considered."""
        value: Floats = self.value_I[self.index_P]
        return value


@dataclass(frozen=True, slots=True)
class Worth:
    """Candidates with their values before fatigue, what those are made of, and how often each was shown in vain."""

    found: Candidates
    value_I: Floats
    probability_IL: Floats
    weight_L: Floats
    shown: Sequence[int]


def pool_of(worth: Worth, bundle: Bundle, known: Known, *, count: int, policy: Policy, seed: str) -> Pool:
    """The pool of one list of `count` places; `seed` says who asks and when."""
    found = worth.found
    kept_I = demoted(np.ones_like(worth.value_I), worth.shown, policy.fatigue)
    value_I: Floats = worth.value_I * kept_I
    wide_I = _width(worth, known, policy)
    hope_I = value_I if wide_I is None else value_I + SURE * wide_I * kept_I
    promoted_I = _promoted(found, known, policy)
    index_P = _considered(hope_I, found, known, count=count, policy=policy, promoted_I=promoted_I)
    names = [found.item_id(index) for index in index_P.tolist()] if policy.caps.author or policy.caps.category else []
    limits = Limits(
        groups_of(known.stock.authors(names), policy.caps.author) if policy.caps.author else (),
        None if promoted_I is None else promoted_I[index_P],
        policy.promotion.share,
    )
    if policy.caps.category:
        by_category = groups_of(known.stock.categories(names), policy.caps.category)
        limits = Limits(limits.capped + by_category, limits.promoted_I, limits.share)
    drawn_DP = None if wide_I is None else drawn(value_I[index_P], (wide_I * kept_I)[index_P], f"places {seed}")
    return Pool(value_I, kept_I, index_P, _likeness(found, index_P, bundle, known), limits, drawn_DP)


def _considered(
    hope_I: Floats,
    found: Candidates,
    known: Known,
    *,
    count: int,
    policy: Policy,
    promoted_I: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """The best, with enough others where the best are all of a kind; what is promoted; and what chance may choose."""
    order_I, size = np.argsort(-hope_I, kind="stable"), max(POOL, 2 * count)
    taken = order_I[:size].tolist()
    stock, caps = known.stock, policy.caps
    for most, names_of in ((caps.author, stock.authors), (caps.category, stock.categories)):
        if most:
            names: Sequence[Iterable[str]] = names_of(found.item_ids)
            taken = list(dict.fromkeys([*taken, *within(order_I.tolist(), names, BESIDE * most, size)]))
    more = [] if promoted_I is None else order_I[promoted_I[order_I]][:count].tolist()
    more += order_I[_explored(found)[order_I]].tolist()
    return np.array(list(dict.fromkeys([*taken, *more])), np.int64)


def _explored(found: Candidates) -> NDArray[np.bool_]:
    explored_S = np.array([source in EXPLORED for source in found.origins], np.bool_)
    return explored_S[found.source_I]


def _promoted(found: Candidates, known: Known, policy: Policy) -> NDArray[np.bool_] | None:
    wanted = policy.promotion.wanted
    return None if wanted is None else known.stock.let(wanted.term, known.stock.codes(found.item_ids))


def _width(worth: Worth, known: Known, policy: Policy) -> Floats | None:
    """How uncertain each value is, None where that is not asked."""
    if policy.exploration != "thompson":
        return None
    views_I = known.view.views(known.stock.codes(worth.found.item_ids))
    wide_I: Floats = np.float32(policy.boldness) * deviation(worth.probability_IL, worth.weight_L, views_I)
    return wide_I


def _likeness(found: Candidates, pool: NDArray[np.int64], bundle: Bundle, known: Known) -> Floats:
    row_P = found.row_I[pool]
    has_P = row_P >= 0
    if has_P.all():
        return likeness(bundle.scorer.item_vectors.take(row_P, axis=0), (), has_P)
    vector_PD = np.where(has_P[:, None], bundle.scorer.item_vectors[np.where(has_P, row_P, 0)], np.float32(0))
    names = [found.item_id(index) for index in pool.tolist()]
    return likeness(vector_PD, known.stock.categories(names), has_P)
