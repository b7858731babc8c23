"""Which items a request considers: from each source up to its quota, filtered before anything is scored.

A candidate keeps the source that found it first. What is hidden, deleted, closed, excluded or seen enough never becomes
one: a mask goes into the index search, and what was found is asked of the stock again. Nothing here scores.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from learners.wanted import wanted_of_late
from serving.candidates import Candidates
from serving.filling import REST, may_show, rest
from serving.filter_terms import Filter
from serving.filtering import Passing
from serving.known import Known
from serving.live import Bundle
from serving.neighbours import Neighbours
from serving.policy import Quotas, SeenRule
from serving.profiles import Profile
from serving.scorer import Asker
from serving.sources import Lists, Looking, personal, shared
from serving.stock import Stock
from serving.view import View

MASKS = 16
"""Filters whose masks a version keeps, a byte an item each."""
MASK_LIFE = 250
"""Milliseconds after which openings and closings by time are looked at again; a delete is seen at once."""

PIECE = 4_096
"""Items that are looked up at a time, so that other threads have their turn."""

NOBODY: NDArray[np.uint8] = np.zeros(0, np.uint8)


class Shelf:
    """The items of one version, as far as the stock lets them be shown, and what came since."""

    def __init__(self, bundle: Bundle, stock: Stock, before: Shelf | None = None) -> None:
        self.neighbours = Neighbours(bundle.generation, bundle.scorer.item_vectors)
        self._bundle = bundle
        self._new_ids = bundle.new_ids
        self._code_W: NDArray[np.int64] = np.zeros(0, np.int64)
        self._item_ids = bundle.scorer.item_ids
        self._stock = stock
        self._heard = len(stock.item_ids)
        self._code_N = self._codes(before)
        self._row_C = _inverse(self._code_N)
        self._lists: tuple[View, Lists] | None = None
        self._asked: tuple[int, int] | None = None
        self._closed_N: NDArray[np.uint8] = np.zeros(len(self._item_ids), np.uint8)
        self._any_closed = False
        self._filtered: OrderedDict[int, tuple[Passing, tuple[int, int], NDArray[np.uint8]]] = OrderedDict()

    def lists(self, view: View) -> Lists:
        """What a view brings, for this version."""
        held = self._lists
        if held is None or held[0] is not view:
            held = self._lists = view, Lists.of(self._bundle, view)
        return held[1]

    @property
    def codes(self) -> NDArray[np.int64]:
        """The stock's numbers of the version's items, -1 where it never heard of one."""
        return self._code_N

    def hidden(self, at: int, passing: Passing | None = None) -> NDArray[np.uint8]:
        """A mask of its own for each caller: 1 for the rows that may not be shown, or that a filter does not let
        through."""
        closed_N = self._closed(at)
        return closed_N.copy() if passing is None else closed_N | self._kept_out(passing)

    def all_open(self, at: int) -> bool:
        """Whether every item of the version may be shown."""
        self._closed(at)
        return not self._any_closed

    def shut(self, rows: NDArray[np.int32], at: int, passing: Passing | None) -> NDArray[np.bool_]:
        """Which of these rows may not be shown, or are not let through, as of now."""
        codes = self._code_N[rows]
        shut_R = self._stock.closed(codes, at).view(np.bool_)
        return shut_R if passing is None else shut_R | ~passing.of(codes)

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
            self._hear()
            shut = self._stock.shut(at)
            rows = self._row_C[shut[shut < len(self._row_C)]]
            closed_N = np.zeros(len(self._code_N), np.uint8)
            closed_N[rows[rows >= 0]] = 1
            self._any_closed = bool(closed_N.any())
            self._closed_N, self._asked = closed_N, asked
        return self._closed_N

    def _hear(self) -> None:
        """Number the items that the stock has heard of since."""
        heard = self._stock.item_ids[self._heard :]
        rows = self._bundle.scorer.rows_of(heard)
        if (rows >= 0).any():
            self._code_N[rows[rows >= 0]] = self._heard + np.flatnonzero(rows >= 0)
            self._row_C = _inverse(self._code_N)
        self._heard += len(heard)

    def _codes(self, before: Shelf | None) -> NDArray[np.int64]:
        """Of each item: taken from a version before, which had most of them; the rest looked up, some at a time."""
        item_ids, stock = self._item_ids, self._stock
        code_N = np.full(len(item_ids), -1, np.int64)
        if before is not None and len(before.codes):
            row_N = before._bundle.scorer.rows_of(item_ids)
            code_N = np.where(row_N >= 0, before.codes.take(row_N, mode="clip"), -1)
        for first in range(0, len(item_ids), PIECE):
            unknown = first + np.flatnonzero(code_N[first : first + PIECE] < 0)
            if len(unknown):
                names = item_ids[first : first + PIECE]
                code_N[unknown] = stock.codes(names[row - first] for row in unknown.tolist())
        return code_N

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
    rows = bundle.scorer.rows_of(list(barred))
    barred_rows = rows[rows >= 0]
    hide_N = _mask(bundle, shelf, asker.at, passing=passing, barred=barred, rows=barred_rows)
    looking = Looking.of(bundle, known, asker, hide_N, shelf.neighbours)
    brought = chain(personal(looking, quotas, least), shared(looking, shelf.lists(known.view), quotas, promoted))
    found = Candidates.of(brought, looking.strangers, bundle)
    found = found.kept(_shown(found, known, shelf, asker.at, barred=barred, rows=barred_rows, passing=passing))
    if len(found) < least:
        shut = barred.union(found.item_ids)
        more = rest(known, asker.at, least - len(found), shut, passing, but=shelf.codes)
        return found.then([item_id for item_id, _ in more], REST, bundle)
    return found


def _mask(
    bundle: Bundle,
    shelf: Shelf,
    at: int,
    *,
    passing: Passing | None,
    barred: frozenset[str],
    rows: NDArray[np.int32],
) -> NDArray[np.uint8] | None:
    """What searches shall not bring; None for nothing, which they look at sooner."""
    new_W = shelf.newcomers(at, passing, barred) if bundle.new_ids else NOBODY
    if passing is None and not len(rows) and not new_W.any() and shelf.all_open(at):
        return None
    hide_N = shelf.hidden(at, passing)
    hide_N[rows] = 1
    return np.concatenate([hide_N, new_W]) if len(new_W) else hide_N


def _shown(
    found: Candidates,
    known: Known,
    shelf: Shelf,
    at: int,
    *,
    barred: frozenset[str],
    rows: NDArray[np.int32],
    passing: Passing | None,
) -> NDArray[np.bool_]:
    """Which may be shown at this very moment: masks are a little older."""
    row_I = found.row_I
    keep_I: NDArray[np.bool_] = np.isin(row_I, rows, invert=True) if len(rows) else np.ones(len(row_I), np.bool_)
    for index, item_id in found.other.items():
        keep_I[index] = item_id not in barred and may_show(known, item_id, at, passing)
    if passing is not None or known.stock.any_shut:
        with_I = np.flatnonzero(row_I >= 0)
        keep_I[with_I] &= ~shelf.shut(row_I[with_I], at, passing)
    return keep_I


def _inverse(code_N: NDArray[np.int64]) -> NDArray[np.int32]:
    """The row of each code, -1 for those of other items.

    >>> _inverse(np.array([3, -1, 0])).tolist()
    [2, -1, -1, 0]
    """
    row_C = np.full(int(code_N.max(initial=-1)) + 1, -1, np.int32)
    known = np.flatnonzero(code_N >= 0)
    row_C[code_N[known]] = known
    return row_C
