"""New items that the version that answers does not know, found by what was told of them.

Their vectors are made by the version's own item tower, with what it knows of authors, categories, tags and declared
features, and its fallback in the place of the item itself. They stand in the delta of its generation until the next
version knows them. What a version can't embed, or has no room for, comes from the newest items (`Shelf.lists`) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from serving.delta import ROOM
from serving.known import Known
from serving.live import Bundle, Live
from serving.view import View
from streams.events import Item
from streams.examples import Attributes

LEFT = ROOM // 2
"""Rows of the delta that new items may take; as many are left for items that were told anew."""


@dataclass(frozen=True, slots=True)
class Welcomed:
    """One turn: how many items were put beside the version that answers, and how many stand there now."""

    idle: bool
    welcomed: int = 0
    newcomers: int = 0


def welcome(live: Live, known: Known) -> Iterator[Welcomed]:
    """One report a turn, for ever: the newest items that the bundle does not know are put beside it.

    A view is made anew every half second; between two of them, and while the bundle stays, there is nothing to do.
    """
    seen: tuple[Bundle | None, View | None] = None, None
    while True:
        bundle, view = live.current(), known.view
        if bundle is None or (bundle is seen[0] and view is seen[1]):
            yield Welcomed(True)
            continue
        seen = bundle, view
        taken = put_beside(bundle, view.latest, known.stock.item)
        yield Welcomed(not taken, taken, len(bundle.new_ids))


def put_beside(bundle: Bundle, item_ids: Sequence[str], told: Callable[[str], Item | None]) -> int:
    """Put those of the items that the bundle does not know into its delta, as far as there is room; how many."""
    there = set(bundle.new_ids)
    unknown = bundle.scorer.rows_of(item_ids) < 0
    new = [told(item_id) for item_id, is_new in zip(item_ids, unknown, strict=True) if is_new and item_id not in there]
    items = [item for item in new if item is not None and not item.deleted][: max(0, LEFT - len(there))]
    vec_ND = bundle.scorer.vectors_of([_attributes(item) for item in items]) if items else None
    if vec_ND is None:
        return 0
    told_N = np.linalg.norm(vec_ND, axis=1) > 0.5  # nothing was told that the tower reads: no direction
    items, vec_ND = [items[row] for row in np.flatnonzero(told_N)], vec_ND[told_N]
    first = bundle.generation.items + len(there)
    # searches give rows of the delta: each must have its name before it can be found
    bundle.new_ids.extend(item.item_id for item in items)
    bundle.generation.searcher.delta.put(np.arange(first, first + len(items)), vec_ND)
    return len(items)


def _attributes(item: Item) -> Attributes:
    return Attributes(
        item_id=item.item_id,
        ts=item.ts,
        categories=item.categories,
        tags=item.tags,
        author=item.author,
        text=item.text,
        vector=item.vector,
        available_from=item.available_from,
        available_until=item.available_until,
        attributes=item.attributes,
    )
