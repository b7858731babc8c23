"""Where candidates come from: each source by its name, up to its quota, in the order in which they are asked.

Sources only name items. What may not be shown is left out by who asks them (`retrieval.py`): they bring a few more than
they would have to. Chance derives from who asks and when, so the same request, asked again, finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, zip_longest
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.schema import SILENT
from serving.candidates import NONE, Keys, Strangers
from serving.filter_terms import Filter
from serving.fold_rules import HOUR
from serving.interests import interests_of, shared_out
from serving.known import Known
from serving.live import Bundle
from serving.policy import Quotas
from serving.scorer import Asker
from serving.shelf import Lists, Shelf
from serving.walks import walked
from streams.examples import Past

Found = Iterator[tuple[str, Keys]]
Vector = NDArray[np.float32]

LAST_WANTED = 20
"""How many of the user's last wanted items tell interests and categories."""
INTERESTS = 3
INTEREST_HALF_LIFE = 24 * HOUR
COVISITED_ITEMS = 5
WALKED_NEAR = 16
"""Neighbours of an item that a walk may go on to."""
CATEGORIES = 4
FOLLOWS = "follows"
"""Where a request's context, or a user's attributes, name categories that are followed, with commas between."""


@dataclass(frozen=True, slots=True)
class Looking:
    """One request as sources see it; `hide_N` are the rows that they shall not bring, where there are such; `last` the
    user's last items, newest first, that were not silenced; `strangers` what they find that the version does not know.
    """

    bundle: Bundle
    known: Known
    asker: Asker
    hide_N: NDArray[np.uint8] | None
    shelf: Shelf
    last: list[Past] = field(default_factory=list)
    strangers: Strangers = field(default_factory=Strangers)

    @classmethod
    def of(cls, bundle: Bundle, known: Known, asker: Asker, hide_N: NDArray[np.uint8] | None, shelf: Shelf) -> Looking:
        """What there is to look with."""
        newest = {past.item_id: past for past in asker.history if past.type not in SILENT}
        last = sorted(newest.values(), key=lambda past: -past.ts)[:LAST_WANTED]
        return cls(bundle, known, asker, hide_N, shelf, last)

    def random(self, source: str) -> Random:
        """The chance of one source in this request."""
        return Random(f"{source} {self.asker.user_id} {self.asker.at}")

    def keys(self, codes: NDArray[np.integer[Any]]) -> Keys:
        """Items by the stock's numbers as candidates are called."""
        return self.shelf.keys(codes, self.strangers)

    def nearest(self, query_D: Vector, count: int) -> Keys:
        """The items nearest to a vector."""
        return self._keys(self.bundle.generation.search(query_D, count, self.hide_N, beyond=True)[0])

    def beside(self, row: int, count: int) -> Keys:
        """The items nearest to one of the version."""
        return self._keys(self.shelf.neighbours.of(row, count, self.hide_N))

    def _keys(self, row_K: NDArray[np.int32]) -> Keys:
        new_ids, items = self.bundle.new_ids, self.bundle.generation.items
        if not new_ids or not len(row_K) or row_K.max() < items:
            return row_K
        rows = row_K.tolist()
        return np.array([row if row < items else self.strangers.key(new_ids[row - items]) for row in rows], np.int32)


def personal(looking: Looking, quotas: Quotas, least: int) -> Found:
    """What the version and the user's history bring; at least `least` by the user's vector."""
    asker, known = looking.asker, looking.known
    user_D = looking.bundle.scorer.user_vector(asker)
    yield "vectors", looking.nearest(user_D, max(quotas.vectors, least))
    query = [asker.query_item_id] if asker.query_item_id else []
    for row in looking.bundle.scorer.rows_of(query).tolist():
        if row >= 0:
            yield "similar", looking.beside(row, quotas.similar)
    if quotas.recent:
        yield from (("recent", keys) for keys in _by_interest(looking, quotas.recent))
    anchors = list(dict.fromkeys([*query, *(past.item_id for past in looking.last[:COVISITED_ITEMS])]))
    if quotas.covisited:
        yield "covisited", looking.keys(known.near_codes(anchors, quotas.covisited)[0])
    if quotas.walked and anchors:
        near = partial(_joined, known)
        starts = [(item_id, 1 / rank) for rank, item_id in enumerate(anchors, start=1)]
        reached = walked(near, starts, quotas.walked, random=looking.random("walked"))
        yield "walked", looking.keys(known.stock.codes(reached))
    if quotas.categories:
        yield "categories", looking.keys(_of_categories(looking, quotas.categories))


