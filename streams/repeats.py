"""Which events came before: sequencers write at least once, so whoever counts drops repeats, all by this one class.

Memory is bounded by event time: an id is forgotten when its event is `horizon` behind the watermark, and an event
that old is refused, since nobody could tell it from a repeat. Nothing here knows what an event is.
"""

from __future__ import annotations

from typing import Literal, Protocol

from streams.join_keys import SEEN, SEEN_AT, short_id, time_key

Standing = Literal["fresh", "repeat", "too_late"]


class Memory(Protocol):
    """Where seen ids are kept: a `JoinState`, or what has its verbs."""

    def get(self, key: bytes) -> bytes | None: ...
    def put(self, key: bytes, value: bytes) -> None: ...
    def delete(self, key: bytes) -> None: ...


class Repeats:
    """Tells each event once.

    >>> from streams.join_state import JoinState, MemoryStore
    >>> repeats = Repeats(JoinState(MemoryStore()), horizon=100)
    >>> [repeats.standing("e1", ts=50, watermark=w) for w in (0, 60)], repeats.standing("e2", ts=50, watermark=150)
    (['fresh', 'repeat'], 'too_late')
    """

    def __init__(self, memory: Memory, *, horizon: int) -> None:
        self._memory = memory
        self._horizon = horizon

    def standing(self, event_id: str, *, ts: int, watermark: int) -> Standing:
        """What an event is; a fresh one is remembered."""
        if ts + self._horizon <= watermark:
            return "too_late"
        name = short_id(event_id)
        before = self._memory.get(SEEN + name)
        if before is not None:
            if int.from_bytes(before, "big") + self._horizon > watermark:
                return "repeat"
            self._memory.delete(SEEN_AT + before + name)  # each id has one key in time: that of its newest event
        at = time_key(ts)
        self._memory.put(SEEN + name, at)
        self._memory.put(SEEN_AT + at + name, b"")
        return "fresh"

    def expire(self, marker: bytes) -> None:
        """The id behind a SEEN_AT key is too old to come again."""
        self._memory.delete(SEEN + marker[7:])
