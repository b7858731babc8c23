"""Events inside: many packed in one record, since cost is per record and frames are what makes Python fast enough."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from streams.events import Announcement, Arrival, Event
from streams.positions import Positions


class EventFrame(Struct, frozen=True, array_like=True):
    """One record of `events`: the events of one partition, in order, and the sequencer's positions after them.

    `sources` maps a raw topic to the next offset to read in each of its partitions, as far as they feed this one.
    `announced` is what sources said of their own counts, each with how many of the events stand before it; who doesn't
    count doesn't look there.
    """

    events: tuple[Event, ...]
    sources: dict[str, Positions] = {}
    announced: tuple[tuple[int, Announcement], ...] = ()

    def in_order(self) -> Iterator[Arrival]:
        """Events and announcements as they came: the same order however they are framed.

        >>> from streams.events import Tick
        >>> said = Announcement("a", 5, "page-1", 0, {"click": 2})
        >>> [type(one).__name__ for one in EventFrame((Tick(1), Tick(2)), {}, ((1, said),)).in_order()]
        ['Tick', 'Announcement', 'Tick']
        """
        begin = 0
        for place, announcement in self.announced:
            yield from self.events[begin:place]
            yield announcement
            begin = place
        yield from self.events[begin:]


def encode_frame(frame: EventFrame) -> bytes:
    """Bytes of a frame of events; those of two fields where nothing was announced."""
    return _frame_encoder.encode(frame if frame.announced else (frame.events, frame.sources))


def decode_frame(data: bytes) -> EventFrame:
    """The frame of `encode_frame`; msgspec.MsgspecError where the bytes are none."""
    return _frame_decoder.decode(data)


def encode_event(event: Arrival) -> bytes:
    """Bytes of one event, as our own processes write it to a raw topic."""
    return _event_encoder.encode(event)


def decode_event(data: bytes) -> Arrival:
    """The event of `encode_event`; msgspec.MsgspecError where the bytes are none."""
    return _event_decoder.decode(data)


_frame_encoder = msgspec.msgpack.Encoder()
_frame_decoder = msgspec.msgpack.Decoder(EventFrame)
_event_encoder = msgspec.msgpack.Encoder()
_event_decoder: msgspec.msgpack.Decoder[Arrival] = msgspec.msgpack.Decoder(Arrival)
