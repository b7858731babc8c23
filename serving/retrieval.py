"""Which items a request considers: from each source up to its quota, filtered before anything is scored.

A candidate keeps the source that found it first. What is hidden, deleted, closed, excluded or seen enough never becomes
one: a mask goes into the index search, and every id is asked of the stock. Nothing here scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from learners.wanted import wanted_of_late
from serving.known import Known
from serving.live import Bundle
from serving.policy import Quotas, SeenRule
from serving.profiles import Profile
from serving.scorer import Asker
from serving.stock import Stock
from serving.view import View

RECENT_ITEMS = 3
"""How many of the user's last items have their neighbours searched for."""

COVISITED_ITEMS = 5
MASK_LIFE = 250
"""Milliseconds after which openings and closings by time are looked at again; a delete is seen at once."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Items to score; `row_I` are their rows in the version, -1 where it does not know them."""

    item_ids: list[str]
    sources: list[str]
    row_I: NDArray[np.int32]


class Shelf:
    """The items of one version, as far as the stock lets them be shown, and what came since."""

    def __init__(self, bundle: Bundle, stock: Stock) -> None:
        self._scorer = bundle.scorer
        self._item_ids = bundle.scorer.item_ids
        self._stock = stock
        self._code_N = stock.codes(self._item_ids)
        self._view: View | None = None
        self._fresh: list[str] = []
        self._asked: tuple[int, int] | None = None
        self._closed_N: NDArray[np.uint8] = np.zeros(len(self._item_ids), np.uint8)

    def fresh(self, view: View) -> list[str]:
        """The newest items: first those that the version does not know, which no vector can find."""
        if view is not self._view:
            unknown = self._scorer.rows_of(view.latest) < 0
            new = [item_id for item_id, is_new in zip(view.latest, unknown.tolist(), strict=True) if is_new]
            self._view, self._fresh = view, list(dict.fromkeys([*new, *view.latest]))
        return self._fresh

    def hidden(self, at: int) -> NDArray[np.uint8]:
        """A mask of its own for each caller: 1 for the rows that may not be shown."""
        asked = (self._stock.revision, at // MASK_LIFE)
        if asked != self._asked:
            unheard = np.flatnonzero(self._code_N < 0)
            self._code_N[unheard] = self._stock.codes(self._item_ids[row] for row in unheard.tolist())
            self._closed_N, self._asked = self._stock.closed(self._code_N, at), asked
        return self._closed_N.copy()


def had_enough(profile: Profile, rule: SeenRule, at: int) -> frozenset[str]:
    """The items that a user should not get again yet.

    >>> from streams.examples import Past
    >>> ana = Profile([Past("tea", "click", 50), Past("salt", "dismiss", 1)], 50, {"jam": (9, 60), "oil": (1, 60)})
    >>> sorted(had_enough(ana, SeenRule(wanted_for=30, showings=3, shown_for=100), at=70))
    ['jam', 'tea']
    """
    wanted = wanted_of_late(profile.history, at, rule.wanted_for)
    shown = profile.seen.copy()
    tired = {item for item, (count, ts) in shown.items() if count >= rule.showings and at - ts <= rule.shown_for}
    return wanted | tired


def retrieve(
    bundle: Bundle, known: Known, shelf: Shelf, asker: Asker, *, barred: frozenset[str], quotas: Quotas, least: int = 0
) -> Candidates:
    """The candidates of one request; at least `least` are searched for by vectors, `barred` is never among them."""
    found: dict[str, str] = {}
    hide_N = shelf.hidden(asker.at)
    rows = bundle.scorer.rows_of(list(barred))
    hide_N[rows[rows >= 0]] = 1
    for source, item_ids in _sources(bundle, known, shelf, asker, hide_N=hide_N, quotas=quotas, least=least):
        for item_id in item_ids:
            if item_id not in found and item_id not in barred and known.stock.open_at(item_id, asker.at):
                found[item_id] = source
    item_ids = list(found)
    return Candidates(item_ids, list(found.values()), bundle.scorer.rows_of(item_ids))


def _sources(
    bundle: Bundle,
    known: Known,
    shelf: Shelf,
    asker: Asker,
    *,
    hide_N: NDArray[np.uint8],
    quotas: Quotas,
    least: int,
) -> Iterator[tuple[str, Iterable[str]]]:
    last = list(dict.fromkeys(past.item_id for past in reversed(asker.history)))
    user_D = bundle.scorer.user_vector(asker)
    yield "vectors", _nearest(bundle, user_D, max(quotas.vectors, least), hide_N)
    anchors = ([asker.query_item_id] if asker.query_item_id else []) + last[:RECENT_ITEMS]
    for item_id, vector_D in vectors_of(bundle, anchors):
        source = "similar" if item_id == asker.query_item_id else "recent"
        yield source, _nearest(bundle, vector_D, quotas.recent // RECENT_ITEMS, hide_N)
    near = known.near(list(dict.fromkeys(anchors[:1] + last[:COVISITED_ITEMS])), quotas.covisited)
    yield "covisited", [item_id for item_id, _ in near]
    yield "popular", known.view.popular[: quotas.popular]
    yield "trending", known.view.trending[: quotas.trending]
    yield "fresh", shelf.fresh(known.view)[: quotas.fresh]


def vectors_of(bundle: Bundle, item_ids: list[str]) -> list[tuple[str, NDArray[np.float32]]]:
    """The vectors of those items that the version knows."""
    rows = bundle.scorer.rows_of(item_ids)
    return [(name, bundle.scorer.item_vectors[row]) for name, row in zip(item_ids, rows, strict=True) if row >= 0]


def _nearest(bundle: Bundle, query_D: NDArray[np.float32], count: int, hide_N: NDArray[np.uint8]) -> list[str]:
    rows, _ = bundle.generation.search(query_D, count, hide_N)
    item_ids = bundle.scorer.item_ids
    return [item_ids[row] for row in rows.tolist()]
