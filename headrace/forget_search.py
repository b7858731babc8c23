"""What a log holds of a user: records that name the id, found by their bytes first and only then read.

Ids of other writers may be escaped as JSON does it; stranger spellings are not found. Looks into the user's own
partition alone, since that is where the log keeps a user.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec
from msgspec import Struct

from streams.errors import BadEvent
from streams.events import Arrival, User
from streams.examples import decode as decode_examples
from streams.frames import decode_event, decode_frame
from streams.log import Log, Record
from streams.wire import read

Says = Callable[[bytes, str], bool]


@dataclass(frozen=True, slots=True)
class Named:
    """How many records of one partition name a user, and the record time (ms) of the last of them."""

    topic: str
    partition: int
    records: int = 0
    last_at: int = 0


@dataclass(frozen=True, slots=True)
class Deleted:
    """The newest delete in `events`: the offset of its frame, its time, and how many events came from the user since,
    made after that time."""

    offset: int
    ts: int
    returned: int = 0


def named(log: Log, partition: int, user_id: str, says: Says) -> Named:
    """The records of one partition that say something of a user."""
    records = last_at = 0
    for record in _records(log, partition, user_id):
        if says(record.value, user_id):
            records, last_at = records + 1, max(last_at, record.at)
    return Named(log.topic, partition, records, last_at)


def deleted(log: Log, partition: int, user_id: str, *, since: int = 0) -> Deleted | None:
    """The newest delete of a user in `events`, None where there is none from offset `since` on."""
    found: Deleted | None = None
    for record in _records(log, partition, user_id, since):
        for event in decode_frame(record.value).events:
            if _user_of(event) != user_id:
                continue
            if isinstance(event, User) and event.deleted:
                if found is None or event.ts >= found.ts:
                    found = Deleted(record.offset, event.ts)
            elif found is not None and event.ts > found.ts:
                found = replace(found, returned=found.returned + 1)
    return found


def in_raw(data: bytes, user_id: str) -> bool:
    """Whether a record of a raw topic is of a user.

    >>> in_raw(b'{"type": "like", "user_id": 7, "item_id": "tea"}', "7"), in_raw(b'{"user_id": "70"}', "7")
    (True, False)
    """
    try:
        event = read(data, received_at=0).event if data[:1] == b"{" else decode_event(data)
    except (BadEvent, msgspec.MsgspecError, UnicodeDecodeError):
        return in_letter(data, user_id)
    return _user_of(event) == user_id


def in_frame(data: bytes, user_id: str) -> bool:
    """Whether a frame of events has one of a user."""
    return any(_user_of(event) == user_id for event in decode_frame(data).events)


def in_examples(data: bytes, user_id: str) -> bool:
    """Whether a frame of examples has a row of a user."""
    frame = decode_examples(data)
    told = any(row.kind == "forget" and row.example == user_id for row in frame.rows)
    return told or any(shot.user_id == user_id for shot in frame.shots)


def in_letter(data: bytes, user_id: str) -> bool:
    """Whether bytes that could not be taken may be of a user: they name the id, or can't be read."""
    try:
        told = _loose(data).user_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True
    return told is not None and str(told) == user_id


class _Loose(Struct):
    user_id: object = None


def _user_of(event: Arrival) -> str | None:
    user: str | None = getattr(event, "user_id", None)
    return user


def _records(log: Log, partition: int, user_id: str, since: int = 0) -> Iterator[Record]:
    """The records that have the bytes of the id anywhere."""
    plain, escaped = user_id.encode(), json.dumps(user_id)[1:-1].encode()
    end = log.end(partition)
    while since < end and (records := log.read(partition, since)):
        for record in records:
            if plain in record.value or escaped in record.value:
                yield record
        since = records[-1].offset + 1


_loose = msgspec.json.Decoder(_Loose).decode
