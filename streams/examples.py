"""Examples: what the joiner decided, in frames, and the digest of what is in force.

A frame of examples answers one frame of events. Its identity is (partition, lineage, input): the same identity holds
the same bytes, so zombies and repeats do no harm. Contexts and item attributes stand once per frame; rows point to
them. Nothing here decides a label.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from streams.events import Context

RowKind = Literal["label", "correction", "item", "forget", "organic"]


class Past(Struct, frozen=True, array_like=True, gc=False):
    """One interaction of a user's history."""

    item_id: str
    type: str
    ts: int


class Attributes(Struct, frozen=True, array_like=True, gc=False):
    """An item as it was when it was shown; `ts` is that of the upsert, `deleted` its tombstone."""

    item_id: str
    ts: int = 0
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author: str | None = None
    text: str | None = None
    vector: tuple[float, ...] | None = None
    available_from: int | None = None
    available_until: int | None = None
    deleted: bool = False
    attributes: Context = {}


class Shot(Struct, frozen=True, array_like=True, gc=False):
    """The circumstances of one impression (or of one organic interaction), once for all of its rows in a frame.

    `history` is the user's interactions before it in the log with ts <= its own, oldest first. `scores` and
    `propensities` are those of its slate by item id, where the slate arrived in time.
    """

    user_id: str
    ts: int
    request_id: str = ""
    surface: str = ""
    context: Context = {}
    history: tuple[Past, ...] = ()
    model_version: int | None = None
    query_item_id: str | None = None
    query_text: str | None = None
    producer: str = ""
    app_version: str = ""
    scores: dict[str, float] = {}
    propensities: dict[str, float] = {}


class Row(Struct, frozen=True, array_like=True, gc=False):
    """One decision of the joiner.

    `labels` maps the labels that this row decides to their values (so its keys are the label mask); `weight` is 0
    for a fast positive before the first window has gone round. `shot` and `attributes` are indices into the frame,
    -1 for none. `example` is the example id (hex), the user id in a `forget` row, the item id in an `item` row.
    `input` is the offset in events of the impression: provenance, never in a digest.
    """

    sequence: int
    decided_at: int
    kind: RowKind
    example: str
    labels: dict[str, float] = {}
    weight: float = 1.0
    item_id: str = ""
    position: int = 0
    shot: int = -1
    attributes: int = -1
    first: bool = False
    """Whether this row decides the first label of its example: a view is counted once, here."""
    input: int = -1


class Counted(Struct, frozen=True, array_like=True, gc=False):
    """Interactions of one type that a producer's sources announced, and that came, since the frame before."""

    producer: str
    type: str
    announced: int
    delivered: int


class ExampleFrame(Struct, frozen=True, array_like=True, gc=False):
    """What one frame of events, at offset `input`, gave. `prev` is the input of the frame before it in this fold
    (-1 for none), `watermark` the joiner's after `input`, `config` the digest of what the fold was made with."""

    lineage: str
    input: int
    prev: int
    watermark: int
    config: str
    rows: tuple[Row, ...] = ()
    shots: tuple[Shot, ...] = ()
    attributes: tuple[Attributes, ...] = ()
    counted: tuple[Counted, ...] = ()


def encode(frame: ExampleFrame) -> bytes:
    """Bytes of a frame, the same for equal frames."""
    return _encoder.encode(frame)


def decode(data: bytes) -> ExampleFrame:
    """The frame of `encode`; msgspec.MsgspecError where the bytes are none."""
    return _decoder.decode(data)


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(ExampleFrame)
