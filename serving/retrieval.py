"""Which items a request considers: from each source up to its quota, filtered before anything is scored.

A candidate keeps the source that found it first. What is hidden, deleted, closed, excluded or seen enough never becomes
one: a mask goes into the index search, and every id is asked of the stock. Nothing here scores.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from learners.wanted import wanted_of_late
from serving.filling import REST, rest
from serving.filter_terms import Filter
from serving.filtering import Passing
from serving.known import Known
from serving.live import Bundle
from serving.policy import Quotas, SeenRule
from serving.profiles import Profile
from serving.scorer import Asker
from serving.sources import Looking, personal, shared
from serving.stock import Stock
from serving.view import View

MASKS = 16
"""Filters whose masks a version keeps, a byte an item each."""
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
        self._new_ids = bundle.new_ids
        self._code_W: NDArray[np.int64] = np.zeros(0, np.int64)
        self._item_ids = bundle.scorer.item_ids
        self._stock = stock
        self._code_N = stock.codes(self._item_ids)
        self._view: View | None = None
        self._fresh: list[str] = []
        self._asked: tuple[int, int] | None = None
        self._closed_N: NDArray[np.uint8] = np.zeros(len(self._item_ids), np.uint8)
        self._filtered: OrderedDict[int, tuple[Passing, tuple[int, int], NDArray[np.uint8]]] = OrderedDict()

    def fresh(self, view: View) -> list[str]:
        """The newest items: first those that the version does not know, which no vector can find."""
        if view is not self._view:
            unknown = self._scorer.rows_of(view.latest) < 0
            new = [item_id for item_id, is_new in zip(view.latest, unknown.tolist(), strict=True) if is_new]
            self._view, self._fresh = view, list(dict.fromkeys([*new, *view.latest]))
        return self._fresh

    @property
    def codes(self) -> NDArray[np.int64]:
        """The stock's numbers of the version's items, -1 where it never heard of one."""
        return self._code_N

    def hidden(self, at: int, passing: Passing | None = None) -> NDArray[np.uint8]:
        """A mask of its own for each caller: 1 for the rows that may not be shown, or that a filter does not let
        through."""
        closed_N = self._closed(at)
        return closed_N.copy() if passing is None else closed_N | self._kept_out(passing)

    def newcomers(self, at: int, passing: Passing | None, barred: frozenset[str]) -> NDArray[np.uint8]:
        """The same mask for items that came to the index since, `barred` ones too: in a full answer of theirs there
        would be no place for those that pass."""
        if len(self._new_ids) != len(self._code_W):
            self._code_W = self._stock.codes(list(self._new_ids))
        hide_W = self._stock.closed(self._code_W, at)
        if len(hide_W) and passing is not None:
            hide_W |= (~passing.of(self._code_W)).view(np.uint8)
        if len(hide_W) and barred:
            hide_W |= np.isin(self._code_W, self._stock.codes(barred)).view(np.uint8)
        return hide_W

    def _closed(self, at: int) -> NDArray[np.uint8]:
        asked = (self._stock.revision, at // MASK_LIFE)
        if asked != self._asked:
            unheard = np.flatnonzero(self._code_N < 0)
            self._code_N[unheard] = self._stock.codes(self._item_ids[row] for row in unheard.tolist())
            self._closed_N, self._asked = self._stock.closed(self._code_N, at), asked
        return self._closed_N

    def _kept_out(self, passing: Passing) -> NDArray[np.uint8]:
        """1 for the rows that a filter does not let through; made anew only where that changed."""
        name, stamp = id(passing), (passing.stamp, int(np.count_nonzero(self._code_N < 0)))
        held = self._filtered.get(name)
        if held is None or held[0] is not passing or held[1] != stamp:
            held = self._filtered[name] = passing, stamp, (~passing.of(self._code_N)).view(np.uint8)
        self._filtered.move_to_end(name)
        while len(self._filtered) > MASKS:
            self._filtered.popitem(last=False)
        return held[2]


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
    bundle: Bundle,
    known: Known,
    shelf: Shelf,
    asker: Asker,
    *,
    barred: frozenset[str],
    quotas: Quotas,
    least: int = 0,
    passing: Passing | None = None,
    promoted: Filter | None = None,
) -> Candidates:
    """The candidates of one request, all let through by `passing`; `barred` is never among them. There are `least` of
    them where so many may be shown: by vectors, and last from the items that the version does not know."""
    found, stock = dict[str, str](), known.stock
    hide_N = shelf.hidden(asker.at, passing)
    rows = bundle.scorer.rows_of(list(barred))
    hide_N[rows[rows >= 0]] = 1
    if bundle.new_ids:
        hide_N = np.concatenate([hide_N, shelf.newcomers(asker.at, passing, barred)])
    looking = Looking.of(bundle, known, asker, hide_N)
    for source, item_ids in chain(
        personal(looking, quotas, least), shared(looking, shelf.fresh(known.view), quotas, promoted)
    ):
        shown = stock.open_among(item_ids, asker.at)
        new = [item_id for item_id in shown if item_id not in found and item_id not in barred]
        if passing is not None:
            new = [item_id for item_id in new if passing.lets(stock.find(item_id))]
        found.update(dict.fromkeys(new, source))
    if len(found) < least:
        shut = barred | found.keys()
        more = rest(known, asker.at, least - len(found), shut, passing, but=shelf.codes)
        found |= dict.fromkeys((item_id for item_id, _ in more), REST)
    item_ids = list(found)
    return Candidates(item_ids, list(found.values()), looking.rows_of(item_ids))
