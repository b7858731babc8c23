"""Events at the edge: one flat JSON object each (fields of `Wire`); what is wrong with one is told by field.

What travels inside, between our own processes, is in `frames.py`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from streams.errors import BadEvent
from streams.events import INTERACTIONS, Context, Event, Impression, Interaction, Item, Shown, Slate, User

VERSION = 1
MAX_ID_BYTES = 256
MAX_ITEMS = 1000
OLDEST, NEWEST = 0, 253_402_300_800_000  # the year 10,000, in ms
LARGEST = 1 << 63


class WireShown(Struct):
    """One item of a slate or impression on the wire."""

    item_id: str | int
    position: int | None = None
    score: float | None = None
    propensity: float | None = None


class Wire(Struct):
    """Every field that an event may have on the wire. Unknown fields are ignored: additions are not breaks."""

    type: str
    v: int = VERSION
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


def parse(data: bytes | dict[str, Any], *, received_at: int) -> Event:
    """The event in one JSON object; a missing `ts` becomes `received_at`, a missing `event_id` a hash of the content.

    Raises BadEvent, naming the field and the reason.

    >>> parse(b'{"type": "click", "user_id": 7, "item_id": "tea", "ts": 5, "event_id": "e"}', received_at=9).user_id
    '7'
    >>> parse(b'{"type": "click", "user_id": "ana", "ts": "noon"}', received_at=9)
    Traceback (most recent call last):
    streams.errors.BadEvent: ts: Expected `int | null`, got `str`
    """
    try:
        wire = _from_json(data) if isinstance(data, bytes) else msgspec.convert(data, Wire)
    except msgspec.ValidationError as error:
        raise _told(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent("event", f"is not a JSON object: {error}") from error
    if wire.v != VERSION:
        raise BadEvent("v", f"is {wire.v}; this Headrace reads version {VERSION}")
    build = _BUILDERS.get(wire.type)
    if build is None:
        raise BadEvent("type", f"is {wire.type!r}; known are {', '.join(sorted(_BUILDERS))}")
    _check_numbers(wire)
    if wire.event_id is None:
        wire.event_id = _content_id(wire)
    _id("event_id", wire.event_id)
    return build(wire, wire.event_id, received_at if wire.ts is None else wire.ts)


def _slate(wire: Wire, event_id: str, ts: int) -> Event:
    made = Slate if wire.type == "slate" else Impression
    user_id, request_id, items = _shown_head(wire)
    return made(event_id, ts, user_id, request_id, items, **_circumstances(wire), **_query(wire))


def _shown_head(wire: Wire) -> tuple[str, str, tuple[Shown, ...]]:
    listed = wire.items
    if listed is None and wire.item_id is not None:
        listed = [WireShown(wire.item_id, wire.position, wire.score, wire.propensity)]
    if not listed:
        raise BadEvent("items", "is missing or empty")
    if len(listed) > MAX_ITEMS:
        raise BadEvent("items", f"holds {len(listed):,} items; at most {MAX_ITEMS:,} are taken")
    items = tuple(_shown(i, item) for i, item in enumerate(listed))
    if len({item.item_id for item in items}) < len(items):
        raise BadEvent("items", "names an item twice")
    return _id("user_id", wire.user_id), _id("request_id", wire.request_id), items


def _shown(index: int, item: WireShown) -> Shown:
    for name in ("score", "propensity"):
        value = getattr(item, name)
        if value is not None and not math.isfinite(value):
            raise BadEvent(f"items[{index}].{name}", "is not finite")
    position = index if item.position is None else item.position
    return Shown(_id(f"items[{index}].item_id", item.item_id), position, item.score, item.propensity)


def _interaction(wire: Wire, event_id: str, ts: int) -> Event:
    item = None if wire.item_id is None and wire.type in ("search", "survey") else _id("item_id", wire.item_id)
    return Interaction(
        event_id,
        ts,
        _id("user_id", wire.user_id),
        wire.type,
        item_id=item,
        request_id=None if wire.request_id is None else _id("request_id", wire.request_id),
        impression_ts=wire.impression_ts,
        position=wire.position,
        value=wire.value,
        reason=wire.reason,
        query_text=wire.query_text,
        **_circumstances(wire),
    )


def _item(wire: Wire, event_id: str, ts: int) -> Event:
    return Item(
        event_id,
        ts,
        _id("item_id", wire.item_id),
        categories=tuple(wire.categories),
        tags=tuple(wire.tags),
        author=wire.author,
        text=wire.text,
        vector=None if wire.vector is None else tuple(wire.vector),
        available_from=wire.available_from,
        available_until=wire.available_until,
        deleted=wire.type == "item_delete",
        producer=wire.producer,
        app_version=wire.app_version,
    )


def _user(wire: Wire, event_id: str, ts: int) -> Event:
    return User(
        event_id,
        ts,
        _id("user_id", wire.user_id),
        attributes=_plain(wire.attributes),
        deleted=wire.type == "user_delete",
        producer=wire.producer,
        app_version=wire.app_version,
    )


def _circumstances(wire: Wire) -> dict[str, Any]:
    return {
        "surface": wire.surface,
        "context": _plain(wire.context),
        "model_version": wire.model_version,
        "producer": wire.producer,
        "app_version": wire.app_version,
    }


def _query(wire: Wire) -> dict[str, Any]:
    asked = None if wire.query_item_id is None else _id("query_item_id", wire.query_item_id)
    return {"query_item_id": asked, "query_text": wire.query_text}


def _plain(values: dict[str, str | float | int | bool]) -> Context:
    return {name: value if isinstance(value, str) else float(value) for name, value in sorted(values.items())}


def _id(field: str, value: str | int | None) -> str:
    if value is None:
        raise BadEvent(field, "is missing")
    text = str(value)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadEvent(field, "is not valid UTF-8") from None
    if not 1 <= size <= MAX_ID_BYTES:
        raise BadEvent(field, f"has {size:,} bytes; ids have 1 to {MAX_ID_BYTES}")
    return text


def _check_numbers(wire: Wire) -> None:
    for name in ("ts", "impression_ts", "available_from", "available_until"):
        at = getattr(wire, name)
        if at is not None and not OLDEST <= at < NEWEST:
            raise BadEvent(name, f"is {at}; expected milliseconds since 1970")
    for name in ("value", "score", "propensity"):
        number = getattr(wire, name)
        if number is not None and not math.isfinite(number):
            raise BadEvent(name, "is not finite")
    counts = [("position", wire.position), ("model_version", wire.model_version)]
    counts += [(f"items[{i}].position", item.position) for i, item in enumerate(wire.items or ())]
    for name, count in counts:
        if count is not None and not 0 <= count < 1 << 32:
            raise BadEvent(name, f"is {count}; expected 0 to {(1 << 32) - 1:,}")
    held = {"vector": wire.vector or (), "context": wire.context.values(), "attributes": wire.attributes.values()}
    for name, numbers in held.items():
        if any(isinstance(n, int | float) and not abs(n) < LARGEST for n in numbers):
            raise BadEvent(name, "holds a number that is not finite or too large")


def _content_id(wire: Wire) -> str:
    return hashlib.blake2b(msgspec.msgpack.encode(wire, order="deterministic"), digest_size=12).hexdigest()


def _told(error: msgspec.ValidationError) -> BadEvent:
    reason, _, place = str(error).partition(" - at `$")
    if "missing required field" in reason:
        return BadEvent(reason.rpartition("field ")[2].strip("`"), "is missing")
    return BadEvent(place.rstrip("`").lstrip(".") or "event", reason)


_BUILDERS: dict[str, Callable[[Wire, str, int], Event]] = {
    "slate": _slate,
    "impression": _slate,
    "item": _item,
    "item_delete": _item,
    "user": _user,
    "user_delete": _user,
}
_BUILDERS |= dict.fromkeys(INTERACTIONS, _interaction)

_from_json = msgspec.json.Decoder(Wire).decode
