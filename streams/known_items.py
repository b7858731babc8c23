"""Items as they are, and as they were when something that is still open was shown.

The upsert with the larger (ts, event_id) wins, in whatever order copies arrive; a delete is an upsert that leaves a
tombstone. What was overwritten stays as long as an impression may point to it. Nothing here moves a watermark.
"""

from __future__ import annotations

import msgspec

from streams import events
from streams.examples import Attributes
from streams.join_keys import ATTRIBUTES, ITEM, RETIRED, short_id, time_key
from streams.join_state import JoinState

UNKNOWN = b""
NEAR = 1 << 15
"""Of how many items each partition has at hand where they lead to: the same few are shown again and again."""


class KnownItems:
    """Every item of the log so far; `reference` of an item leads to its attributes as of then.

    >>> from streams.join_state import MemoryStore
    >>> items = KnownItems(JoinState(MemoryStore()))
    >>> items.upsert(events.Item("e2", 7, "tea", author="ana"), now=7) is not None
    True
    >>> items.upsert(events.Item("e1", 7, "tea", author="bob"), now=7) is None  # (7, "e1") is smaller
    True
    >>> msgspec.msgpack.decode(items.attributes(items.reference("tea")), type=Attributes).author
    'ana'
    """

    def __init__(self, state: JoinState) -> None:
        self._state = state
        self._references: dict[str, bytes] = {}
        self._told: dict[bytes, bytes] = {}

    def upsert(self, event: events.Item, *, now: int) -> bytes | None:
        """Take an upsert or delete; its reference, or None where a larger one stands. At `now` the old one retires."""
        name = ITEM + event.item_id.encode()
        before = self._state.get(name)
        standing = None if before is None else _standing(before)
        if standing is not None and (event.ts, event.event_id) <= standing[:2]:
            return None
        reference = short_id(event.item_id, str(event.ts), event.event_id)
        self._references.pop(event.item_id, None)
        self._state.put(name, _encode((event.ts, event.event_id, reference)))
        self._state.put(ATTRIBUTES + reference, _encode(_attributes(event)))
        if standing is not None:
            self._state.put(RETIRED + time_key(now) + standing[2], b"")
        return reference

    def reference(self, item_id: str) -> bytes:
        """Where the item's attributes of this moment are; UNKNOWN where there are none."""
        known = self._references.get(item_id)
        if known is None:
            told = self._state.get(ITEM + item_id.encode())
            known = UNKNOWN if told is None else _standing(told)[2]
            if len(self._references) >= NEAR:
                self._references.clear()
            self._references[item_id] = known
        return known

    def attributes(self, reference: bytes) -> bytes:
        """What a reference leads to, encoded `Attributes`: for ever the same."""
        told = self._told.get(reference)
        if told is not None:
            return told
        told = self._state.get(ATTRIBUTES + reference)
        if told is None:
            raise KeyError(f"attributes {reference.hex()} are pointed to, but gone: the joiner's state is damaged")
        if len(self._told) >= NEAR:
            self._told.clear()
        self._told[reference] = told
        return told

    def expire(self, marker: bytes) -> None:
        """Nothing points to the attributes behind a RETIRED key any more."""
        self._told.pop(marker[7:], None)
        self._state.delete(ATTRIBUTES + marker[7:])


def _attributes(event: events.Item) -> Attributes:
    return Attributes(
        event.item_id,
        event.ts,
        event.categories,
        event.tags,
        event.author,
        event.text,
        event.vector,
        event.available_from,
        event.available_until,
        event.deleted,
        event.attributes,
    )


_encode = msgspec.msgpack.Encoder().encode
_standing = msgspec.msgpack.Decoder(tuple[int, str, bytes]).decode
