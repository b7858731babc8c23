"""Events inside: many packed in one record, since cost is per record and frames are what makes Python fast enough."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from streams.events import Event
from streams.positions import Positions


class EventFrame(Struct, frozen=True, array_like=True):
    """One record of `events`: the events of one partition, in order, and the sequencer's positions after them.

    `sources` maps a raw topic to the next offset to read in each of its partitions, as far as they feed this one.
    """

    events: tuple[Event, ...]
    sources: dict[str, Positions] = {}


def encode_frame(frame: EventFrame) -> bytes:
    """Bytes of a frame of events."""
    return _frame_encoder.encode(frame)


def decode_frame(data: bytes) -> EventFrame:
    """The frame of `encode_frame`; msgspec.MsgspecError where the bytes are none."""
    return _frame_decoder.decode(data)


def encode_event(event: Event) -> bytes:
    """Bytes of one event, as it stands in a raw topic of the embedded log."""
    return _event_encoder.encode(event)


def decode_event(data: bytes) -> Event:
    """The event of `encode_event`; msgspec.MsgspecError where the bytes are none."""
    return _event_decoder.decode(data)


_frame_encoder = msgspec.msgpack.Encoder()
_frame_decoder = msgspec.msgpack.Decoder(EventFrame)
_event_encoder = msgspec.msgpack.Encoder()
_event_decoder: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)
