"""What a filter says of items, taken apart: conditions on fields, and how they come together. Data only.

A condition on a field that an item does not have is false, and `x != v` is `NOT x = v`, so that NOT turns every answer
round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from streams.errors import HeadraceError

LISTS = ("categories", "tags")
TIMES = ("available_from", "available_until")
FIELDS = ("author", *TIMES, *LISTS)
ATTRIBUTE = "attributes."
"""Before the name of an attribute that is called as a field is, or that no item has yet."""

Value = str | float


class BadFilter(HeadraceError):
    """A filter that says nothing: where, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Is:
    """The field has one of `values`."""

    name: str
    values: tuple[Value, ...]
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Within:
    """The field lies between two values of one kind; None is no bound, `open` bounds do not belong to it."""

    name: str
    low: Value | None
    high: Value | None
    open: bool = False
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Has:
    """The field is there."""

    name: str
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    term: Term


@dataclass(frozen=True, slots=True)
class Every:
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    terms: tuple[Term, ...]


Condition = Is | Within | Has
Term = Condition | Not | Every | AnyOf


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that can be asked; equal for equal texts."""

    text: str
    term: Term = field(compare=False)

    def conditions(self) -> Iterator[Condition]:
        """Every condition in it, as written."""
        return _conditions(self.term)


def _conditions(term: Term) -> Iterator[Condition]:
    match term:
        case Not():
            yield from _conditions(term.term)
        case Every() | AnyOf():
            for one in term.terms:
                yield from _conditions(one)
        case _:
            yield term
