"""What a cell becomes."""

from __future__ import annotations

import pytest

from streams.columns import Cell, Column, Place, number_in, time_in, truth_in
from streams.errors import BadEvent

HERE = Place("log", 3)


def read(column: Column, value: Cell) -> Cell:
    return column.read({"c": value}, HERE)


@pytest.mark.parametrize(
    ("column", "value", "wanted"),
    [
        (Column(column="c"), "x", "x"),
        (Column(column="c"), None, None),
        (Column(column="c"), "", None),
        (Column(column="c"), float("nan"), None),
        (Column(column="c", prefix="tab "), 3, "tab 3"),
        (Column(column="c", prefix="tab "), 3.0, "tab 3"),
        (Column(column="c", split=","), "a, b,,c", ["a", "b", "c"]),
        (Column(column="c", split="|", prefix="t:"), "a|b", ["t:a", "t:b"]),
        (Column(column="c", at_most=7000), "9000", 7000),
        (Column(column="c", divide=100), "1503", 15),
        (Column(column="c", divide=100), -1, -1),
        (Column(column="c", bounds=(10, 20)), 20, 2),
        (Column(column="c", bounds=(10, 20)), 9.5, 0),
        (Column(column="c", date="%Y-%m-%d"), "1970-01-02", 86_400_000),
        (Column(column="c", date="%Y-%m-%dT%H:%M:%S%z"), "1970-01-01T02:00:00+0200", 0),
        (Column(constant=5), "ignored", 5),
        (Column(template="{file}/{line}"), "ignored", "log/3"),
    ],
)
def test_a_cell_becomes(column: Column, value: Cell, wanted: Cell) -> None:
    assert read(column, value) == wanted


def test_a_cell_that_does_not_fit_is_told_with_its_column_and_content() -> None:
    with pytest.raises(BadEvent, match="c: is 'many'"):
        read(Column(column="c", at_most=3), "many")
    with pytest.raises(BadEvent, match="c: is 'noon'"):
        read(Column(column="c", date="%H:%M"), "noon")
    with pytest.raises(BadEvent, match="is not a number"):
        read(Column(column="c", divide=2), [1])


def test_a_column_has_one_source() -> None:
    with pytest.raises(ValueError, match="one of column, constant and template"):
        Column(column="c", constant=1)
    with pytest.raises(ValueError, match="one of column, constant and template"):
        Column(prefix="x")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(1, True), (0, False), (2.5, True), ("True", True), ("no", False), ("0", False), (None, False), (True, True)],
)
def test_what_says_yes(value: Cell, wanted: bool) -> None:
    assert truth_in(value) is wanted


@pytest.mark.parametrize(("unit", "value"), [("s", 1.5), ("ms", 1500), ("us", 1_500_000), ("ns", "1500000000")])
def test_times_of_any_unit_are_milliseconds(unit: str, value: Cell) -> None:
    assert time_in(value, unit) == 1500  # type: ignore[arg-type]


def test_large_whole_numbers_in_text_stay_exact() -> None:
    assert time_in("1650812741436", "ms") == 1650812741436


@pytest.mark.parametrize("value", ["inf", "nan", "7 apples", [], None])
def test_what_is_no_number_is_refused(value: Cell) -> None:
    with pytest.raises(ValueError):
        number_in(value)
