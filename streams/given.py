"""What one frame of events gave: rows, and once each the circumstances and attributes that they point to.

Rows come in their final order and get their sequence here. Circumstances and attributes are bytes from the state to the
frame: nobody on the way looks into them. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from streams.examples import Attributes, Counted, ExampleFrame, Row, Shot
from streams.known_items import UNKNOWN


class _Told(Struct, frozen=True, array_like=True, gc=False):
    """An `ExampleFrame` whose circumstances and attributes are encoded already; the bytes of both are the same."""

    lineage: str
    input: int
    prev: int
    watermark: int
    config: str
    rows: tuple[Row, ...]
    shots: tuple[Raw, ...]
    attributes: tuple[Raw, ...]
    counted: tuple[Counted, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """A frame of examples but for what its host knows: lineage, input and config.

    >>> frame = ExampleFrame("", 3, -1, 9, "c", (Row(0, 5, "label", "e", shot=0),), (Shot("ana", 1),))
    >>> Given.of(frame).frame("", 3, "c") == frame, Given.of(frame).encoded("", 3, "c") == encode(frame)
    (True, True)
    """

    prev: int
    watermark: int
    rows: tuple[Row, ...]
    told_shots: tuple[bytes, ...]
    told_attributes: tuple[bytes, ...]
    counted: tuple[Counted, ...] = ()

    @classmethod
    def of(cls, frame: ExampleFrame) -> Given:
        """What a joiner must have given for this frame."""
        shots, attributes = tuple(map(encode, frame.shots)), tuple(map(encode, frame.attributes))
        return cls(frame.prev, frame.watermark, frame.rows, shots, attributes, frame.counted)

    @property
    def shots(self) -> tuple[Shot, ...]:
        return tuple(map(decode_shot, self.told_shots))

    @property
    def attributes(self) -> tuple[Attributes, ...]:
        return tuple(map(_attributes, self.told_attributes))

    def frame(self, lineage: str, input_offset: int, config: str) -> ExampleFrame:
        return ExampleFrame(
            lineage,
            input_offset,
            self.prev,
            self.watermark,
            config,
            self.rows,
            self.shots,
            self.attributes,
            self.counted,
        )

    def encoded(self, lineage: str, input_offset: int, config: str) -> bytes:
        """The bytes of `frame`."""
        shots, attributes = tuple(map(Raw, self.told_shots)), tuple(map(Raw, self.told_attributes))
        told = lineage, input_offset, self.prev, self.watermark, config, self.rows, shots, attributes, self.counted
        return encode(_Told(*told))


class Gathering:
    """Rows of one frame in the making.

    >>> gathering = Gathering()
    >>> [gathering.shot(b"k", Shot("ana", 5)), gathering.shot(b"k", Shot("ana", 5)), gathering.shot_index(b"k")]
    [0, 0, 0]
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.shots: list[bytes] = []
        self.attributes: list[bytes] = []
        self._shot_at: dict[bytes, int] = {}
        self._attributes_at: dict[bytes, int] = {UNKNOWN: -1}

    def add(self, row: Row) -> None:
        self.rows.append(row)

    def shot_index(self, name: bytes) -> int | None:
        """Where the shot of this name stands, if it does."""
        return self._shot_at.get(name)

    def shot(self, name: bytes, shot: Shot) -> int:
        index = self._shot_at.get(name)
        return self.told_shot(name, encode(shot)) if index is None else index

    def told_shot(self, name: bytes, told: bytes) -> int:
        """A shot that is encoded already."""
        index = self._shot_at.get(name)
        if index is None:
            index = self._shot_at[name] = len(self.shots)
            self.shots.append(told)
        return index

    def places(self, references: Iterable[bytes], told_by: Callable[[bytes], bytes]) -> list[int]:
        """Where the attributes of references stand; those that do not yet are put there, encoded."""
        at, found = self._attributes_at, []
        for reference in references:
            place = at.get(reference)
            if place is None:
                place = at[reference] = len(self.attributes)
                self.attributes.append(told_by(reference))
            found.append(place)
        return found


def resolved(frames: Iterable[ExampleFrame]) -> list[tuple[Row, Shot | None, Attributes | None]]:
    """The rows of frames with what they point to, without what depends on framing: for comparisons.

    >>> frame = ExampleFrame("", 3, -1, 9, "c", (Row(0, 5, "label", "e", shot=0, input=2),), (Shot("ana", 1),))
    >>> [(row.shot, row.input, shot.user_id) for row, shot, _ in resolved([frame])]
    [(-1, -1, 'ana')]
    """
    return [
        (
            replace(row, shot=-1, attributes=-1, input=-1),
            frame.shots[row.shot] if row.shot >= 0 else None,
            frame.attributes[row.attributes] if row.attributes >= 0 else None,
        )
        for frame in frames
        for row in frame.rows
    ]


encode = msgspec.msgpack.Encoder(order="deterministic").encode
"""As everything in a frame of examples is encoded."""
decode_shot = msgspec.msgpack.Decoder(Shot).decode
_attributes = lru_cache(1 << 13)(msgspec.msgpack.Decoder(Attributes).decode)
