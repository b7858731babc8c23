"""Interactions that sources announced and that came, by producer and type, since the last frame of examples.

Announcements are running totals, so each source's last ones are kept until nothing was heard of it for an hour. A
source that began before counting did, or that was forgotten, is counted from its next announcement on: what can't be
told is never taken for a loss. Who reads the counts, and whether a loss matters, is known elsewhere.
"""

from __future__ import annotations

import msgspec

from streams.events import INTERACTIONS, Announcement
from streams.examples import Counted
from streams.join_head import Head
from streams.join_keys import SOURCE, SOURCE_AT, short_id, time_key, time_of
from streams.join_state import JoinState

KEPT_MS = 3_600_000
"""How long after its last announcement a source is known."""
ROUND_MS = 60_000
"""A source is put in its place in time once in so long, not at each announcement."""
MOST_KINDS = 500
OTHERS = "(others)"

_Told = tuple[int, dict[str, int]]
"""When a source was heard last, rounded, and its highest totals."""


class Counters:
    """The counts of one partition, over its state.

    >>> from streams.join_state import MemoryStore
    >>> head = Head(counting=100)
    >>> counters = Counters(JoinState(MemoryStore()), head)
    >>> for total in (2, 5, 5, 3):
    ...     counters.announced(Announcement("a", 9, "page-1", since=150, totals={"click": total}, producer="web"))
    >>> counters.announced(Announcement("b", 9, "page-0", since=50, totals={"click": 900}, producer="web"))
    >>> counters.came("web", "click")
    >>> counters.take(), counters.take()
    ((Counted(producer='web', type='click', announced=5, delivered=1),), ())
    """

    def __init__(self, state: JoinState, head: Head) -> None:
        self._state, self._head = state, head

    def came(self, producer: str, type: str) -> None:
        """Count an interaction that came."""
        self._count(producer, type)[1] += 1

    def announced(self, told: Announcement) -> None:
        """Count what a source says that it has made since it was heard last."""
        name = short_id(told.producer, told.source)
        before = self._state.get(SOURCE + name)
        heard, totals = (-1, self._unheard(told)) if before is None else _decode(before)
        for type, total in told.totals.items():
            if type in INTERACTIONS and total > totals.get(type, 0):
                self._count(told.producer, type)[0] += total - totals.get(type, 0)
        highest = {type: max(total, totals.get(type, 0)) for type, total in (totals | told.totals).items()}
        now = max(heard, self._head.watermark // ROUND_MS * ROUND_MS)
        if now != heard:
            self._state.put(SOURCE_AT + time_key(now) + name, b"")
        self._state.put(SOURCE + name, _encode((now, highest)))

    def take(self) -> tuple[Counted, ...]:
        """All counts since this was last asked for."""
        if not self._head.counted:
            return ()
        told, self._head.counted = self._head.counted, {}
        return tuple(
            Counted(producer, type, *counts)
            for producer, types in sorted(told.items())
            for type, counts in sorted(types.items())
        )

    def expire(self, marker: bytes) -> None:
        """Forget the source behind a SOURCE_AT key, unless it was heard since."""
        name = SOURCE + marker[7:]
        told = self._state.get(name)
        if told is not None and _decode(told)[0] == time_of(marker):
            self._state.delete(name)

    def _unheard(self, told: Announcement) -> dict[str, int]:
        """What a source that is not known had made before it counts: nothing, if it began lately enough."""
        head = self._head
        late = head.counting < 0 or told.since < max(head.counting, head.purged - KEPT_MS)
        return dict(told.totals) if late else {}

    def _count(self, producer: str, type: str) -> list[int]:
        counted = self._head.counted
        if producer not in counted and len(counted) >= MOST_KINDS:
            producer = OTHERS
        return counted.setdefault(producer, {}).setdefault(type, [0, 0])


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(_Told).decode
