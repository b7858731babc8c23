"""Keys of a joiner's state: one ordered space of bytes, a family per first byte.

Families below 0x80 are time-major: 6 bytes of event time, then 10 of id, so that the store is its own expiry index
and everything before a moment is one range. The others are found by name. Nothing here reads or writes.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

import msgspec

OPEN, WAIT_AT, SLATE_AT, SEEN_AT, RETIRED, SOURCE_AT = (bytes([n]) for n in range(1, 7))
TIMED = (OPEN, WAIT_AT, SLATE_AT, SEEN_AT, RETIRED, SOURCE_AT)
REQUEST, SLATE, SEEN, ITEM, ATTRIBUTES, HISTORY, GONE, META, OUTBOX, USER, SOURCE = (
    bytes([n]) for n in range(129, 140)
)
NAMED = (REQUEST, SLATE, SEEN, ITEM, ATTRIBUTES, HISTORY, GONE, META, OUTBOX, USER, SOURCE)
REREAD = frozenset(key[0] for key in (ITEM, HISTORY, USER))
"""Families whose values are asked for again and again; most others are read once, if ever."""

ID_BYTES = 10
FORMAT = 3
"""Raised whenever keys or values change: a state or snapshot of another format is not read, but made anew."""


def time_key(at: int) -> bytes:
    """Six bytes that sort as times do; before 1970 there is nothing.

    >>> time_key(1).hex(), time_key(-5).hex(), time_key(255) < time_key(256)
    ('000000000001', '000000000000', True)
    """
    return max(at, 0).to_bytes(6, "big")


def time_of(key: bytes) -> int:
    """The time in a time-major key (family byte included).

    >>> time_of(OPEN + time_key(77) + bytes(10))
    77
    """
    return int.from_bytes(key[1:7], "big")


def short_id(*parts: str) -> bytes:
    """Ten bytes for a few strings; where one ends and the next begins counts.

    >>> short_id("ab", "c") == short_id("a", "bc"), len(short_id("ab"))
    (False, 10)
    """
    return blake2b(_encode(parts), digest_size=ID_BYTES).digest()


@lru_cache(maxsize=1 << 16)
def owner_id(user_id: str) -> bytes:
    """The short id of a user: asked for with each event, so remembered.

    >>> owner_id("ana") == short_id("ana")
    True
    """
    return short_id(user_id)


@lru_cache(1 << 12)
def request_name(user_id: str, request_id: str) -> bytes:
    """Twenty bytes for a request: its user's short id first, so that all of a user are one range.

    >>> request_name("ana", "r1")[:10] == owner_id("ana")
    True
    """
    return owner_id(user_id) + short_id(request_id)


def example_id(user_id: str, request_id: str, item_id: str) -> str:
    """The id of an example, as it stands in rows: no time in it, so a repeat with another time is the same example.

    >>> example_id("ana", "r1", "tea") == example_id("ana", "r1", "jam")
    False
    """
    return short_id(user_id, request_id, item_id).hex()


def after_prefix(prefix: bytes) -> bytes:
    """The least key above all keys that begin with `prefix`.

    >>> after_prefix(b"ab")
    b'ac'
    """
    return prefix[:-1] + bytes([prefix[-1] + 1]) if prefix[-1] < 255 else after_prefix(prefix[:-1])


_encode = msgspec.msgpack.Encoder().encode
