"""What happened: the five kinds of event, the tick that lets time pass, and what sources say of their own events.

An event here is already valid: `wire.py` turns bytes into events and refuses the rest. Times are integer
milliseconds since 1970, ids are strings of 1 to 256 bytes. Nothing here knows of logs, offsets or clocks.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

INTERACTIONS = (
    "click",
    "like",
    "comment",
    "share",
    "follow",
    "purchase",
    "dwell",
    "rating",
    "survey",
    "search",
    "dismiss",
    "report",
)
"""Types of interaction, as they stand in `type` on the wire."""

Context = dict[str, str | float]


class Shown(Struct, frozen=True, array_like=True, gc=False):
    """One item of a slate or an impression; `position` counts from 0."""

    item_id: str
    position: int
    score: float | None = None
    propensity: float | None = None


class Slate(Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="slate"):
    """What an API answered. `arms` says by experiment whether the user got what is tried (`on`) or not (`off`), `took`
    how many ms the list took; no fold of learning reads them."""

    event_id: str
    ts: int
    user_id: str
    request_id: str
    items: tuple[Shown, ...]
    surface: str = ""
    context: Context = {}
    model_version: int | None = None
    query_item_id: str | None = None
    query_text: str | None = None
    producer: str = ""
    app_version: str = ""
    arms: dict[str, str] = {}
    took: float | None = None


class Impression(Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="impression"):
    """What the user was really shown of a slate. Only this opens labels."""

    event_id: str
    ts: int
    user_id: str
    request_id: str
    items: tuple[Shown, ...]
    surface: str = ""
    context: Context = {}
    model_version: int | None = None
    query_item_id: str | None = None
    query_text: str | None = None
    producer: str = ""
    app_version: str = ""


class Interaction(Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="interaction"):
    """What was done: `type` is one of `INTERACTIONS`. Without `request_id` it is organic."""

    event_id: str
    ts: int
    user_id: str
    type: str
    item_id: str | None = None
    request_id: str | None = None
    impression_ts: int | None = None
    surface: str = ""
    context: Context = {}
    position: int | None = None
    value: float | None = None
    reason: str | None = None
    query_text: str | None = None
    model_version: int | None = None
    producer: str = ""
    app_version: str = ""


class Item(Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="item"):
    """An upsert of an item, or its delete."""

    event_id: str
    ts: int
    item_id: str
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author: str | None = None
    text: str | None = None
    vector: tuple[float, ...] | None = None
    available_from: int | None = None
    available_until: int | None = None
    deleted: bool = False
    producer: str = ""
    app_version: str = ""
    attributes: Context = {}


class User(Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="user"):
    """An upsert of a user's attributes, or the delete that makes every fold forget the user."""

    event_id: str
    ts: int
    user_id: str
    attributes: Context = {}
    deleted: bool = False
    producer: str = ""
    app_version: str = ""


class Tick(Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="tick"):
    """Time passes without traffic; written by the sequencer alone."""

    ts: int


class Announcement(Struct, frozen=True, array_like=True, gc=False, tag_field="kind", tag="announcement"):
    """How many events a source has made since it began, by their types on the wire: what came can be held against it.

    A source is whoever counts by itself: one page, one run of an app, one process of a server, not a producer. Totals
    and not differences, so that one that is lost or doubled or late is made good by the next; a source that counts
    anew is a new source. It is no event: it moves no time, opens no label, and a frame carries it beside its events.
    """

    event_id: str
    ts: int
    source: str
    since: int
    totals: dict[str, int]
    producer: str = ""
    app_version: str = ""


Event = Slate | Impression | Interaction | Item | User | Tick
Sent = Slate | Impression | Interaction | Item | User | Announcement
"""What producers may send."""
Arrival = Event | Announcement
"""What may stand in a frame."""
RawTopic = Literal["slates", "impressions", "interactions", "items", "users"]
RAW_TOPICS: tuple[RawTopic, ...] = ("slates", "impressions", "interactions", "items", "users")
WRITE_ORDER: tuple[RawTopic, ...] = ("items", "users", "slates", "impressions", "interactions")
"""In which order topics are written, so that what others refer to comes first; they are read the other way round."""


def topic_of(event: Arrival) -> RawTopic:
    """The raw topic that an event belongs to; what sources announce comes with what was done.

    >>> topic_of(Interaction("e1", 7, "ana", "click", item_id="tea"))
    'interactions'
    """
    match event:
        case Slate():
            return "slates"
        case Impression():
            return "impressions"
        case Interaction() | Announcement():
            return "interactions"
        case Item():
            return "items"
        case User():
            return "users"
        case Tick():
            raise ValueError("a tick belongs to no raw topic: only the sequencer writes it")


def key_of(event: Arrival) -> str:
    """What decides the partition: the item's id for an item, the source for what it announces, else the user's id."""
    match event:
        case Item():
            return event.item_id
        case Announcement():
            return event.source
        case Tick():
            raise ValueError("a tick has no key: one is written to every partition")
        case _:
            return event.user_id


def type_of(event: Event) -> str:
    """The type of an event as it stands on the wire.

    >>> type_of(Interaction("e1", 7, "ana", "click", item_id="tea")), type_of(Item("e2", 7, "tea", deleted=True))
    ('click', 'item_delete')
    """
    match event:
        case Interaction():
            return event.type
        case Item() | User():
            name = "item" if isinstance(event, Item) else "user"
            return f"{name}_delete" if event.deleted else name
        case _:
            return type(event).__name__.lower()
