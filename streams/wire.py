"""Events at the edge: one flat JSON object each (fields of `Wire`); what is wrong with one is told by field.

What travels inside, between our own processes, is in `frames.py`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from streams.errors import BadEvent
from streams.events import (
    INTERACTIONS,
    Announcement,
    Event,
    Impression,
    Interaction,
    Item,
    Sent,
    Shown,
    Slate,
    User,
)
from streams.wire_fields import (
    MAX_ITEMS,
    NEWEST,
    OLDEST,
    VERSION,
    Wire,
    WireShown,
    check_deleted,
    check_numbers,
    plain,
    wire_id,
)

MOST_TOTALS = 64
MOST_AHEAD = 86_400_000
"""An event that is further ahead of its own `sent_at` (ms) was never written by one clock."""


class Read(NamedTuple):
    """What stood in one JSON object, and whether its times were moved by its `sent_at`."""

    event: Sent
    shifted: bool


def parse(data: bytes | dict[str, Any], *, received_at: int) -> Event:
    """The event in one JSON object; a missing `ts` becomes `received_at`, a missing `event_id` a hash of the content.

    Raises BadEvent, naming the field and the reason.

    >>> parse(b'{"type": "click", "user_id": 7, "item_id": "tea", "ts": 5, "event_id": "e"}', received_at=9).user_id
    '7'
    >>> parse(b'{"type": "click", "user_id": "ana", "ts": "noon"}', received_at=9)
    Traceback (most recent call last):
    streams.errors.BadEvent: ts: Expected `int | null`, got `str`
    """
    event = read(data, received_at=received_at).event
    if isinstance(event, Announcement):
        raise BadEvent("type", "is 'announce', which tells of events and is none")
    return event


def read(data: bytes | dict[str, Any], *, received_at: int) -> Read:
    """As `parse`, announcements too. Times of a device that says when, by its own clock, it sent the event (`sent_at`)
    become ours, as if it had been received that very moment; the event says no more about it.

    >>> late = b'{"type": "click", "user_id": 7, "item_id": "tea", "event_id": "e", "ts": 1005, "sent_at": 1025}'
    >>> read(late, received_at=90).event.ts
    70
    """
    try:
        wire = _from_json(data) if isinstance(data, bytes) else msgspec.convert(data, Wire)
    except msgspec.ValidationError as error:
        raise _told(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent("event", f"is not a JSON object: {error}") from error
    if wire.v != VERSION and not str(wire.v).startswith(f"{VERSION}."):
        raise BadEvent("v", f"is {wire.v!r}; this Headrace reads version {VERSION}, and any {VERSION}.x")
    build = _BUILDERS.get(wire.type)
    if build is None:
        raise BadEvent("type", f"is {wire.type!r}; known are {', '.join(sorted(_BUILDERS))}")
    check_numbers(wire)
    check_deleted(wire)
    sent_at, wire.sent_at = wire.sent_at, None  # a repeat is sent at another time, and has the same id
    if wire.event_id is None:
        wire.event_id = _content_id(wire)
    wire_id("event_id", wire.event_id)
    shifted = sent_at is not None and sent_at != received_at and _shift(wire, sent_at, received_at)
    return Read(build(wire, wire.event_id, received_at if wire.ts is None else wire.ts), shifted)


def _shift(wire: Wire, sent_at: int, received_at: int) -> bool:
    if wire.ts is not None and wire.ts - sent_at > MOST_AHEAD:
        raise BadEvent("sent_at", f"is {sent_at}, long before the event's ts {wire.ts}; both are ms of the same clock")
    moved = False
    for name in ("ts", "impression_ts", "since"):
        at = getattr(wire, name)
        if at is not None:
            at += received_at - sent_at
            if not OLDEST <= at < NEWEST:
                raise BadEvent("sent_at", f"is {sent_at}, but was received at {received_at}: {name} would be {at}")
            setattr(wire, name, at)
            moved = True
    return moved


def _slate(wire: Wire, event_id: str, ts: int) -> Sent:
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
    return wire_id("user_id", wire.user_id), wire_id("request_id", wire.request_id), items


def _shown(index: int, item: WireShown) -> Shown:
    for name in ("score", "propensity"):
        value = getattr(item, name)
        if value is not None and not math.isfinite(value):
            raise BadEvent(f"items[{index}].{name}", "is not finite")
    position = index if item.position is None else item.position
    return Shown(wire_id(f"items[{index}].item_id", item.item_id), position, item.score, item.propensity)


def _interaction(wire: Wire, event_id: str, ts: int) -> Sent:
    item = None if wire.item_id is None and wire.type in ("search", "survey") else wire_id("item_id", wire.item_id)
    return Interaction(
        event_id,
        ts,
        wire_id("user_id", wire.user_id),
        wire.type,
        item_id=item,
        request_id=None if wire.request_id is None else wire_id("request_id", wire.request_id),
        impression_ts=wire.impression_ts,
        position=wire.position,
        value=wire.value,
        reason=wire.reason,
        query_text=wire.query_text,
        **_circumstances(wire),
    )


def _item(wire: Wire, event_id: str, ts: int) -> Sent:
    return Item(
        event_id,
        ts,
        wire_id("item_id", wire.item_id),
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
        attributes=plain(wire.attributes),
    )


def _user(wire: Wire, event_id: str, ts: int) -> Sent:
    return User(
        event_id,
        ts,
        wire_id("user_id", wire.user_id),
        attributes=plain(wire.attributes),
        deleted=wire.type == "user_delete",
        producer=wire.producer,
        app_version=wire.app_version,
    )


def _announcement(wire: Wire, event_id: str, ts: int) -> Sent:
    source, totals = wire_id("source", wire.source), wire.totals
    if wire.since is None:
        raise BadEvent("since", "is missing; it is the ms at which the source began to count")
    if not 1 <= len(totals) <= MOST_TOTALS:
        raise BadEvent("totals", f"names {len(totals)} types; 1 to {MOST_TOTALS} are taken")
    for name, total in totals.items():
        if name not in _BUILDERS or name == "announce":
            raise BadEvent("totals", f"counts {name!r}, which is no type of event")
        if not 0 <= total < 1 << 53:
            raise BadEvent(f"totals.{name}", f"is {total}; expected 0 to {(1 << 53) - 1:,}")
    counted = dict(sorted(totals.items()))
    return Announcement(event_id, ts, source, wire.since, counted, wire.producer, wire.app_version)


def _circumstances(wire: Wire) -> dict[str, Any]:
    return {
        "surface": wire.surface,
        "context": plain(wire.context),
        "model_version": wire.model_version,
        "producer": wire.producer,
        "app_version": wire.app_version,
    }


def _query(wire: Wire) -> dict[str, Any]:
    asked = None if wire.query_item_id is None else wire_id("query_item_id", wire.query_item_id)
    return {"query_item_id": asked, "query_text": wire.query_text}


def _content_id(wire: Wire) -> str:
    return hashlib.blake2b(msgspec.msgpack.encode(wire, order="deterministic"), digest_size=12).hexdigest()


def _told(error: msgspec.ValidationError) -> BadEvent:
    reason, _, place = str(error).partition(" - at `$")
    if "missing required field" in reason:
        return BadEvent(reason.rpartition("field ")[2].strip("`"), "is missing")
    return BadEvent(place.rstrip("`").lstrip(".") or "event", reason)


_BUILDERS: dict[str, Callable[[Wire, str, int], Sent]] = {
    "announce": _announcement,
    "slate": _slate,
    "impression": _slate,
    "item": _item,
    "item_delete": _item,
    "user": _user,
    "user_delete": _user,
}
_BUILDERS |= dict.fromkeys(INTERACTIONS, _interaction)

_from_json = msgspec.json.Decoder(Wire).decode
