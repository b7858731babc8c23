"""What is known of items and of numbers, under another schema: values of features that stayed, nothing of others."""

from __future__ import annotations

from typing import Any

import numpy as np

from learners.fields import MEASURED, Field
from learners.item_values import slices
from learners.keeping import Arrays
from learners.schema import ITEM_FIELDS, Schema

Lines = list[list[Any]]


def items_under(lines: Lines, old: Schema, new: Schema, kept: frozenset[str]) -> Lines:
    """Items as a catalogue dumps them. Where a feature came, no item is whole: it is told again before it has one."""
    before, after = _declared(old), _declared(new)
    named_before, named_after = ([field.name for field in of if field.kind not in MEASURED] for of in (before, after))
    whole = all(field.name in kept for field in after)
    return [
        line[:6] + [_values(line[6:], named_before, named_after, kept, whole=whole)][: bool(after)] for line in lines
    ]


def measures_under(arrays: Arrays, items: int, old: Schema, new: Schema, kept: frozenset[str]) -> Arrays:
    """Numbers and vectors of items."""
    if not _declared(new):
        return {}
    before, after = (slices(_declared(of), measured=True) for of in (old, new))
    measure_EV = np.full((items, max([0, *(one.stop for one in after.values())])), np.nan)
    for name in after.keys() & before.keys() & kept:
        measure_EV[:, after[name]] = arrays["items.measures"][:, before[name]]
    return {"items.measures": measure_EV}


def numbers_under(arrays: Arrays, old: Schema, new: Schema, kept: frozenset[str]) -> Arrays:
    """Mean and spread of numbers."""
    if not new.numbers:
        return {}
    before = {field.name: place for place, field in enumerate(old.numbers) if field.name in kept}
    told_K3 = np.zeros((len(new.numbers), 3))
    for place, field in enumerate(new.numbers):
        if field.name in before:
            told_K3[place] = arrays["numbers"][before[field.name]]
    return {"numbers": told_K3}


def _values(told: list[Any], before: list[str], after: list[str], kept: frozenset[str], *, whole: bool) -> Any:
    if not told or told[0] is None:
        return None
    of_name = dict(zip(before, told[0][1], strict=True))
    return [told[0][0] and whole, [of_name[name] if name in kept and name in of_name else () for name in after]]


def _declared(schema: Schema) -> tuple[Field, ...]:
    return schema.items[len(ITEM_FIELDS) :]
