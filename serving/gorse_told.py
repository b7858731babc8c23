"""Users, items and feedback as Gorse's clients read them. Pure; how they came to be events is in `gorse_words.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from serving.feedback import Row
from serving.gorse_words import COMMENT, LABELS, TIMESTAMP, ItemTold, Patch, Told, moment_of
from streams.events import Item

NO_TIME = "0001-01-01T00:00:00Z"


def user_told(user_id: str, attributes: Mapping[str, str | float]) -> Told:
    """A user as Gorse's clients read one."""
    return {
        "UserId": user_id,
        "Labels": _labels(attributes, LABELS),
        "Comment": str(attributes.get(COMMENT, "")),
    }


def item_told(item: Item) -> Told:
    """An item as Gorse's clients read one."""
    labels = _labels(item.attributes, LABELS)
    return {
        "ItemId": item.item_id,
        "IsHidden": item.available_until == 0,
        "Categories": list(item.categories) or None,
        "Timestamp": _time(str(item.attributes.get(TIMESTAMP, ""))),
        "Labels": list(item.tags) or None if labels is None else labels,
        "Comment": item.text or "",
    }


def feedback_told(user_id: str, row: Row) -> Told:
    """Feedback as Gorse's clients read it."""
    return {
        "FeedbackType": row.kind,
        "UserId": user_id,
        "ItemId": row.item_id,
        "Value": row.value,
        "Timestamp": _time(row.given) if row.given else _iso(row.first_ts),
        "Updated": _iso(row.updated_ts),
        "Labels": msgspec.json.decode(row.labels) if row.labels else None,
        "Comment": row.comment,
    }


def patched(item: Item, patch: Patch) -> ItemTold:
    """An item with what a patch changes."""
    told = msgspec.convert(item_told(item), ItemTold)
    for name in ("is_hidden", "categories", "timestamp", "labels", "comment"):
        if (value := getattr(patch, name)) is not None:
            setattr(told, name, value)
    return told


def _labels(attributes: Mapping[str, str | float], name: str) -> Any:
    told = attributes.get(name)
    if isinstance(told, str):
        return msgspec.json.decode(told)
    return {key: value for key, value in attributes.items() if not key.startswith("gorse_")} or None


def _time(text: str) -> str:
    at = moment_of(text)
    return NO_TIME if at is None else _iso(at)


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
