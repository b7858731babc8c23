"""A wrong event is refused with its field; a right one is the same event however its JSON is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadEvent
from streams.events import Impression, Interaction, Item, Shown, Slate, User, topic_of
from streams.frames import EventFrame, decode_event, decode_frame, encode_event, encode_frame
from streams.wire import parse

CLICK: dict[str, Any] = {"type": "click", "event_id": "e", "ts": 5, "user_id": "ana", "item_id": "tea"}
SHOWN: dict[str, Any] = {"type": "impression", "event_id": "e", "ts": 5, "user_id": "ana", "request_id": "r"}


def read(**fields: Any) -> Any:
    return parse(json.dumps(fields).encode(), received_at=99)


def test_an_integer_id_is_the_string_of_it() -> None:
    assert read(**CLICK | {"user_id": 7}) == read(**CLICK | {"user_id": "7"})


def test_unknown_fields_are_additions_not_errors() -> None:
    assert read(**CLICK | {"colour": "green"}) == read(**CLICK)


def test_an_upsert_that_means_a_delete_is_refused_and_told_how_to() -> None:
    for kind in ("item", "user"):
        with pytest.raises(BadEvent, match=f"^deleted: is true, but '{kind}' is an upsert.* '{kind}_delete'"):
            read(type=kind, item_id="tea", user_id="ana", deleted=True)
    with pytest.raises(BadEvent, match=r"^deleted: Expected `bool"):
        read(type="item", item_id="tea", deleted="true")


@pytest.mark.parametrize("said", [{"deleted": False}, {"deleted": None}, {}])
def test_an_upsert_that_says_that_it_is_one_is_the_same_event(said: dict[str, Any]) -> None:
    assert read(type="item", item_id="tea", **said) == read(type="item", item_id="tea")
    assert read(type="item_delete", item_id="tea", deleted=True) == read(type="item_delete", item_id="tea")


def test_an_impression_of_one_item_may_name_it_flat() -> None:
    flat = read(**SHOWN, item_id="tea", position=3)
    assert isinstance(flat, Impression)
    assert flat.items == (Shown("tea", 3),)


def test_items_without_positions_stand_in_their_order() -> None:
    listed = read(**SHOWN, items=[{"item_id": "tea"}, {"item_id": "jam"}])
    assert [item.position for item in listed.items] == [0, 1]


def test_a_missing_ts_is_the_time_of_receipt() -> None:
    fields = {k: v for k, v in CLICK.items() if k != "ts"}
    assert read(**fields).ts == 99


def test_a_missing_event_id_is_the_content_so_a_retry_is_a_repeat() -> None:
    fields = {k: v for k, v in CLICK.items() if k != "event_id"}
    assert read(**fields).event_id == read(**fields).event_id
    assert read(**fields).event_id != read(**fields | {"item_id": "jam"}).event_id


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"type": "clack"}, "type", "known are"),
        ({"v": 2}, "v", "version 1"),
        ({"ts": "noon"}, "ts", "int"),
        ({"ts": -1}, "ts", "milliseconds"),
        ({"ts": 10**18}, "ts", "milliseconds"),
        ({"user_id": ""}, "user_id", "0 bytes"),
        ({"user_id": "x" * 257}, "user_id", "257 bytes"),
        ({"user_id": None}, "user_id", "missing"),
        ({"item_id": None}, "item_id", "missing"),
        ({"item_id": ["tea"]}, "item_id", "array"),
        ({"context": {"hour": [1]}}, "context", ""),
        ({"user_id": "\ud800"}, "event", "JSON"),
    ],
)
def test_a_wrong_event_names_its_field_and_the_reason(change: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(BadEvent) as refused:
        read(**CLICK | change)
    assert refused.value.field.startswith(field), refused.value
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([], "items"),
        ([{"item_id": "tea"}, {"item_id": "tea"}], "items"),
        ([{"item_id": ""}], "items[0].item_id"),
        ([{"item_id": str(i)} for i in range(1001)], "items"),
    ],
)
def test_a_wrong_list_of_items_names_the_item(items: list[Any], field: str) -> None:
    with pytest.raises(BadEvent) as refused:
        read(**SHOWN, items=items)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": float("nan")}, "value"),
        ({"context": {"hour": float("inf")}}, "context"),
        ({"type": "item", "vector": [1.0, float("nan")]}, "vector"),
        ({"type": "slate", "request_id": "r", "items": [{"item_id": "a", "score": float("inf")}]}, "items[0].score"),
    ],
)
def test_a_number_that_is_not_finite_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadEvent, match="finite") as refused:
        parse(CLICK | change, received_at=1)
    assert refused.value.field == field


@given(st.binary(max_size=200))
def test_junk_is_a_bad_event_and_nothing_else(data: bytes) -> None:
    with pytest.raises(BadEvent):
        parse(data, received_at=1)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*CLICK, "items", "context", "vector", "v", "request_id"]), json_values))
def test_any_json_is_an_event_or_a_bad_event(change: dict[str, Any]) -> None:
    try:
        event = parse(json.dumps(CLICK | change).encode(), received_at=1)
    except BadEvent:
        return
    assert decode_event(encode_event(event)) == event


def test_frames_give_back_what_was_put_in() -> None:
    events = (
        Slate("s", 1, "ana", "r", (Shown("tea", 0, 0.5, 0.1),), context={"hour": 3.0}, model_version=4),
        Impression("i", 2, "ana", "r", (Shown("tea", 0),)),
        Interaction("c", 3, "ana", "click", item_id="tea", request_id="r"),
        Item("t", 4, "tea", categories=("drink",), vector=(0.5, 1.0)),
        User("u", 5, "ana", deleted=True),
    )
    frame = EventFrame(events, {"slates": {0: 3}})
    assert decode_frame(encode_frame(frame)) == frame
    assert [topic_of(event) for event in events] == ["slates", "impressions", "interactions", "items", "users"]
