"""Where a joiner stands: what it says of itself in its state, and how far its examples reach already.

Written in the same step as the state it speaks of. Nothing here feeds a fold.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from streams.errors import LogError
from streams.in_force import InForce
from streams.join_keys import FORMAT, META
from streams.join_state import Changes, JoinStore
from streams.log import Log

_KEY = META + b"standing" + bytes([FORMAT])
RECENT = 1_000
"""Frames of examples that are looked at first for the last one in force."""


class Standing(Struct):
    """`next`: the next offset to read in events; `decisions`: the lines adopted; `config`: the digest of the rules;
    `floor`: up to this input, readers have the frames in force already, so they are not sent again."""

    next: int
    decisions: int
    config: str
    floor: int = -1


class _Header(Struct, array_like=True):
    """How a frame of examples begins; decoding stops there."""

    lineage: str
    input: int


def changes_of(standing: Standing) -> Changes:
    """What to write to stand so."""
    return [(_KEY, msgspec.msgpack.encode(standing))]


def standing_of(store: JoinStore) -> Standing:
    """Where the state in this store stands; LogError where it does not say."""
    told = store.get(_KEY)
    if told is None:
        raise LogError(
            "the join state does not say where it stands: another version made it. Remove its folder to feed it anew."
        )
    return _decode(told)


def floor_of(examples: Log, rule: InForce) -> int:
    """The input of a late frame in force that the topic holds; -1 for none. `rule` tells the lineages in force.

    Readers accept inputs in rising order only, so what they accepted last is the largest of a lineage in force. It is
    looked for from the end back, so after frames that came again it may be a little less, which costs some repeats.
    """
    begin, end, span = examples.begin(rule.partition), examples.end(rule.partition), RECENT
    while True:
        since = max(end - span, begin)
        floor = _largest(examples, rule, since)
        if floor >= 0 or since == begin:
            return floor
        span *= 8


def _largest(examples: Log, rule: InForce, since: int) -> int:
    floor = -1
    while records := examples.read(rule.partition, since):
        for record in records:
            header = _decode_header(record.value)
            if header.input > floor and header.lineage == rule.lineage(header.input):
                floor = header.input
        since = records[-1].offset + 1
    return floor


_decode = msgspec.msgpack.Decoder(Standing).decode
_decode_header = msgspec.msgpack.Decoder(_Header).decode
