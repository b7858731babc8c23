"""The fields that an event may have on the wire, and what each of them may hold whatever the event is.

What an event of one type needs, and what it becomes, is in `wire.py`.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.errors import BadEvent
from streams.events import Context

VERSION = 1
MAX_ID_BYTES = 256
MAX_ITEMS = 1000
OLDEST, NEWEST = 0, 253_402_300_800_000  # the year 10,000, in ms
LARGEST = 1 << 63
TIMES = ("ts", "impression_ts", "available_from", "available_until", "sent_at", "since")


class WireShown(Struct, omit_defaults=True):
    """One item of a slate or impression on the wire."""

    item_id: str | int
    position: int | None = None
    score: float | None = None
    propensity: float | None = None


class Wire(Struct, omit_defaults=True):
    """Every field that an event may have on the wire. Unknown fields are ignored: additions are not breaks, and a
    `v` of "1.2" is a version 1 with more in it. Defaults are not hashed, so that additions keep old ids.
    """

    type: str
    v: int | float | str = VERSION
    event_id: str | None = None
    ts: int | None = None
    user_id: str | int | None = None
    item_id: str | int | None = None
    request_id: str | None = None
    impression_ts: int | None = None
    items: list[WireShown] | None = None
    position: int | None = None
    score: float | None = None
    surface: str = ""
    model_version: int | None = None
    propensity: float | None = None
    query_item_id: str | int | None = None
    query_text: str | None = None
    context: dict[str, str | float | int | bool] = {}
    attributes: dict[str, str | float | int | bool] = {}
    value: float | None = None
    reason: str | None = None
    producer: str = ""
    app_version: str = ""
    categories: list[str] = []
    tags: list[str] = []
    author: str | None = None
    text: str | None = None
    vector: list[float] | None = None
    available_from: int | None = None
    available_until: int | None = None
    sent_at: int | None = None
    source: str | int | None = None
    since: int | None = None
    totals: dict[str, int] = {}
    deleted: bool | None = False


def plain(values: dict[str, str | float | int | bool]) -> Context:
    """A context or attributes as they are kept: sorted, numbers as floats."""
    if not values:
        return {}
    return {name: value if isinstance(value, str) else float(value) for name, value in sorted(values.items())}


def wire_id(field: str, value: str | int | None) -> str:
    """An id as it is kept: a string of 1 to 256 bytes. Raises BadEvent."""
    if value is None:
        raise BadEvent(field, "is missing")
    text = str(value)
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise BadEvent(field, "is not valid UTF-8") from None
    if not 1 <= size <= MAX_ID_BYTES:
        raise BadEvent(field, f"has {size:,} bytes; ids have 1 to {MAX_ID_BYTES}")
    return text


def check_deleted(wire: Wire) -> None:
    """Raises BadEvent where an upsert says that it is none: what goes has a type of its own, and an upsert that meant a
    delete would bring back what should be gone."""
    if wire.deleted and wire.type in ("item", "user"):
        raise BadEvent("deleted", f"is true, but {wire.type!r} is an upsert; to delete, send type '{wire.type}_delete'")
    wire.deleted = False  # nothing else reads it, so it is no part of an id either


def check_numbers(wire: Wire) -> None:
    """Raises BadEvent where a number can't be what its field says."""
    for name in TIMES:
        at = getattr(wire, name)
        if at is not None and not OLDEST <= at < NEWEST:
            raise BadEvent(name, f"is {at}; expected milliseconds since 1970")
    for name in ("value", "score", "propensity"):
        number = getattr(wire, name)
        if number is not None and not math.isfinite(number):
            raise BadEvent(name, "is not finite")
    _check_counts(wire)
    if wire.vector or wire.context or wire.attributes:
        _check_held(wire)


def _check_counts(wire: Wire) -> None:
    counts = [("position", wire.position), ("model_version", wire.model_version)]
    if wire.items:
        counts += [(f"items[{i}].position", item.position) for i, item in enumerate(wire.items)]
    for name, count in counts:
        if count is not None and not 0 <= count < 1 << 32:
            raise BadEvent(name, f"is {count}; expected 0 to {(1 << 32) - 1:,}")


def _check_held(wire: Wire) -> None:
    held = {"vector": wire.vector or (), "context": wire.context.values(), "attributes": wire.attributes.values()}
    for name, numbers in held.items():
        if any(isinstance(n, int | float) and not abs(n) < LARGEST for n in numbers):
            raise BadEvent(name, "holds a number that is not finite or too large")
