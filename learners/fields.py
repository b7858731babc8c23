"""Features as they are declared, and what is wrong with a declaration: a kind, where it is from, its limits.

    [features.clicks]
    kind = "history"
    from = "history.tags"
    types = ["click"]
    most = 20

Every kind becomes a bag of weighted ids in an id space. Nothing here reads an example: what a source gives is said in
`asked.py` for those who ask and in `catalogue.py` for items.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

Kind = Literal["category", "many", "number", "history", "text", "vector", "none"]
Side = Literal["asker", "row", "item"]
Grams = Literal["words", "characters"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OF_ITEMS = ("", "author", "categories", "tags")
"""What a history or a query may be read through: the items themselves, or what these are."""
SOURCES: Mapping[Kind, tuple[str, ...]] = {
    "category": ("user", "surface", "context.KEY", "user.attributes.KEY", "item.author", "item.attributes.KEY"),
    "many": ("context.KEY", "user.attributes.KEY", "item.categories", "item.tags", "item.attributes.KEY"),
    "number": (
        "context.KEY",
        "user.attributes.KEY",
        "item.available_from",
        "item.available_until",
        "item.attributes.KEY",
    ),
    "history": tuple(f"{one}.{what}".rstrip(".") for one in ("history", "query") for what in OF_ITEMS),
    "text": ("query_text", "context.KEY", "user.attributes.KEY", "item.text", "item.attributes.KEY"),
    "vector": ("item.vector",),
}
MOST: Mapping[Kind, int] = {"category": 1, "many": 12, "number": 1, "text": 32}
"""How many values are read where a declaration does not say. A history is read as far as the joiner keeps it."""
OPTIONS: Mapping[Kind, frozenset[str]] = {
    "category": frozenset({"space"}),
    "many": frozenset({"space", "most", "separator"}),
    "number": frozenset({"standardise", "log", "clip"}),
    "history": frozenset({"most", "types"}),
    "text": frozenset({"most", "grams", "size", "buckets"}),
    "vector": frozenset({"length"}),
}
MEASURED = frozenset({"number", "vector"})
"""Kinds whose ids have weights of their own, and are no things that were seen or chosen."""
LEFT_OUT = ("history", "history_tags", "query", "query_tags", "surface")
"""Features that are there without being declared, and that `kind = "none"` leaves out."""


class Declared(Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """One `[features.NAME]`; what is 0 or empty is left to the kind."""

    kind: Kind
    source: str = ""
    space: str = ""
    most: int = 0
    types: tuple[str, ...] = ()
    separator: str = ","
    standardise: bool = True
    log: bool = False
    clip: float = 4.0
    grams: Grams = "words"
    size: int = 2
    buckets: int = 65_536
    length: int = 0

    @property
    def written(self) -> dict[str, Any]:
        """What is said of it, as plain values without defaults: equal declarations are written the same.

        >>> Declared("number", "context.basket", clip=float("4"), log=True).written
        {'kind': 'number', 'from': 'context.basket', 'log': True}
        """
        default = msgspec.structs.asdict(Declared("none"))
        told = {name: value for name, value in msgspec.structs.asdict(self).items() if value != default[name]}
        plain = {"kind": self.kind, "from": told.pop("source", "")} | told
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in plain.items() if value != ""
        }

    @property
    def side(self) -> Side:
        return "item" if self.source.partition(".")[0] == "item" else "asker"


@dataclass(frozen=True)
class Field:
    """A feature in its schema: where it stands follows from the order there. `space` is the number of its id space.

    One that `reads` shares the space of another and neither counts in it nor adds its rows' own weights, so that
    nothing moves when it comes.
    """

    name: str
    side: Side
    told: Declared
    space: int
    reads: bool = False
    counted: bool = True

    @cached_property
    def kind(self) -> Kind:
        return self.told.kind

    @cached_property
    def source(self) -> str:
        return self.told.source

    @cached_property
    def key(self) -> str:
        """What follows the place of a source: `hour` of `context.hour`, `country` of `user.attributes.country`."""
        return self.source.partition("context." if self.source.startswith("context.") else "attributes.")[2]

    @cached_property
    def through(self) -> str:
        """Which field of items a history is read through: `tags` of `history.tags`, the items themselves without."""
        return self.source.partition(".")[2] or "item"

    @cached_property
    def most(self) -> int:
        return self.told.most or MOST.get(self.kind, 0) or self.told.length


def check(name: str, told: Declared) -> None:
    """Raises ValueError where a declaration can't be meant.

    >>> check("price", Declared("number", "item.price"))
    Traceback (most recent call last):
    ValueError: features.price: a number can't be from 'item.price'; it is from one of context.KEY, \
user.attributes.KEY, item.available_from, item.available_until, item.attributes.KEY
    """
    fault = _fault(name, told)
    if fault:
        raise ValueError(f"features.{name}: {fault}")


def _fault(name: str, told: Declared) -> str | None:
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        return "a name has small letters, digits and _, and begins with a letter"
    if told.kind == "none":
        known = ", ".join(LEFT_OUT)
        return None if name in LEFT_OUT else f"kind = 'none' leaves out a feature that is always there: {known}"
    if not any(_matches(told.source, source) for source in SOURCES[told.kind]):
        known = ", ".join(SOURCES[told.kind])
        return f"a {told.kind} can't be from {told.source!r}; it is from one of {known}"
    for option in Declared.__struct_fields__[2:]:
        default = Declared("none")
        if getattr(told, option) != getattr(default, option) and option not in OPTIONS[told.kind]:
            return f"{option} means nothing for a {told.kind}; it has {', '.join(sorted(OPTIONS[told.kind])) or 'none'}"
    return out_of_range(told)


def _matches(source: str, pattern: str) -> bool:
    """
    >>> _matches("context.hour", "context.KEY"), _matches("context.", "context.KEY"), _matches("user", "user")
    (True, False, True)
    """
    place, keyed, _ = pattern.partition("KEY")
    return source == pattern if not keyed else source.startswith(place) and len(source) > len(place)


def out_of_range(told: Declared) -> str | None:
    """What is wrong with the options of a declaration, None where nothing is."""
    ranges = {"most": (0, 1000), "clip": (1e-3, 1e3), "size": (1, 6), "buckets": (2, 1 << 24)}
    for option, (least, most) in ranges.items():
        if not least <= getattr(told, option) <= most:
            return f"{option} is {getattr(told, option)}; it is from {least:g} to {most:g}"
    if told.kind == "vector" and not 1 <= told.length <= 1024:
        return f"length is {told.length}; a vector says how many numbers it has, from 1 to 1024"
    return None if len(told.separator) == 1 else f"separator is {told.separator!r}; it is one character"
