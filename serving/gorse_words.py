"""Gorse's users, items and feedback as its clients write them, and the events that they are here. No log, no HTTP.

Labels keep their form as JSON beside the plain values in them, which models and filters read. How they are told again
is in `gorse_told.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from serving.feedback import COMMENT as FEEDBACK_COMMENT
from serving.feedback import GIVEN, KIND, PUT, UNDONE
from serving.feedback import LABELS as FEEDBACK_LABELS
from streams.events import INTERACTIONS

Labels = str | int | float | list[Any] | dict[str, Any] | None
LABELS, COMMENT, TIMESTAMP = "gorse_labels", "gorse_comment", "gorse_timestamp"
IMPRESSION = "impression"
TYPES = {"read": IMPRESSION, "star": "like"}
"""What kinds of feedback are here, where they are not called as an interaction is."""
PRODUCER = "gorse"
Told = dict[str, Any]


class User(Struct, rename="pascal"):
    """A user as Gorse's clients write one."""

    user_id: str
    labels: Labels = None
    comment: str = ""


class ItemTold(Struct, rename="pascal"):
    """An item as Gorse's clients write one."""

    item_id: str
    is_hidden: bool = False
    categories: list[str] | None = None
    timestamp: str = ""
    labels: Labels = None
    comment: str = ""


class Patch(Struct, rename="pascal"):
    """What of an item or of a user changes; None stays as it is."""

    is_hidden: bool | None = None
    categories: list[str] | None = None
    timestamp: str | None = None
    labels: Labels = None
    comment: str | None = None


class Feedback(Struct, rename="pascal"):
    """Feedback as Gorse's clients write it."""

    feedback_type: str
    user_id: str
    item_id: str
    value: float = 0.0
    timestamp: str = ""
    labels: Labels = None
    comment: str = ""


class UnknownType(ValueError):
    """Feedback of a type that nothing here stands for."""


def user_event(user: User, *, at: int) -> Told:
    """The upsert of a user."""
    attributes = plain(user.labels) | ({COMMENT: user.comment} if user.comment else {})
    event = {"type": "user", "user_id": user.user_id, "attributes": attributes | _kept(LABELS, user.labels)}
    return _event(event, at, "user", msgspec.to_builtins(user))


def item_event(item: ItemTold, *, at: int) -> Told:
    """The upsert of an item; one that is hidden is never open."""
    attributes = plain(item.labels) | _kept(LABELS, item.labels)
    if item.timestamp:
        attributes[TIMESTAMP] = item.timestamp
        born = moment_of(item.timestamp)
        attributes |= {} if born is None else {"timestamp": float(born)}
    event = {
        "type": "item",
        "item_id": item.item_id,
        "categories": item.categories or [],
        "tags": texts(item.labels),
        "attributes": attributes,
        "text": item.comment or None,
        "available_until": 0 if item.is_hidden else None,
    }
    return _event(event, at, "item", msgspec.to_builtins(item))


def feedback_event(
    told: Feedback, types: Mapping[str, str], *, at: int, oldest: int, request_id: str | None, put: bool = False
) -> Told:
    """The interaction or the impression that feedback is. One older than `oldest` is taken as of now. Raises
    UnknownType.

    >>> read = Feedback("read", "ana", "tea", timestamp="2026-11-30")
    >>> event = feedback_event(read, TYPES, at=9, oldest=5, request_id="r")
    >>> event["type"], event["items"], event["ts"]
    ('impression', [{'item_id': 'tea'}], 1795996800000)
    """
    kind = types.get(told.feedback_type, told.feedback_type)
    if kind != IMPRESSION and kind not in INTERACTIONS:
        raise UnknownType(
            f"FeedbackType {told.feedback_type!r} stands for nothing here; say what it is in setting gorse.types, as "
            f"one of {', '.join((IMPRESSION, *INTERACTIONS))}"
        )
    ts = moment_of(told.timestamp)
    context: dict[str, str | float] = {GIVEN: told.timestamp} if told.timestamp else {}
    context |= {KIND: told.feedback_type} if told.feedback_type != kind else {}
    context |= {FEEDBACK_COMMENT: told.comment} if told.comment else {}
    context |= _kept(FEEDBACK_LABELS, told.labels) | ({PUT: 1.0} if put else {})
    event: Told = {"type": kind, "user_id": told.user_id, "request_id": request_id, "context": context}
    if kind == IMPRESSION:
        event["items"] = [{"item_id": told.item_id}]
    else:
        event |= {"item_id": told.item_id, "value": told.value}
    return _event(event, at if ts is None or ts < oldest else ts, "feedback", [put, msgspec.to_builtins(told)])


def undo_event(user_id: str, item_id: str, *, at: int, kind: str | None = None) -> Told:
    """What takes back the feedback of a user on an item, of one kind or of all."""
    event = {"type": "dismiss", "user_id": user_id, "item_id": item_id, "reason": UNDONE}
    about = [user_id, item_id, at] if kind is None else [user_id, item_id, at, kind]
    return _event(event | ({} if kind is None else {"context": {KIND: kind}}), at, "undo", about)


def gone_event(kind: str, name: str, *, at: int) -> Told:
    """The delete of a `user` or an `item`."""
    return _event({"type": f"{kind}_delete", f"{kind}_id": name}, at, "gone", [kind, name, at])


def plain(labels: Labels) -> dict[str, str | float]:
    """The plain values in labels, by name; what is deeper, or named as our own are, is left out."""
    if not isinstance(labels, dict):
        return {}
    found = ((name, value) for name, value in labels.items() if not name.startswith("gorse_") and name)
    return {
        name: value
        for name, value in found
        if isinstance(value, str) or (isinstance(value, int | float) and abs(value) < 1 << 53)
    }


def texts(labels: Labels) -> list[str]:
    """The texts in lists of labels, each once.

    >>> texts(["a", "b", "a"]), texts({"tags": ["c", 7], "kind": "d"}), texts("e")
    (['a', 'b'], ['c'], ['e'])
    """
    listed = labels if isinstance(labels, list) else []
    if isinstance(labels, dict):
        listed = [one for value in labels.values() if isinstance(value, list) for one in value]
    if isinstance(labels, str) and labels:
        listed = [labels]
    return list(dict.fromkeys(one for one in listed if isinstance(one, str) and one))


def moment_of(text: str) -> int | None:
    """ms of a date in text, None where it is none of a year since 1970.

    >>> moment_of("2026-11-30"), moment_of("2026-11-30 12:00:00"), moment_of("soon"), moment_of("0001-01-01T00:00:00Z")
    (1795996800000, 1796040000000, None, None)
    """
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000
    return int(at) if at >= 0 else None


def _kept(name: str, labels: Labels) -> dict[str, str | float]:
    return {} if labels is None else {name: msgspec.json.encode(labels).decode()}


def _event(event: Told, at: int, kind: str, content: Any) -> Told:
    """With a time, and an id by what was said: said again, it is the same event."""
    named = hashlib.blake2b(msgspec.json.encode([kind, content], order="deterministic"), digest_size=12).hexdigest()
    return {name: value for name, value in event.items() if value is not None} | {
        "event_id": f"gorse-{named}",
        "ts": at,
        "producer": PRODUCER,
    }
