"""Which items a request considers: from each source up to its quota, filtered before anything is scored.

A candidate keeps the source that found it first. What is hidden, deleted, closed, excluded or seen enough never becomes
one: a mask goes into the index search, and what was found is asked of the stock again. Nothing here scores.
"""

from __future__ import annotations

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
from serving.policy import Quotas, SeenRule
from serving.profiles import Profile
from serving.scorer import Asker
from serving.shelf import Shelf
from serving.sources import Looking, personal, shared

NOBODY: NDArray[np.uint8] = np.zeros(0, np.uint8)


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
    looking = Looking.of(bundle, known, asker, hide_N, shelf)
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
