"""Rows become events, each in its time, and wrong lines are named."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.columns import Place
from streams.errors import BadEvent
from streams.mapped_rows import Made, Rejected, Row, events_of, in_time
from streams.mapping import Table, read_mapping
from streams.wire import parse

SHOWN = read_mapping(
    """
    rows = "impressions"
    [fields]
    user_id = "u"
    item_id = "i"
    ts = "at"
    request_id = { template = "{file}-{line}" }
    surface = "tab"
    [context]
    hour = "h"
    [[outcomes]]
    type = "click"
    when = "clicked"
    delay = { column = "played", at_most = 7000 }
    [[outcomes]]
    type = "dwell"
    when = "long"
    delay = { constant = 500 }
    value = "played"
    """
)


def shown(line: int, at: object, **cells: object) -> Row:
    row = {"u": 1, "i": 2, "at": at, "tab": 0, "h": 9, "clicked": 0, "played": 100, "long": 0} | cells
    return Place("log", line), row


def made(table: Table, *rows: Row, known: dict[str, Any] | None = None) -> list[Made | Rejected]:
    return list(events_of(table, rows, known or {}))


def told(made: list[Made | Rejected]) -> list[tuple[str, int]]:
    return [(one.event["type"], one.event["ts"]) for one in made if isinstance(one, Made)]


def test_an_impression_and_its_outcomes_come_in_order_of_time() -> None:
    rows = [shown(1, 1000, clicked=1, played=9000, long=1), shown(2, 1500), shown(3, 9000, clicked=True, played=0)]
    assert told(made(SHOWN, *rows)) == [
        ("impression", 1000),
        ("dwell", 1500),
        ("impression", 1500),
        ("click", 8000),
        ("impression", 9000),
        ("click", 9000),
    ]


def test_an_outcome_names_its_impression() -> None:
    _, click = made(SHOWN, shown(1, 1000, clicked=1))
    assert isinstance(click, Made)
    assert click.event == {
        "type": "click",
        "event_id": "log-1/2/click",
        "ts": 1100,
        "impression_ts": 1000,
        "user_id": "1",
        "item_id": "2",
        "request_id": "log-1",
        "surface": "0",
    }


def test_what_is_made_is_taken_by_the_wire() -> None:
    for one in made(SHOWN, shown(1, 1000, clicked=1, long="yes")):
        assert isinstance(one, Made)
        assert parse(one.event, received_at=0).ts >= 1000


def test_rejected_lines_are_named_with_field_and_reason_and_cost_no_other_line() -> None:
    rows = [
        shown(1, "noon"),
        shown(2, 5),
        shown(3, 6, u=None),
        (Place("log", 4), BadEvent("line", "is not a JSON object")),
        shown(5, 7, clicked="perhaps"),
    ]
    found = made(SHOWN, *rows)
    assert [one.line for one in found if isinstance(one, Made)] == [2]
    assert [(one.line, one.field) for one in found if isinstance(one, Rejected)] == [
        (1, "ts"),
        (3, "user_id"),
        (4, "line"),
        (5, "click"),
    ]
    assert "noon" in next(one.reason for one in found if isinstance(one, Rejected))


def test_one_event_a_row_with_types_renamed_and_seconds() -> None:
    table = read_mapping(
        'time_unit = "s"\nfields = {type = "what", user_id = "u", item_id = "i", ts = "at"}\ntypes = {view = "click"}'
    )
    (one,) = made(table, (Place("log", 1), {"what": "view", "u": "ana", "i": "tea", "at": "1.5"}))
    assert isinstance(one, Made)
    assert one.event == {"type": "click", "user_id": "ana", "item_id": "tea", "ts": 1500}


ITEMS = """
rows = "impressions"
fields = {user_id = "u", item_id = "i", ts = "at", request_id = "r"}
[items]
item_id = "i"
author = "by"
tags = { column = "kinds", split = "," }
available_from = "since"
"""


def test_an_item_comes_once_before_its_first_use_from_the_row_itself() -> None:
    row = {"u": 1, "i": 2, "r": "a", "by": 7.0, "kinds": "x,y", "since": 3}
    rows: list[Row] = [(Place("log", n), row | {"at": 10 * n}) for n in (1, 2)]
    found = made(read_mapping(ITEMS), *rows)
    assert [kind for kind, _ in told(found)] == ["item", "impression", "impression"]
    assert isinstance(found[0], Made)
    assert found[0].event | {"event_id": ""} == {
        "type": "item",
        "event_id": "",
        "ts": 10,
        "item_id": "2",
        "author": "7",
        "categories": [],
        "tags": ["x", "y"],
        "available_from": 3,
    }


def test_an_item_of_another_table_comes_with_that_tables_attributes() -> None:
    table = read_mapping(ITEMS.replace('item_id = "i"\nauthor', 'file = "items.csv"\nitem_id = "i"\nauthor'))
    rows: list[Row] = [(Place("log", n), {"u": 1, "i": n, "r": n, "at": n}) for n in (1, 2)]
    found = made(table, *rows, known={"2": {"author": "ana"}})
    assert [one.event.get("author") for one in found if isinstance(one, Made) and one.event["type"] == "item"] == [
        "ana"
    ]


def test_files_that_overlap_are_read_by_time() -> None:
    first, second = [shown(1, 10), shown(2, 30)], [shown(1, 20), shown(2, 25), shown(3, 40)]
    assert [row["at"] for _, row in in_time(SHOWN, [first, second]) if isinstance(row, dict)] == [10, 20, 25, 30, 40]


@given(
    rows=st.lists(st.tuples(st.integers(0, 50), st.booleans(), st.integers(0, 9000), st.booleans()), max_size=30),
)
def test_events_of_rows_in_time_are_in_time_and_none_is_lost(rows: list[tuple[int, bool, int, bool]]) -> None:
    given_rows, at = [], 0
    for n, (step, clicked, played, long) in enumerate(rows):
        at += step
        given_rows.append(shown(n, at, clicked=clicked, played=played, long=long))
    times = [ts for _, ts in told(made(SHOWN, *given_rows))]
    assert times == sorted(times)
    assert len(times) == len(rows) + sum(clicked + long for _, clicked, _, long in rows)
