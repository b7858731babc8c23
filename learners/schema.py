"""Which fields an example has, which id space each reads, and how a text becomes an exact integer key.

Fields stand in a fixed order: those of the asker (known once per request), the position (of one row), those of the
item (known once per version). This order is the order of the first layer everywhere. What is declared comes after what
is always there, on its side, by name. No arrays, no rows in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made
from functools import cached_property
from typing import Any, Self

import msgspec

from learners.fields import LEFT_OUT, MEASURED, Declared, Field, check

SPACES = ("user", "item", "author", "category", "tag", "surface", "position")
ITEM_FIELDS = ("item", "author", "categories", "tags")
CATEGORIES = 4
TAGS = 12
"""How many categories and tags of an item are read, the first ones in their order."""
PAIRED = ("author", "categories", "tags")
"""The fields of an item whose values are counted together with the user."""
SILENT = frozenset({"dismiss", "report", "search"})
"""Interactions that say nothing good of an item: no part of a history."""
LEAST, MOST = -(2**63), 2**63 - 1
SPACE_OF = {"": "item", "author": "author", "categories": "category", "tags": "tag"}
"""The space of what a history or a query is read through."""

ASKER = {
    "user": Declared("category", "user"),
    "history": Declared("history", "history"),
    "history_tags": Declared("history", "history.tags"),
    "query": Declared("history", "query"),
    "query_tags": Declared("history", "query.tags"),
    "surface": Declared("category", "surface"),
}
ITEM = {
    "item": Declared("category", "item", space="item"),
    "author": Declared("category", "item.author"),
    "categories": Declared("many", "item.categories", space="category", most=CATEGORIES),
    "tags": Declared("many", "item.tags", space="tag", most=TAGS),
}
"""The features that are always there. A whole history is read: the joiner bounds it."""


@dataclass(frozen=True)
class Schema:
    """The labels a learner predicts, the context keys it reads as categories, and the features declared beside what
    is always there. Raises ValueError for a declaration that can't be meant.

    >>> schema = Schema(("click",), ("hour",), {"price": Declared("number", "item.attributes.price")})
    >>> schema.asker_fields, schema.item_fields
    (('user', 'history', 'history_tags', 'query', 'query_tags', 'surface', 'context.hour'), \
('item', 'author', 'categories', 'tags', 'price'))
    """

    labels: tuple[str, ...]
    context: tuple[str, ...] = ()
    features: Mapping[str, Declared] = made(default_factory=dict)

    def __post_init__(self) -> None:
        always = {*ASKER, *ITEM, *SPACES}
        for name, told in self.features.items():
            check(name, told)
            if name in always and told.kind != "none" and not (name in LEFT_OUT and told.kind == "history"):
                raise ValueError(f"features.{name}: the name is taken by what is always there; choose another")
            if told.space and told.space not in self._of_names:
                known = ", ".join(self._of_names)
                raise ValueError(f"features.{name}: no space of names is {told.space!r}; there are {known}")

    @property
    def told(self) -> dict[str, Any]:
        """The schema as plain values, for documents; features only where there are any.

        >>> schema = Schema(("click",), ("hour",), {"price": Declared("number", "item.attributes.price")})
        >>> Schema.of(schema.told) == schema, Schema(("click",)).told
        (True, {'labels': ['click'], 'context': []})
        """
        told: dict[str, Any] = {"labels": [*self.labels], "context": [*self.context]}
        features = {name: declared.written for name, declared in sorted(self.features.items())}
        return told | ({"features": features} if features else {})

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """The schema that `told` gave; other keys are passed over."""
        features = msgspec.convert(told.get("features", {}), dict[str, Declared])
        return cls(tuple(told["labels"]), tuple(told["context"]), features)

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        own = (name for name, told in self._declared if not _shared(told))
        return SPACES + tuple(f"context.{name}" for name in self.context) + tuple(own)

    @cached_property
    def askers(self) -> tuple[Field, ...]:
        """Fields of one request."""
        left_out = {name for name in LEFT_OUT if name in self.features}
        context = {f"context.{name}": Declared("category", f"context.{name}") for name in self.context}
        kept = {name: told for name, told in (ASKER | context).items() if name not in left_out}
        return tuple(self._always(name, told) for name, told in kept.items()) + self._of_side("asker")

    @cached_property
    def items(self) -> tuple[Field, ...]:
        """Fields of one item."""
        return tuple(self._always(name, told) for name, told in ITEM.items()) + self._of_side("item")

    @cached_property
    def asker_fields(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.askers)

    @cached_property
    def item_fields(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.items)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """All fields, in the order of the first layer."""
        return (*self.asker_fields, "position", *self.item_fields)

    @cached_property
    def readers(self) -> tuple[int, ...]:
        """Places, in the order of the first layer, of the fields whose rows' own weights do not count."""
        row = Field("position", "row", Declared("category", "position"), SPACES.index("position"))
        return tuple(f for f, field in enumerate((*self.askers, row, *self.items)) if field.reads)

    @cached_property
    def numbers(self) -> tuple[Field, ...]:
        """The numeric fields."""
        return tuple(field for field in (*self.askers, *self.items) if field.kind == "number")

    @property
    def stats(self) -> int:
        """Numbers that each row's counters give: log-odds and faded log-odds of each label, and how often seen."""
        return 2 * len(self.labels) + 1

    @property
    def _declared(self) -> list[tuple[str, Declared]]:
        return [(name, told) for name, told in sorted(self.features.items()) if told.kind != "none"]

    @property
    def _of_names(self) -> tuple[str, ...]:
        """Spaces whose ids are texts or numbers as they are told, for others to read."""
        keyed = {name for name, told in self._declared if told.kind in MEASURED | {"text"}}
        return tuple(space for space in self.spaces if space not in keyed)

    def _always(self, name: str, told: Declared) -> Field:
        space = _through(told) if told.kind == "history" else told.space or name
        return Field(name, told.side, told, self.spaces.index(space), counted=told.kind != "history")

    def _of_side(self, side: str) -> tuple[Field, ...]:
        return tuple(self._field(name, told) for name, told in self._declared if told.side == side)

    def _field(self, name: str, told: Declared) -> Field:
        shared = _shared(told)
        space = self.spaces.index(shared or name)
        return Field(name, told.side, told, space, reads=bool(shared), counted=not shared and told.kind not in MEASURED)


def number_of(text: str) -> int | None:
    """The int64 that is written exactly so, or None: other spellings of a number are other ids.

    >>> number_of("-7"), number_of("007"), number_of("1_0"), number_of("9223372036854775808")
    (-7, None, None, None)
    """
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) < 19:
        return int(text)
    if len(text) > 20:
        return None
    try:
        number = int(text)
    except ValueError:
        return None
    return number if LEAST <= number <= MOST and str(number) == text else None


def context_text(value: str | float) -> str:
    """A context value as an id; 7 and 7.0 are one.

    >>> context_text(7.0), context_text("noon"), context_text(0.5)
    ('7', 'noon', '0.5')
    """
    if isinstance(value, str):
        return value
    whole = int(value) if value == value and abs(value) < 2**53 else None
    return str(whole) if whole == value else repr(float(value))


def _shared(told: Declared) -> str:
    """The space of another that a declared feature reads."""
    return _through(told) if told.kind == "history" else told.space


def _through(told: Declared) -> str:
    return SPACE_OF[told.source.partition(".")[2]]
