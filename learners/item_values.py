"""What declared features read of an item, as plain values: texts, buckets of texts, numbers. Nothing else is kept.

The order is that of the schema, so values belong to one schema; an item that was told under another has none until it
is told again. No rows, no codes, no catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from learners.asked import Value, values_of
from learners.fields import MEASURED, Field
from learners.learner import Doubles
from streams.examples import Attributes

Keys = tuple[tuple[str | int, ...], ...]
"""Of each field that has ids of its own choice: texts to be named, or keys as they are."""


@dataclass(frozen=True, slots=True)
class Values:
    """Of one item; `measured` are float64 of all numbers and vectors in their order, NaN where there is none. Not
    `whole` are those of an item that was not told since another feature came."""

    keys: Keys
    measured: bytes
    whole: bool = True


def read_item(told: Attributes, fields: Sequence[Field]) -> Values:
    """The values of declared fields of items.

    >>> from learners.fields import Declared
    >>> tag = Field("more", "item", Declared("many", "item.tags", most=2), 7)
    >>> cost = Field("cost", "item", Declared("number", "item.attributes.cost"), 8)
    >>> values = read_item(Attributes("tea", 1, tags=("a", "b", "c"), attributes={"cost": 2.5}), (tag, cost))
    >>> values.keys, np.frombuffer(values.measured).tolist()
    ((('a', 'b'),), [2.5])
    """
    numbers = [_measured(told, field) for field in fields if field.kind in MEASURED]
    keys = tuple(_keys(told, field) for field in fields if field.kind not in MEASURED)
    return Values(keys, np.concatenate([*numbers, np.zeros(0)]).tobytes())


def slices(fields: Sequence[Field], *, measured: bool, start: int = 0) -> dict[str, slice]:
    """Which columns of a line belong to each of these fields.

    >>> from learners.fields import Declared
    >>> slices([Field("more", "item", Declared("many", "item.tags", most=2), 7)], measured=False, start=3)
    {'more': slice(3, 5, None)}
    """
    wanted = [field for field in fields if (field.kind in MEASURED) == measured]
    ends = [*accumulate((field.most for field in wanted), initial=start)]
    return {field.name: slice(*bounds) for field, *bounds in zip(wanted, ends, ends[1:], strict=False)}


def _keys(told: Attributes, field: Field) -> tuple[str | int, ...]:
    several = {"item.categories": told.categories, "item.tags": told.tags}.get(field.source)
    if several is not None:
        return several[: field.most]
    column = values_of(field, [_value(told, field)])
    return column.texts_S[0] if column.texts_S is not None else (column.keys_S or [()])[0]


def _measured(told: Attributes, field: Field) -> Doubles:
    if field.kind == "vector":
        return _unit(told.vector, field.most)
    number = values_of(field, [_value(told, field)]).number_S
    assert number is not None
    return number


def _value(told: Attributes, field: Field) -> Value:
    if field.source.startswith("item.attributes."):
        return told.attributes.get(field.key)
    value: Value = getattr(told, field.source.removeprefix("item."))
    return value or None


def _unit(vector: tuple[float, ...] | None, length: int) -> Doubles:
    """A vector of length 1, so that its scale is nobody's business; NaN for one of another size, without any length
    or with a number that is not finite."""
    missing: Doubles = np.full(length, np.nan)
    if vector is None or len(vector) != length:
        return missing
    told: Doubles = np.array(vector, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        norm = float(np.sqrt(told @ told))
    return told / norm if np.isfinite(norm) and norm > 0 else missing
