"""Where candidates come from: each source by its name, up to its quota, in the order in which they are asked.

Sources only name items. What may not be shown is left out by who asks them (`retrieval.py`): they bring a few more than
they would have to. Chance derives from who asks and when, so the same request, asked again, finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from random import Random

import numpy as np
from numpy.typing import NDArray

from learners.schema import SILENT
from serving.filter_terms import Filter
from serving.fold_rules import HOUR
from serving.interests import interests_of, shared_out
from serving.known import Known
from serving.live import Bundle
from serving.policy import Quotas
from serving.scorer import Asker
from serving.walks import walked
from streams.examples import Past

Found = Iterator[tuple[str, Sequence[str]]]
Vector = NDArray[np.float32]

LAST_WANTED = 20
"""How many of the user's last wanted items tell interests and categories."""
INTERESTS = 3
INTEREST_HALF_LIFE = 24 * HOUR
COVISITED_ITEMS = 5
WALKED_NEAR = 16
"""Neighbours of an item that a walk may go on to."""
BESIDE = 64
"""Nodes in hand while the few items of an interest are searched for: of 30 wanted, 99 of 100 are found, as of 200 in
hand, in less than half the time."""
CATEGORIES = 4
FOLLOWS = "follows"
"""Where a request's context, or a user's attributes, name categories that are followed, with commas between."""


@dataclass(frozen=True, slots=True)
class Looking:
    """One request as sources see it; `hide_N` are the rows that they shall not bring, `last` the user's last items,
    newest first, that were not silenced."""

    bundle: Bundle
    known: Known
    asker: Asker
    hide_N: NDArray[np.uint8]
    last: list[Past] = field(default_factory=list)
    row_of: dict[str, int] = field(default_factory=dict)
    """Rows of the items that searches found: to look an id up among a million costs more than to remember it."""

    @classmethod
    def of(cls, bundle: Bundle, known: Known, asker: Asker, hide_N: NDArray[np.uint8]) -> Looking:
        """What there is to look with."""
        newest = {past.item_id: past for past in asker.history if past.type not in SILENT}
        last = sorted(newest.values(), key=lambda past: -past.ts)[:LAST_WANTED]
        return cls(bundle, known, asker, hide_N, last)

    def random(self, source: str) -> Random:
        """The chance of one source in this request."""
        return Random(f"{source} {self.asker.user_id} {self.asker.at}")

    def nearest(self, query_D: Vector, count: int, *, ef: int | None = None) -> list[str]:
        """The items nearest to a vector."""
        generation, scorer = self.bundle.generation, self.bundle.scorer
        rows, _ = generation.search(query_D, count, self.hide_N, beyond=True, ef=ef)
        item_ids, new_ids, known = scorer.item_ids, self.bundle.new_ids, generation.items
        if len(rows) and rows.max() >= known:
            return [item_ids[row] if row < known else new_ids[row - known] for row in rows.tolist()]
        listed = rows.tolist()
        found = [item_ids[row] for row in listed]
        self.row_of.update(zip(found, listed, strict=True))
        return found

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.int32]:
        """The version's rows of items, -1 where it knows none."""
        other = [item_id for item_id in item_ids if item_id not in self.row_of]
        self.row_of.update(zip(other, self.bundle.scorer.rows_of(other).tolist(), strict=True))
        return np.array([self.row_of[item_id] for item_id in item_ids], np.int32)


def personal(looking: Looking, quotas: Quotas, least: int) -> Found:
    """What the version and the user's history bring; at least `least` by the user's vector."""
    asker, known = looking.asker, looking.known
    user_D = looking.bundle.scorer.user_vector(asker)
    yield "vectors", looking.nearest(user_D, max(quotas.vectors, least))
    query = [asker.query_item_id] if asker.query_item_id else []
    for _, vector_D in _vectors_of(looking.bundle, query):
        yield "similar", looking.nearest(vector_D, quotas.similar)
    if quotas.recent:
        yield from (("recent", item_ids) for item_ids in _by_interest(looking, quotas.recent))
    anchors = list(dict.fromkeys([*query, *(past.item_id for past in looking.last[:COVISITED_ITEMS])]))
    if quotas.covisited:
        yield "covisited", [item_id for item_id, _ in known.near(anchors, quotas.covisited)]
    if quotas.walked and anchors:
        near = partial(_joined, known)
        starts = [(item_id, 1 / rank) for rank, item_id in enumerate(anchors, start=1)]
        yield "walked", walked(near, starts, quotas.walked, random=looking.random("walked"))
    if quotas.categories:
        yield "categories", _of_categories(looking, quotas.categories)


def shared(looking: Looking, fresh: Sequence[str], quotas: Quotas, promoted: Filter | None = None) -> Found:
    """What is brought for everybody: popular, trending, new and promoted items, and some by chance alone."""
    known, view = looking.known, looking.known.view
    yield "popular", view.popular[: quotas.popular]
    yield "trending", view.trending[: quotas.trending]
    yield "fresh", fresh[: quotas.fresh]
    if promoted is not None:
        board = known.boards.of(f"promoted {promoted.text}", promoted.term, known.stock, view)
        yield "promoted", board[: quotas.promoted]
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


def _vectors_of(bundle: Bundle, item_ids: Sequence[str]) -> list[tuple[str, Vector]]:
    """The vectors of those items that the version knows."""
    rows = bundle.scorer.rows_of(item_ids)
    return [(name, bundle.scorer.item_vectors[row]) for name, row in zip(item_ids, rows, strict=True) if row >= 0]


def _by_interest(looking: Looking, quota: int) -> list[list[str]]:
    """The items near to each interest, by its share of the quota."""
    age_of = {past.item_id: looking.asker.at - past.ts for past in looking.last}
    known = _vectors_of(looking.bundle, list(age_of))
    if not known:
        return []
    vector_HD = np.stack([vector_D for _, vector_D in known])
    ages = [age_of[item_id] for item_id, _ in known]
    interests = interests_of(vector_HD, ages, most=INTERESTS, half_life=INTEREST_HALF_LIFE)
    shares = zip(interests, shared_out(quota, interests), strict=True)
    return [looking.nearest(vector_HD[one.place], share, ef=BESIDE) for one, share in shares if share]


def _joined(known: Known, item_id: str) -> list[tuple[str, float]]:
    return known.near([item_id], WALKED_NEAR)


def _of_categories(looking: Looking, quota: int) -> list[str]:
    """The best items of the first few categories, taking turns."""
    known = looking.known
    boards = [known.boards.of_category(name, known.stock, known.view) for name in followed(looking)[:CATEGORIES]]
    mixed = (item_id for turn in zip_longest(*(board[:quota] for board in boards)) for item_id in turn if item_id)
    return list(dict.fromkeys(mixed))[:quota]


def _by_chance(looking: Looking, quota: int) -> list[str]:
    """Any items that may be shown, each alike; fewer than the quota where most are hidden."""
    item_ids, hide_N = looking.bundle.scorer.item_ids, looking.hide_N
    if not quota or not item_ids:
        return []
    random = looking.random("random")
    drawn = dict.fromkeys(random.randrange(len(item_ids)) for _ in range(4 * quota))
    return [item_ids[row] for row in drawn if not hide_N[row]][:quota]
