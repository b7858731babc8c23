"""What one record of a raw topic says: an event, or a letter for the dead.

Records are of two kinds, told apart by their first byte: one flat JSON object, as at the gateway, from whoever writes
to Kafka directly; or what our own processes wrote, which checked it before. All that is decided here depends on the
record alone, so it is the same whenever it is read again: its time is the time of receipt.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from streams.dead_letters import DeadLetter, origin_of
from streams.errors import BadEvent
from streams.events import (
    Announcement,
    Arrival,
    Impression,
    Interaction,
    Item,
    RawTopic,
    Sent,
    Slate,
    Tick,
    key_of,
    topic_of,
)
from streams.frames import decode_event, encode_event
from streams.intake import MAX_EVENT_BYTES
from streams.log import Record
from streams.positions import partition_of
from streams.rates import RateLimits, Seconds
from streams.request_ids import version_of
from streams.wire import Read, read

MovesTime = (Slate, Impression, Interaction)
_JSON = (b"{", b" ", b"\t", b"\r", b"\n")


class Place(NamedTuple):
    """One partition of one raw topic."""

    topic: RawTopic
    partition: int


class Heard(NamedTuple):
    """A record: its time, the offset after it, the bytes of its event in a frame, the event or the letter; which
    corrections its clock needed, and whether it is above its producer's rate."""

    at: int
    next: int
    size: int
    event: Arrival | None
    letter: DeadLetter | None = None
    shifted: bool = False
    clamped: bool = False
    fast: bool = False


class Hearing:
    """Hears the records that feed one partition of `events`.

    >>> hearing = Hearing(0, partitions=1, clock_ahead=0)
    >>> like = b'{"type": "like", "user_id": "ana", "item_id": "tea", "ts": 5}'
    >>> hearing.hear(Place("interactions", 0), Record(7, 50, like)).event.ts
    5
    >>> hearing.hear(Place("slates", 0), Record(7, 50, like)).letter.reason
    'is Interaction, which has no place in slates'
    """

    def __init__(
        self,
        partition: int,
        *,
        partitions: int,
        clock_ahead: int,
        max_event_bytes: int = MAX_EVENT_BYTES,
        seconds: Seconds | None = None,
    ) -> None:
        self._partition = partition
        self._seconds = seconds or Seconds(RateLimits())
        self._partitions = partitions
        self._clock_ahead = clock_ahead
        self._max_event_bytes = max_event_bytes

    def hear(self, place: Place, record: Record) -> Heard:
        """What a record of this place says."""
        data = record.value
        foreign = data[:1] in _JSON
        try:
            told, shifted = self._foreign(place, record) if foreign else (_own(data), False)
            event = _checked(place.topic, told)
            size = _size_of(event) if foreign else len(data)
        except BadEvent as bad:
            if place.partition != self._partition:
                return Heard(record.at, record.offset + 1, 0, None)  # the lane of its own partition buries it
            letter = DeadLetter(record.at, bad.reason, bad.field, origin_of(*place, record.offset), data)
            return Heard(record.at, record.offset + 1, 0, None, letter)
        clamped = event.ts > record.at + self._clock_ahead
        if clamped:
            event = msgspec.structs.replace(event, ts=record.at)
        fast = foreign and place.partition == self._partition and self._seconds.above(event.producer, record.at)
        return Heard(record.at, record.offset + 1, size, event, None, shifted, clamped, fast)

    def _foreign(self, place: Place, record: Record) -> Read:
        if len(record.value) > self._max_event_bytes:
            raise BadEvent("event", f"has {len(record.value):,} bytes; at most {self._max_event_bytes:,} are taken")
        heard = read(record.value, received_at=record.at)
        key = key_of(heard.event)
        home = place.partition if isinstance(heard.event, Item) else partition_of(key, self._partitions)
        if home != place.partition:
            field = "source" if isinstance(heard.event, Announcement) else "user_id"
            raise BadEvent(
                field,
                f"is {key!r}, which belongs to partition {home} of {self._partitions}, but its record stands in "
                f"{place.partition}, where its other events are not. Key records by this id, with the murmur2 "
                "partitioner of Kafka's own producers",
            )
        return heard


def _size_of(event: Arrival) -> int:
    try:
        return len(encode_event(event))
    except (OverflowError, UnicodeEncodeError) as error:
        raise BadEvent("event", f"can't be stored: {error}") from error


def _own(data: bytes) -> Arrival:
    try:
        return decode_event(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadEvent("record", f"is no event: {error}") from error


def _checked(topic: RawTopic, event: Arrival) -> Sent:
    """The event of a record of this topic, with the model version that its request id tells."""
    if isinstance(event, Tick) or topic_of(event) != topic:
        raise BadEvent("type", f"is {type(event).__name__}, which has no place in {topic}")
    if not isinstance(event, MovesTime) or event.request_id is None:
        return event
    version = version_of(event.request_id)
    if version is None or version == event.model_version:
        return event
    if event.model_version is not None:
        raise BadEvent("model_version", f"is {event.model_version}, but version {version} answered {event.request_id}")
    return msgspec.structs.replace(event, model_version=version)
