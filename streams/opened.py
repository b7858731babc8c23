"""What is open: impressions whose labels may still change, and the interactions that came before theirs.

One record per impression event, found by its time-major key; an index from request to its impressions says where an
item is, and holds what waits for one. An item is open in one record at a time. Whether a record still counts is the
caller's to judge, by the watermark (`since`), never by what was swept. A record is written when it opens and when an
interaction changes it, not at a close: what a close decides follows from the rules and the time, as `closed` says.
Nothing here decides a label.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from streams.graded import Graded
from streams.join_keys import ID_BYTES, REQUEST, WAIT_AT, after_prefix, time_key, time_of
from streams.join_state import JoinState

_NAME_BYTES = 2 * ID_BYTES


class Item(Struct, array_like=True, gc=False):
    """One shown item; `states` has one number per label of the rules: its `Standing` in `verdicts.py`. `graded` has,
    by name, what came for labels that have values."""

    item_id: str
    position: int
    example: bytes
    attributes: bytes
    states: list[int]
    graded: dict[str, Graded] | None = None


class Record(Struct, array_like=True, gc=False):
    """One impression, its items side by side: `states` has for each label one byte per item, `examples` their ids in a
    row. `name` is that of its request, `input` the offset in events that opened it, `shot` its circumstances, encoded;
    `slated` says that its slate is in them."""

    surface: str
    input: int
    slated: bool
    shot: bytes
    item_ids: list[str]
    positions: list[int]
    examples: bytes
    attributes: list[bytes]
    states: list[bytes]
    graded: dict[int, dict[str, Graded]] | None = None

    def item(self, k: int) -> Item:
        """
        >>> record = Record("", 7, True, b"", ["tea", "jam"], [0, 1], b"0123456789abcdefghij", [b"", b""], [b"13"])
        >>> record.item(1).example, record.item(1).states == [ord("3")]
        (b'abcdefghij', True)
        """
        return Item(
            self.item_ids[k],
            self.positions[k],
            self.examples[ID_BYTES * k : ID_BYTES * (k + 1)],
            self.attributes[k],
            [column[k] for column in self.states],
            self.graded.get(k) if self.graded else None,
        )

    def take(self, k: int, item: Item) -> None:
        """What became of an item's labels."""
        for i, state in enumerate(item.states):
            column = self.states[i]
            if column[k] != state:
                self.states[i] = column[:k] + bytes((state,)) + column[k + 1 :]
        if item.graded is not None:
            self.graded = (self.graded or {}) | {k: item.graded}

    def closed(self, label: int, settled: bytes) -> None:
        """A label's close has passed; `settled` has for each standing the one behind its close."""
        self.states[label] = self.states[label].translate(settled)


class Waiting(Struct, array_like=True, gc=False):
    """An interaction that came before its impression."""

    ts: int
    type: str
    value: float | None
    item_id: str


class Asked(Struct, array_like=True, gc=False):
    """What there is of a request: the keys of its impressions, and what waits for one, as it came."""

    keys: list[bytes]
    waits: list[Waiting]


@dataclass(slots=True)
class Found:
    """An item of an open impression; put the record back after changing it."""

    key: bytes
    name: bytes
    record: Record
    index: int

    @property
    def shown_at(self) -> int:
        return time_of(self.key)


class Openings:
    """Open impressions and waiting interactions of one partition. A request's name is its owner's short id, then its
    own."""

    def __init__(self, state: JoinState) -> None:
        self._state = state

    def asked(self, name: bytes) -> Asked | None:
        told = self._state.get(REQUEST + name)
        return None if told is None else _asked(told)

    def find(self, name: bytes, item_id: str, *, since: int) -> Found | None:
        """An item of a request, where its impression was shown at `since` or later."""
        asked = self.asked(name)
        for key in asked.keys if asked else ():
            record = self.record(key) if time_of(key) >= since else None
            if record is not None and item_id in record.item_ids:
                return Found(key, name, record, record.item_ids.index(item_id))
        return None

    def open_items(self, asked: Asked, *, since: int) -> set[str]:
        """Which items of a request are open already."""
        records = [self.record(key) for key in asked.keys if time_of(key) >= since]
        return {item_id for record in records if record for item_id in record.item_ids}

    def record(self, key: bytes) -> Record | None:
        told = self._state.get(key)
        return None if told is None else _record(memoryview(told)[_NAME_BYTES:])

    def put(self, key: bytes, name: bytes, record: Record) -> None:
        self._state.put(key, name + _encode(record))

    def change(self, key: bytes, record: Record) -> None:
        """A record that was found is another one now."""
        told = self._state.get(key)
        if told is not None:
            self.put(key, told[:_NAME_BYTES], record)

    def open(self, key: bytes, name: bytes, record: Record, asked: Asked | None) -> list[Waiting]:
        """A new impression of a request; what waited for its items waits no more."""
        self.put(key, name, record)
        if asked is None:
            self._state.put(REQUEST + name, _encode(Asked([key], [])))
            return []
        mine = set(record.item_ids)
        taken = [one for one in asked.waits if one.item_id in mine]
        left = [one for one in asked.waits if one.item_id not in mine] if taken else asked.waits
        self._put_asked(name, Asked([*asked.keys, key], left))
        return taken

    def wait(self, name: bytes, waiting: Waiting) -> None:
        """An interaction whose impression did not come yet."""
        asked = self.asked(name) or Asked([], [])
        self._put_asked(name, Asked(asked.keys, [*asked.waits, waiting]))
        self._state.put(WAIT_AT + time_key(waiting.ts) + name, b"")

    def expire(self, marker: bytes, *, since: int) -> int:
        """What waits behind a WAIT_AT key and is older than `since` goes; how many went."""
        name = marker[7:]
        asked = self.asked(name)
        if asked is None:
            return 0
        left = [one for one in asked.waits if one.ts >= since]
        self._put_asked(name, Asked(asked.keys, left))
        return len(asked.waits) - len(left)

    def unlink(self, key: bytes, told: bytes) -> None:
        """Nothing points to this impression any more; `told` is what the state has of it."""
        name = told[:_NAME_BYTES]
        asked = self.asked(name)
        if asked is not None:
            self._put_asked(name, Asked([one for one in asked.keys if one != key], asked.waits))

    def forget(self, owner: bytes) -> None:
        """Nothing of this user is open or waits any more."""
        mine = REQUEST + owner
        for name, told in list(self._state.scan(mine, after_prefix(mine))):
            self._delete([name, *_asked(told).keys])

    def _put_asked(self, name: bytes, asked: Asked) -> None:
        if asked.keys or asked.waits:
            self._state.put(REQUEST + name, _encode(asked))
        else:
            self._state.delete(REQUEST + name)

    def _delete(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self._state.delete(key)


_encode = msgspec.msgpack.Encoder().encode
_record = msgspec.msgpack.Decoder(Record).decode
_asked = msgspec.msgpack.Decoder(Asked).decode
