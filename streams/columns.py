"""How one column of a foreign table becomes one value of an event. Knows no files, and no kinds of event."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec import Struct

from streams.errors import BadEvent

Cell = object
"""What a file holds in one place: text, a number, a truth value, a list, or nothing."""

Unit = Literal["s", "ms", "us", "ns"]
PER_MS: dict[Unit, float] = {"s": 0.001, "ms": 1, "us": 1_000, "ns": 1_000_000}


class Place(NamedTuple):
    """Where a row stands: the file's name without endings, and the number of its line (its row, where it has none)."""

    file: str
    line: int


class Column(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a value comes from, and what is done to it, in the order of these fields.

    One of `column`, `constant`, `template` (of `{file}` and `{line}`). `date` is the strptime format of a text that is
    a day or time (UTC); the value is then ms. `at_most` and `divide` (rounding down) work on numbers, `bounds` give
    the number of the step that a number lies on. `split` makes a list of texts, `prefix` stands before each text.
    """

    column: str | None = None
    constant: str | float | int | bool | None = None
    template: str | None = None
    date: str | None = None
    at_most: float | None = None
    divide: float | None = None
    bounds: tuple[float, ...] | None = None
    split: str | None = None
    prefix: str = ""

    def __post_init__(self) -> None:
        given = [self.column, self.constant, self.template]
        if sum(source is not None for source in given) != 1:
            raise ValueError("needs one of column, constant and template")

    def read(self, row: Mapping[str, Cell], place: Place) -> Cell:
        """The value in a row, None where there is none. Raises BadEvent, naming the column.

        >>> Column(column="hourmin", divide=100).read({"hourmin": 1503}, Place("log", 1))
        15
        >>> Column(template="{file}-{line}").read({}, Place("log", 7))
        'log-7'
        """
        if self.template is not None:
            return self.template.format(file=place.file, line=place.line)
        value = self.constant if self.column is None else row.get(self.column)
        if absent(value):
            return None
        try:
            return self._shaped(value)
        except (ValueError, OverflowError) as error:
            raise BadEvent(self.column or "constant", f"is {value!r}: {error}") from None

    def _shaped(self, value: Cell) -> Cell:
        if self.date is not None:
            day = datetime.strptime(str(value), self.date)
            value = round((day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp() * 1000)
        if self.at_most is not None or self.divide is not None or self.bounds is not None:
            value = self._number(number_in(value))
        if self.split is not None:
            return [self.prefix + part.strip() for part in str(value).split(self.split) if part.strip()]
        return self.prefix + text_of(value) if self.prefix else value

    def _number(self, number: float) -> float:
        if self.at_most is not None:
            number = min(number, self.at_most)
        if self.divide is not None:
            number = math.floor(number / self.divide)
        if self.bounds is not None:
            number = sum(number >= bound for bound in self.bounds)
        return number


def absent(value: Cell) -> bool:
    """Whether a cell holds nothing: null, nan, or an empty text."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def number_in(value: Cell) -> float:
    """The number that a cell holds. Raises ValueError."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        number = float(value)
        if math.isfinite(number):
            return int(number) if number == int(number) else number
    raise ValueError("is not a number")


def truth_in(value: Cell) -> bool:
    """Whether a cell says yes: a number other than 0, or one of a few words. Raises ValueError.

    >>> truth_in(1), truth_in("0"), truth_in("yes"), truth_in(None)
    (True, False, True, False)
    """
    if absent(value):
        return False
    word = str(value).strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    return number_in(value) != 0


def text_of(value: Cell) -> str:
    """A cell as a text; 7.0 is "7", since tables with gaps turn whole numbers into floats.

    >>> text_of(7.0), text_of("007"), text_of(True)
    ('7', '007', 'True')
    """
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def time_in(value: Cell, unit: Unit) -> int:
    """Milliseconds since 1970. Raises ValueError.

    >>> time_in("1.5", "s"), time_in(7_000, "us")
    (1500, 7)
    """
    number = number_in(value)
    return round(number / PER_MS[unit]) if unit != "ms" else round(number)


_WORDS = {"true": True, "yes": True, "y": True, "t": True, "false": False, "no": False, "n": False, "f": False}