def shared(looking: Looking, lists: Lists, quotas: Quotas, promoted: Filter | None = None) -> Found:
    """What is brought for everybody: popular, trending, new and promoted items, and some by chance alone."""
    known, strangers = looking.known, looking.strangers
    yield "popular", lists.popular.keys(quotas.popular, strangers)
    yield "trending", lists.trending.keys(quotas.trending, strangers)
    yield "fresh", lists.fresh.keys(quotas.fresh, strangers)
    if promoted is not None:
        board = known.boards.of(f"promoted {promoted.text}", promoted.term, known.stock, known.view)
        yield "promoted", looking.keys(board[: quotas.promoted])
    yield "random", _by_chance(looking, quotas.random)


def followed(looking: Looking) -> list[str]:
    """The categories of the asker, heaviest first: those that are said to be followed, then those of the last wanted
    items, each item counting less than the newer one before it."""
    said = str(looking.asker.context.get(FOLLOWS, ""))
    told = dict.fromkeys(name for name in (part.strip() for part in said.split(",")) if name)
    weight: dict[str, float] = {}
    for rank, categories in enumerate(looking.known.stock.categories([past.item_id for past in looking.last]), 1):
        for category in categories:
            weight[category] = weight.get(category, 0.0) + 1 / rank
    return [*told, *sorted(weight.keys() - told.keys(), key=lambda name: (-weight[name], name))]


def _by_interest(looking: Looking, quota: int) -> list[Keys]:
    """The items near to each interest, by its share of the quota."""
    scorer, last = looking.bundle.scorer, looking.last
    row_H = scorer.rows_of([past.item_id for past in last])
    known = np.flatnonzero(row_H >= 0).tolist()
    if not known:
        return []
    vector_HD = scorer.item_vectors.take(row_H[known], axis=0)
    ages = [looking.asker.at - last[place].ts for place in known]
    interests = interests_of(vector_HD, ages, most=INTERESTS, half_life=INTEREST_HALF_LIFE)
    shares = zip(interests, shared_out(quota, interests), strict=True)
    return [looking.beside(int(row_H[known[one.place]]), share) for one, share in shares if share]


def _joined(known: Known, item_id: str) -> list[tuple[str, float]]:
    return known.near([item_id], WALKED_NEAR)


def _of_categories(looking: Looking, quota: int) -> NDArray[np.int64]:
    """The best items of the first few categories, taking turns."""
    known = looking.known
    boards = [known.boards.of_category(name, known.stock, known.view) for name in followed(looking)[:CATEGORIES]]
    turns = chain.from_iterable(zip_longest(*(board[:quota].tolist() for board in boards), fillvalue=-1))
    codes = dict.fromkeys(turns)
    codes.pop(-1, None)
    return np.array(list(codes)[:quota], np.int64)


def _by_chance(looking: Looking, quota: int) -> Keys:
    """Any items that may be shown, each alike; fewer than the quota where most are hidden."""
    items, hide_N = len(looking.bundle.scorer.item_ids), looking.hide_N
    if not quota or not items:
        return NONE
    random = looking.random("random")
    drawn = dict.fromkeys(random.randrange(items) for _ in range(4 * quota))
    return np.array([row for row in drawn if hide_N is None or not hide_N[row]][:quota], np.int32)
