"""What was written once is read for ever, releases read each other, and today's bytes are those of the files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from streams.errors import BadEvent
from streams.frames import decode_event, decode_frame
from streams.join_disk import Snapshot
from streams.join_keys import FORMAT
from streams.log import MemoryLogs
from streams.rocks_join_state import RocksDisk
from streams.wire import parse
from tests.golden.formats import EVENTS, FILES, FIRST_EVENTS, FORMATS, ITEM, OLDER, Format
from tests.streams.raw_topics import Clock, buried, settle

every_format = pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
every_file = pytest.mark.parametrize("one", FORMATS + OLDER, ids=lambda one: one.name)
LINES = (FILES / "wire-v1.jsonl").read_bytes().splitlines()
PRICED = (FILES / "wire-v1-attributes.jsonl").read_bytes().splitlines()


@every_file
def test_todays_readers_read_what_was_ever_written(one: Format) -> None:
    assert [one.decode(data) for data in one.kept] == list(one.values)


@every_format
def test_todays_writers_write_the_same_bytes(one: Format) -> None:
    assert one.written == one.kept


@every_format
def test_fields_that_a_later_release_adds_are_passed_over(one: Format) -> None:
    assert [one.decode(_encoded(one, _grown(value))) for value in one.values] == list(one.values)


def test_every_golden_file_has_a_format_that_reads_it() -> None:
    assert set(FILES.glob("*.hex")) == {one.file for one in FORMATS + OLDER}


@every_format
def test_fields_that_an_earlier_release_did_not_have_are_their_defaults(one: Format) -> None:
    for value in one.values:
        for shorter, expected in _shortened(value):
            assert one.decode(_encoded(one, shorter)) == expected


def test_the_script_never_writes_a_golden_file_again() -> None:
    before = {path: path.read_bytes() for path in FILES.iterdir()}
    subprocess.run([sys.executable, "-m", "tests.golden.write"], check=True, timeout=60)
    assert {path: path.read_bytes() for path in FILES.iterdir()} == before


# ---- events at the edge ---------------------------------------------------------------------------------------------


def test_events_on_the_wire_mean_what_they_meant() -> None:
    assert [parse(line, received_at=0) for line in LINES] == list(FIRST_EVENTS[: len(LINES)])
    assert [parse(line, received_at=0) for line in PRICED] == [ITEM]


@pytest.mark.parametrize("edition", ["1.2", 1.2, "1.10.3"])
@pytest.mark.parametrize("line", LINES + PRICED)
def test_a_later_edition_with_more_fields_is_taken_for_what_is_known_of_it(line: bytes, edition: str | float) -> None:
    more = msgspec.json.decode(line) | {"v": edition, "mood": {"is": "good"}, "weights": [1, 2]}
    if "items" in more:
        more["items"] = [item | {"price": 3} for item in more["items"]]
    assert parse(msgspec.json.encode(more), received_at=0) == parse(line, received_at=0)


@pytest.mark.parametrize("version", [2, "2.1", 10, "10", 0, "", 1.0e300])
def test_another_version_is_refused_by_its_field(version: object) -> None:
    told = msgspec.json.decode(LINES[2]) | {"v": version}
    with pytest.raises(BadEvent, match=r"^v: "):
        parse(msgspec.json.encode(told), received_at=0)


def test_a_field_more_in_the_reader_keeps_the_ids_of_events_without_one() -> None:
    """The id is a hash of the content: a change here lets retries across an upgrade count twice."""
    click = parse(b'{"type": "click", "user_id": "ana", "item_id": "tea", "ts": 5}', received_at=0)
    shown = b'{"type": "impression", "user_id": "ana", "request_id": "r", "ts": 5, "items": [{"item_id": "tea"}]}'
    assert (click.event_id, parse(shown, received_at=0).event_id) == (  # type: ignore[union-attr]
        "b21b3059085e641a9d4c7170",
        "3784144fbc8a48c793655033",
    )


# ---- kinds that are not known ---------------------------------------------------------------------------------------

VOTE = msgspec.msgpack.encode(["vote", "e1", 5, "ana"])


def test_a_kind_of_event_that_is_not_known_yet_is_a_dead_letter() -> None:
    logs = MemoryLogs()
    logs.open("interactions", 2).append(0, [VOTE, msgspec.msgpack.encode(EVENTS[2])], at=1_000)
    settle(logs, Clock())
    assert [(letter.field, letter.data) for letter in buried(logs)] == [("record", VOTE)]


def test_a_frame_with_an_unknown_kind_is_refused_rather_than_read_in_part() -> None:
    for decode, data in ((decode_event, VOTE), (decode_frame, msgspec.msgpack.encode([[["vote", "e1", 5]], {}]))):
        with pytest.raises(msgspec.MsgspecError):
            decode(data)


def test_the_manifest_of_a_joiners_snapshot_may_say_more(tmp_path: Path) -> None:
    aside = tmp_path / "snapshots" / "000000000120-000003-c0ffee"
    aside.mkdir(parents=True)
    told = {"fold": "join", "format": FORMAT, "next": 120, "decisions": 3, "config": "c0ffee", "files": {}, "new": 1}
    (aside / "manifest.json").write_bytes(msgspec.json.encode(told))
    disk = RocksDisk(tmp_path / "join", tmp_path / "snapshots")
    assert disk.snapshots() == [Snapshot(120, 3, "c0ffee")]


# ---- other releases -------------------------------------------------------------------------------------------------


def _grown(value: Any) -> Any:
    """A value as a release would write it that has one field more in every part of it."""
    if isinstance(value, Struct):
        config, fields = value.__struct_config__, value.__struct_fields__
        parts = [_grown(getattr(value, name)) for name in fields]
        if config.array_like:
            return [*([config.tag] if config.tag is not None else []), *parts, "new"]
        return _said(dict(zip(fields, parts, strict=True))) | {"new": 1}
    if isinstance(value, tuple | list):
        return [_grown(part) for part in value]
    if isinstance(value, dict):
        return {key: _grown(part) for key, part in value.items()}
    return value


def _shortened(value: Struct) -> Iterator[tuple[Any, Any]]:
    """A value as each release would have written it that lacked the last few of its optional fields, and what it is
    now."""
    config, fields, defaults = value.__struct_config__, value.__struct_fields__, value.__struct_defaults__
    whole = value
    for lacking in range(1, len(defaults) + 1):
        name = fields[-lacking]
        whole = msgspec.structs.replace(whole, **{name: _default(defaults[-lacking])})
        parts = {name: getattr(value, name) for name in fields[:-lacking]}
        tag = [config.tag] if config.tag is not None else []
        yield ([*tag, *parts.values()] if config.array_like else _said(parts)), whole


def _said(parts: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that are left out where they say nothing."""
    return {name: part for name, part in parts.items() if part is not msgspec.UNSET}


def _default(default: Any) -> Any:
    return default.factory() if hasattr(default, "factory") else default


def _encoded(one: Format, value: Any) -> bytes:
    is_json = one.written[0].lstrip()[:1] == b"{"
    return msgspec.json.encode(value) if is_json else msgspec.msgpack.encode(value)
