from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.bodies import BadBody, events_in, unpacked

Events = st.lists(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=5), max_size=3), max_size=5)


@given(Events)
def test_a_list_and_lines_hold_the_same_events(events: list[dict[str, object]]) -> None:
    lines = "\r\n".join(json.dumps(event) for event in events) + "\n"
    listed = [json.loads(data) for data in events_in(json.dumps(events, indent=1).encode(), "", 9)]
    assert listed == events
    if events:
        assert [
            json.loads(data) for data in events_in(lines.encode(), "application/x-ndjson; charset=utf-8", 9)
        ] == events
        assert [json.loads(data) for data in events_in(lines.encode(), "", 9)] == events


def test_an_event_keeps_its_own_bytes() -> None:
    assert events_in(b'[ {"a" :1.50} ,{ "b":2}\n]', "", 9) == [b'{"a" :1.50}', b'{ "b":2}']


def test_one_event_over_many_lines_is_one_event() -> None:
    assert len(events_in(b'{\n "a": 1,\n "b": 2\n}', "", 9)) == 1


def test_a_broken_line_costs_only_itself() -> None:
    assert events_in(b'{"a": 1}\n{"a":\n{"a": 3}', "", 9) == [b'{"a": 1}', b'{"a":', b'{"a": 3}']


@pytest.mark.parametrize("body", [b"", b" \n", b"7", b'"x"', b"[1,", b"[" * 100_000, b"\xff\xfe", b"user,item\n1,2"])
def test_what_is_neither_list_nor_event_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody) as bad:
        events_in(body, "text/csv", 9)
    assert bad.value.status == 400


@pytest.mark.parametrize("body", [b"[1,2,3]", b"{}\n{}\n{}"])
def test_more_events_than_the_limit_are_refused(body: bytes) -> None:
    assert len(events_in(body, "", 3)) == 3
    with pytest.raises(BadBody) as bad:
        events_in(body, "", 2)
    assert bad.value.status == 413


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_gzip_of_one_or_more_members_is_unpacked(one: bytes, two: bytes) -> None:
    assert unpacked(gzip.compress(one) + gzip.compress(two), "gzip", 600) == one + two


@pytest.mark.parametrize(
    "data", [b"junk", gzip.compress(b"x" * 999, mtime=0)[:-9], gzip.compress(b"x", mtime=0) + b"junk"]
)
def test_what_is_not_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(BadBody) as bad:
        unpacked(data, "gzip", 9_999)
    assert bad.value.status == 400


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(BadBody) as bad:
        unpacked(gzip.compress(bytes(50_000_000)), "gzip", 1_000)
    assert bad.value.status == 413


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(BadBody) as bad:
        unpacked(b"x", "br", 9)
    assert bad.value.status == 415
