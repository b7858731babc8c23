"""Which fields an example has, which id space each reads, and how a text becomes an exact integer key.

Fields stand in a fixed order: those of the asker (known once per request), the position (of one row), those of the
item (known once per version). This order is the order of the first layer everywhere. No arrays, no rows in here.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Schema:
    """The labels a learner predicts and the context keys it reads."""

    labels: tuple[str, ...]
    context: tuple[str, ...] = ()

    @property
    def spaces(self) -> tuple[str, ...]:
        return SPACES + tuple(f"context.{name}" for name in self.context)

    @property
    def asker_fields(self) -> tuple[str, ...]:
        """Fields of one request."""
        return (
            "user",
            "history",
            "history_tags",
            "query",
            "query_tags",
            "surface",
            *(f"context.{name}" for name in self.context),
        )

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields, in the order of the first layer."""
        return (*self.asker_fields, "position", *ITEM_FIELDS)

    @property
    def stats(self) -> int:
        """Numbers that each row's counters give: log-odds and faded log-odds of each label, and how often seen."""
        return 2 * len(self.labels) + 1


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
