"""What is known of one item: a line of plain values, and its way back from those that a version keeps of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from learners.item_values import Values
from learners.keeping import Arrays


class Known(Struct, frozen=True, gc=False):
    """What an entry was last told; ts -1 for a bare one. The collector passes over these: they hold nothing that leads
    back, and looking through a million of them takes half a second."""

    item_id: str
    ts: int = -1
    author: str | None = None
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    deleted: bool = False
    values: Values | None = None
    """What declared features read of it; None where it was not told since they were declared."""


def known_of(line: list[Any], entry: int, arrays: Arrays) -> Known:
    """What `Catalogue.told` gave of an entry; its measures stand in `arrays`."""
    item_id, ts, author, categories, tags, deleted, *told = line
    values = None
    if told and told[0] is not None:
        whole, keys = told[0]
        measured = np.ascontiguousarray(arrays["items.measures"][entry]).tobytes()
        values = Values(tuple(tuple(one) for one in keys), measured, whole)
    return Known(item_id, ts, author, tuple(categories), tuple(tags), deleted, values)
