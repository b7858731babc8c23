"""The few numbers of a joiner's state that every event may change; they go back with it on a rewind."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from streams.join_keys import META
from streams.join_state import JoinState

_KEY = META + b"head"


class Head(Struct):
    """`watermark`: up to it time has passed; `said`: the watermark of the last frame; `last`: that frame's input.

    `sequence` counts rows; `since`: what is older can't matter any more, `purged`: and is gone below here;
    `slates_until`: from then on no slate holds; `first_shown`: when the first impression of "label/surface" was shown;
    `counts`: events and rows by cause. `counting`: since when (ts) interactions are counted against what sources
    announce, -1 where nothing came yet; `counted`: by producer and type what was announced, and what came, since the
    last frame.
    """

    watermark: int = 0
    sequence: int = 0
    said: int = 0
    last: int = -1
    since: int = 0
    purged: int = 0
    slates_until: int = 0
    first_shown: dict[str, int] = {}
    counts: dict[str, int] = {}
    counting: int = -1
    counted: dict[str, dict[str, list[int]]] = {}

    def count(self, cause: str, times: int = 1) -> None:
        """
        >>> head = Head(); head.count("orphans"); head.count("orphans", 2); head.counts
        {'orphans': 3}
        """
        if times:
            self.counts[cause] = self.counts.get(cause, 0) + times


def load(state: JoinState) -> Head:
    """The head of a state; that of time's beginning where there is none."""
    told = state.get(_KEY)
    return Head() if told is None else _decode(told)


def save(state: JoinState, head: Head) -> None:
    state.put(_KEY, _encode(head))


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Head).decode
