"""What the columns of a table of labelled rows mean: labels, a time, features in the words of `fields.py`.

    labels = ["clicked"]
    [features.shop]
    kind = "category"
    from = "shop_id"

A feature is from one column, that of its own name where it doesn't say. Four kinds can be read from a cell: category,
many, number, text; each has ids of its own. Reads no file and no cell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import msgspec
from msgspec import Struct

from learners.fields import OPTIONS, Declared, Field, Kind, out_of_range

KINDS: tuple[Kind, ...] = ("category", "many", "number", "text")
Unit = Literal["s", "ms", "us", "ns"]


class RowSchema(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """Raises ValueError for what can't be meant.

    `labels` are columns of 0 and 1, `time` a column of numbers in `time_unit` or of times. `delimiter` and `header` are
    of a table of text: what stands between cells, and the columns' names where its first line has none; a cell that is
    one of `missing` is empty.

    >>> schema = RowSchema(("clicked",), {"shop": Declared("category", "shop_id"), "price": Declared("number")})
    >>> schema.columns, [field.name for field in schema.singles]
    (('clicked', 'shop_id', 'price'), ['shop', 'price'])
    >>> RowSchema(("clicked",), {"seen": Declared("history", "history")})
    Traceback (most recent call last):
    ValueError: features.seen: a history can't be read from a cell; kind is one of category, many, number, text
    """

    labels: tuple[str, ...]
    features: dict[str, Declared]
    time: str | None = None
    time_unit: Unit = "ms"
    delimiter: str | None = None
    header: tuple[str, ...] = ()
    missing: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        fault = self._fault()
        if fault:
            raise ValueError(fault)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read, once."""
        told = (*self.labels, *([self.time] if self.time else []), *(field.source for field in self.fields))
        return tuple(dict.fromkeys(told))

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The features in the order of the file, each with its column as source."""
        return tuple(
            Field(name, "row", msgspec.structs.replace(told, source=told.source or name), place)
            for place, (name, told) in enumerate(self.features.items())
        )

    @cached_property
    def categories(self) -> tuple[Field, ...]:
        return self._of("category")

    @cached_property
    def numbers(self) -> tuple[Field, ...]:
        return self._of("number")

    @cached_property
    def bags(self) -> tuple[Field, ...]:
        """Features of several ids."""
        return self._of("many", "text")

    @cached_property
    def singles(self) -> tuple[Field, ...]:
        """Features of one id, in the order in which a model has them."""
        return self.categories + self.numbers

    def _of(self, *kinds: Kind) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.kind in kinds)

    def _fault(self) -> str | None:
        if not self.labels or len(set(self.labels)) < len(self.labels):
            return f"labels are {list(self.labels)}; name one column or several, each once"
        if not self.features:
            return "no feature is declared, so there is nothing to learn from; add a table [features.NAME]"
        if self.delimiter is not None and len(self.delimiter) != 1:
            return f"delimiter is {self.delimiter!r}; it is one character"
        faults = (_fault_of(name, told, self.labels) for name, told in self.features.items())
        return next((fault for fault in faults if fault), None)


def _fault_of(name: str, told: Declared, labels: tuple[str, ...]) -> str | None:
    place = f"features.{name}: "
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        return place + "a name has small letters, digits and _, and begins with a letter"
    if told.kind not in KINDS:
        return place + f"a {told.kind} can't be read from a cell; kind is one of {', '.join(KINDS)}"
    if (told.source or name) in labels:
        return place + f"column {told.source or name!r} is a label; a model that reads it foresees nothing"
    allowed, default = OPTIONS[told.kind] - {"space"}, Declared("none")
    for option in Declared.__struct_fields__[2:]:
        if getattr(told, option) != getattr(default, option) and option not in allowed:
            return (
                place + f"{option} means nothing for a {told.kind} here; it has {', '.join(sorted(allowed)) or 'none'}"
            )
    fault = out_of_range(told)
    return place + fault if fault else None


def skeleton(columns: tuple[str, ...], guess: Mapping[str, Kind]) -> str:
    """A schema to start from: every column but the label a feature, of the kind that was guessed.

    >>> print(skeleton(("clicked", "price"), {"price": "number"}))
    labels = ["clicked"]
    <BLANKLINE>
    [features.price]
    kind = "number"
    """
    label = next((name for name in columns if re.search("label|click|target|^y$", name, re.I)), columns[-1])
    lines = [f"labels = [{_quoted(label)}]"]
    for name in columns:
        if name == label:
            continue
        word = re.sub("[^a-z0-9_]", "_", name.lower())
        word = word if word[:1].isalpha() else f"f_{word}"
        lines += ["", f"[features.{word}]", f'kind = "{guess.get(name, "category")}"']
        lines += [f"from = {_quoted(name)}"] if word != name else []
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
