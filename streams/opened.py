"""What is open: impressions whose labels may still change, and the interactions that came before theirs.

One record per impression event, found by its time-major key; an index from example id says where each of its items
is, or what waits for it. An item of a record is always what its example's index points to: before an index is turned
elsewhere, the record behind it goes. Whether a record still counts is the caller's to judge, by the watermark
(`since`), never by what was swept. Nothing here decides a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from msgspec import Struct

from streams.examples import Shot
from streams.join_keys import EXAMPLE, OF_USER, SHOT, WAIT_AT, time_key, time_of
from streams.join_state import JoinState

_AT, _WAITS, _SLATED = b"o", b"w", b"s"


class Item(Struct, array_like=True, gc=False):
    """One shown item; `states` has one number per label of the rules: its `Standing` in `verdicts.py`."""

    item_id: str
    position: int
    example: bytes
    attributes: bytes
    states: list[int]


class Record(Struct, array_like=True, gc=False):
    """One impression; `owner` is the user's short id, `input` the offset in events that opened it."""

    surface: str
    owner: bytes
    input: int
    items: list[Item]


class Waiting(Struct, array_like=True, gc=False):
    """An interaction that came before its impression."""

    ts: int
    type: str
    value: float | None
    owner: bytes


@dataclass(slots=True)
class Found:
    """An item of an open impression; put the record back after changing it."""

    key: bytes
    record: Record
    item: Item

    @property
    def shown_at(self) -> int:
        return time_of(self.key)


class Openings:
    """Open impressions and waiting interactions of one partition."""

    def __init__(self, state: JoinState) -> None:
        self._state = state

    def find(self, example: bytes, *, since: int) -> Found | None:
        """The example, where its impression was shown at `since` or later."""
        where = self._state.get(EXAMPLE + example)
        if where is None or where[:1] != _AT or time_of(where[1:]) < since:
            return None
        record = self.record(where[1:])
        if record is None:
            return None
        return Found(where[1:], record, next(item for item in record.items if item.example == example))

    def look(self, example: bytes, *, since: int) -> list[Waiting] | None:
        """What waits for an example, in the order in which it came; None where it is open already."""
        told = self._state.get(EXAMPLE + example)
        if told is None:
            return []
        if told[:1] == _WAITS:
            return _waits(memoryview(told)[1:])
        if time_of(told[1:]) >= since:
            return None
        self.remove(told[1:])  # the next sweep's work
        return []

    def record(self, key: bytes) -> Record | None:
        told = self._state.get(key)
        return None if told is None else _record(told)

    def put(self, key: bytes, record: Record) -> None:
        self._state.put(key, _encode(record))

    def open(self, key: bytes, record: Record, shot: Shot, *, slated: bool) -> None:
        """A new impression; `slated` says that its slate is in the shot already."""
        self.put(key, record)
        self.put_shot(key, shot, slated=slated)
        self._state.put(OF_USER + record.owner + key, b"")
        self._state.put_all([EXAMPLE + item.example for item in record.items], _AT + key)

    def put_shot(self, key: bytes, shot: Shot, *, slated: bool) -> None:
        self._state.put(SHOT + key[1:], (_SLATED if slated else b"-") + _encode(shot))

    def shot(self, key: bytes) -> tuple[Shot, bool]:
        """The circumstances of an open impression, and whether its slate is in them."""
        told = self._state.get(SHOT + key[1:])
        if told is None:
            raise KeyError(f"impression {key.hex()} is open, but its shot is gone: the state of the joiner is damaged")
        return _shot(memoryview(told)[1:]), told[:1] == _SLATED

    def wait(self, example: bytes, waiting: Waiting) -> None:
        """An interaction whose impression did not come yet."""
        told = self._state.get(EXAMPLE + example)
        if told is not None and told[:1] == _AT:
            self.remove(told[1:])  # too old, or it would have been found
        others = self._waiting(example)
        self._state.put(EXAMPLE + example, _WAITS + _encode([*others, waiting]))
        self._state.put(WAIT_AT + time_key(waiting.ts) + example, b"")
        self._state.put(OF_USER + waiting.owner + EXAMPLE + example, b"")

    def take_waiting(self, example: bytes) -> list[Waiting]:
        """Those that waited for this example, in the order in which they came; they wait no more."""
        waiting = self._waiting(example)
        if waiting:
            self._state.delete(EXAMPLE + example)
            self._state.delete(OF_USER + waiting[0].owner + EXAMPLE + example)
        return waiting

    def remove(self, key: bytes) -> None:
        """An impression goes, with all that points to it."""
        told = self._state.get(key)
        if told is not None:
            self.unlink(key, told)
            self._state.delete(SHOT + key[1:])
            self._state.delete(key)

    def unlink(self, key: bytes, told: bytes) -> None:
        """Nothing points to this impression any more; `told` is its record, as it stands in the state."""
        record = _record(told)
        self._state.delete(OF_USER + record.owner + key)
        self._state.put_all([EXAMPLE + item.example for item in record.items], None)

    def expire(self, marker: bytes, *, since: int) -> int:
        """What waits behind a WAIT_AT key and is older than `since` goes; how many went."""
        example = marker[7:]
        waiting = self._waiting(example)
        if not waiting:
            return 0
        left = [one for one in waiting if one.ts >= since]
        if left:
            self._state.put(EXAMPLE + example, _WAITS + _encode(left))
        else:
            self.take_waiting(example)
        return len(waiting) - len(left)

    def _waiting(self, example: bytes) -> list[Waiting]:
        told = self._state.get(EXAMPLE + example)
        return _waits(memoryview(told)[1:]) if told is not None and told[:1] == _WAITS else []


_encode = msgspec.msgpack.Encoder().encode
_record = msgspec.msgpack.Decoder(Record).decode
_shot = msgspec.msgpack.Decoder(Shot).decode
_waits = msgspec.msgpack.Decoder(list[Waiting]).decode
