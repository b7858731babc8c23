"""Gorse's lists that are the same for everybody: what is popular, trending and new. No HTTP here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec

from serving.answers import Placed
from serving.filling import may_show, rated
from serving.filter_terms import Every, Filter, Is
from serving.known import Known

BOARDS = ("popular", "trending", "latest")


def board(
    name: str, known: Known, at: int, wanted: Filter | None, n: int, *, offset: int = 0, but: Iterable[str] = ()
) -> tuple[Placed, ...]:
    """The items of one of `BOARDS` that a filter lets through, best first, behind the first `offset`: popular ones of
    all items of the filter, the others of those that the view lists. `but` are left out.

    Scores are click rates; of the newest items the seconds since 1970 that their Timestamp is.
    """
    passing = None if wanted is None else known.stock.passing(wanted)
    listed = getattr(known.view, name)
    if name == "popular" and wanted is not None:
        listed = known.stock.named(known.boards.of(wanted.text, wanted.term, known.stock, known.view))
    left = frozenset(but)
    open_ones = (one for one in listed if one not in left and may_show(known, one, at, passing))
    shown = list(islice(open_ones, offset, offset + n))
    worth = [(one, _told_at(known, one)) for one in shown] if name == "latest" else rated(known, shown)
    return tuple(Placed(one, offset + place, score, name) for place, (one, score) in enumerate(worth))


def within(categories: Sequence[str]) -> Filter | None:
    """What asks for items that are in every category; None where none is named."""
    wanted = [one for one in categories if one]
    terms = tuple(Is("categories", (one,)) for one in wanted)
    return Filter("categories " + msgspec.json.encode(wanted).decode(), Every(terms)) if wanted else None


def _told_at(known: Known, item_id: str) -> float:
    item = known.stock.item(item_id)
    if item is None:
        return 0.0
    told = item.attributes.get("timestamp")
    return (told if isinstance(told, float) else item.ts) / 1_000
