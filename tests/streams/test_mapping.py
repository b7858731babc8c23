"""Mappings: what can be written, and what is told about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.columns import Column
from streams.mapping import BadMapping, columns_of, read_mapping

EVENTS = """
time_unit = "s"
[fields]
type = "what"
user_id = "who"
item_id = { column = "thing", prefix = "t" }
ts = "at"
producer = { constant = "archive" }
[context]
hour = { column = "at", divide = 3600 }
[types]
view = "click"
[items]
item_id = "thing"
tags = { column = "kinds", split = "|" }
[labels.click]
event = "click"
"""


def test_a_bare_text_names_a_column() -> None:
    table = read_mapping(EVENTS)
    assert table.fields["ts"] == Column(column="at")
    assert table.items is not None
    assert table.items.tags == (Column(column="kinds", split="|"),)


def test_the_columns_that_are_needed_are_all_that_are_read() -> None:
    assert columns_of(read_mapping(EVENTS)) == ["at", "kinds", "thing", "what", "who"]


def test_other_tables_are_kept_as_settings() -> None:
    assert read_mapping(EVENTS).settings == {"labels": {"click": {"event": "click"}}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fields = [", "is not TOML"),
        ('fields = {type = "t", usr = "u"}', "'usr' is no field of an event; known are"),
        ('fields = {type = {colunm = "t"}}', "colunm"),
        ('fields = {type = {column = "t", constant = 1}}', "one of column, constant and template"),
        ('rows = "impressions"\nfields = {user_id = "u", ts = "t", item_id = "i"}', "'request_id' is missing"),
        ('rows = "lines"\nfields = {type = "t"}', "Invalid enum value 'lines'"),
        ('fields = {type = "t"}\n[[outcomes]]\ntype = "click"\nwhen = "c"', "outcomes need rows"),
        ('fields = {type = "t"}\n[items]\nauthor = "a"', "missing required field `item_id`"),
        ('fields = {type = "t"}\n[items]\nitem_id = "i"\nauthour = "a"', "authour"),
        ('time_unit = "h"\nfields = {type = "t"}', "Invalid enum value 'h'"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_told(text: str, told: str) -> None:
    with pytest.raises(BadMapping, match=told):
        read_mapping(text)


def test_the_shipped_mapping_reads() -> None:
    text = (Path(__file__).parents[2] / "docs" / "examples" / "kuairand.toml").read_text()
    table = read_mapping(text)
    assert [outcome.type for outcome in table.outcomes] == ["click", "dwell"]
    assert list(table.settings["labels"]) == ["is_click", "long_view"]


def test_the_shipped_mapping_reads_no_outcome_as_a_feature() -> None:
    text = (Path(__file__).parents[2] / "docs" / "examples" / "kuairand.toml").read_text()
    table = read_mapping(text)
    features = {column.column for column in (*table.fields.values(), *table.context.values())}
    assert features <= {None, "user_id", "video_id", "time_ms", "tab", "hourmin"}
