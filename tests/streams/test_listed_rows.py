"""Rows with whole lists become one impression each, with every item in its place and every outcome in its time."""

from __future__ import annotations

from typing import Any

import pytest

from streams.columns import Place
from streams.events import Impression, Interaction, Shown
from streams.mapped_rows import Made, Rejected, Row, events_of
from streams.mapping import BadMapping, Table, columns_of, read_mapping
from streams.wire import parse

NEWS = """
rows = "lists"
sort = true
[fields]
user_id = "user"
ts = "at"
request_id = { column = "page", prefix = "p" }
item_id = "news"
[shown]
column = "list"
between = "-"
parts = ["news", "clicked"]
[[outcomes]]
type = "click"
when = "clicked"
delay = { constant = 500 }
"""
PAST = """
[history]
column = "history"
split = "|"
apart = 10
"""


def row(line: int, at: int, shown: object, **cells: object) -> Row:
    return Place("log", line), {"user": "ana", "at": at, "page": line, "list": shown, "history": None} | cells


def made(table: Table, *rows: Row, known: dict[str, Any] | None = None) -> list[Made | Rejected]:
    return list(events_of(table, rows, known or {}))


def events(found: list[Made | Rejected]) -> list[Any]:
    return [parse(one.event, received_at=0) for one in found if isinstance(one, Made)]


def test_a_row_is_one_impression_of_its_list_and_a_click_for_each_yes() -> None:
    shown, *clicks = events(made(read_mapping(NEWS), row(1, 1_000, "N1-0 N-2-1  N3-1")))
    assert isinstance(shown, Impression)
    assert shown.items == (Shown("N1", 0), Shown("N-2", 1), Shown("N3", 2))
    assert (shown.event_id, shown.request_id, shown.ts) == ("p1/shown", "p1", 1_000)
    assert all(isinstance(click, Interaction) for click in clicks)
    assert [(c.item_id, c.position, c.ts, c.impression_ts, c.request_id) for c in clicks] == [
        ("N-2", 1, 1_500, 1_000, "p1"), ("N3", 2, 1_500, 1_000, "p1"),
    ]  # fmt: skip
    assert len({event.event_id for event in (shown, *clicks)}) == 3


def test_an_item_that_is_listed_twice_stands_at_its_first_place_and_is_clicked_once() -> None:
    shown, *clicks = events(made(read_mapping(NEWS), row(1, 1_000, "N1-1 N2-0 N1-1")))
    assert [item.item_id for item in shown.items] == ["N1", "N2"]
    assert [click.item_id for click in clicks] == ["N1"]


def test_rows_come_in_order_of_time_whatever_their_order_in_the_file() -> None:
    rows = [row(1, 3_000, "N1-1"), row(2, 1_000, "N1-1"), row(3, 1_400, "N2-0")]
    assert [event.ts for event in events(made(read_mapping(NEWS), *rows))] == [1_000, 1_400, 1_500, 3_000, 3_500]


def test_what_a_user_did_before_comes_once_and_just_before_the_first_page() -> None:
    rows = [row(1, 1_000, "N1-0", history="N8|N9"), row(2, 2_000, "N1-0", history="N8|N9|N1")]
    found = events(made(read_mapping(NEWS + PAST), *rows, row(3, 2_000, "N1-0", user="bo", history="")))
    assert [(e.user_id, e.ts, getattr(e, "item_id", "page")) for e in found] == [
        ("ana", 980, "N8"), ("ana", 990, "N9"), ("ana", 1_000, "page"), ("ana", 2_000, "page"), ("bo", 2_000, "page"),
    ]  # fmt: skip
    assert found[0].request_id is None


def test_lists_of_json_are_taken_as_they_are() -> None:
    tables = [{"news": "N1", "clicked": 0, "score": 0.5}, {"news": 7, "clicked": True, "position": 4}]
    more = 'score = "score"\nposition = "position"\n[shown]'
    shown, click = events(made(read_mapping(NEWS.replace("[shown]", more)), row(1, 1_000, tables)))
    assert shown.items == (Shown("N1", 0, 0.5), Shown("7", 4))
    assert (click.item_id, click.position) == ("7", 4)
    plain = NEWS.partition("[[outcomes]]")[0].replace('between = "-"\nparts = ["news", "clicked"]', 'parts = ["news"]')
    [shown] = events(made(read_mapping(plain), row(1, 1_000, ["N1", "N2"])))
    assert [item.item_id for item in shown.items] == ["N1", "N2"]


def test_items_come_before_their_first_page() -> None:
    text = NEWS + '[items]\nitem_id = "id"\nfile = "news.csv"\ntext = "title"\n'
    found = made(
        read_mapping(text), row(1, 1_000, "N1-0 N2-0"), row(2, 2_000, "N2-0 N3-0"), known={"N2": {"text": "t"}}
    )
    assert [one.event["type"] for one in found if isinstance(one, Made)] == ["item", "impression", "impression"]


@pytest.mark.parametrize(
    ("cells", "field"),
    [({"list": "N1"}, "list"), ({"list": ""}, "list"), ({"list": 7}, "list"), ({"user": None}, "user_id")],
)
def test_a_row_that_can_not_be_read_is_told_with_its_column(cells: dict[str, object], field: str) -> None:
    [rejected] = made(read_mapping(NEWS), row(1, 1_000, "N1-0", **cells))
    assert isinstance(rejected, Rejected)
    assert (rejected.line, rejected.field) == (1, field)


def test_a_list_and_its_rows_must_agree() -> None:
    assert columns_of(read_mapping(NEWS + PAST)) == ["at", "history", "list", "page", "user"]
    for text in (NEWS.replace('"lists"', '"impressions"'), NEWS.replace("[shown]", "[showed]")):
        with pytest.raises(BadMapping, match="shown"):
            read_mapping(text)
    with pytest.raises(BadMapping, match="delimiter"):
        read_mapping('delimiter = "||"\n' + NEWS)
