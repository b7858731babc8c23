"""Which events no fold may see, and what a change of that reaches.

An entry is a pure predicate over an event's own fields and the offset of its frame. Positions are part of the
predicate: below `start[p]` an entry touches nothing, by construction. Ticks and deletes of users are never masked.
What a mask is at a moment is a fold of the decisions (`decisions.py`); nothing here reads a log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from streams.events import Event, Impression, Interaction, Item, Slate, Tick, User
from streams.positions import Positions

Edge = tuple[int, bytes]
"""Where an entry begins or ends to hold in one partition: (offset, what it says)."""


class Entry(Struct, frozen=True):
    """One line of the mask.

    Holds for frames at `start[p]` or later and, where `stop` is given, for those at `stop[p]` or later only if the
    event's ts is before `t1`. `t0` and `t1` bound the event's ts (ms); the other fields, where given, must be equal.
    """

    id: str
    start: Positions
    stop: Positions | None = None
    t0: int | None = None
    t1: int | None = None
    producer: str | None = None
    app_version: str | None = None
    surface: str | None = None
    model_versions: tuple[int, ...] | None = None

    def covers(self, partition: int, offset: int, event: Event) -> bool:
        """Whether the event at this frame offset is masked.

        >>> entry = Entry("q1", start={0: 5}, app_version="9")
        >>> click = Interaction("e", 1, "ana", "click", app_version="9")
        >>> entry.covers(0, 4, click), entry.covers(0, 5, click), entry.covers(0, 5, Tick(1))
        (False, True, False)
        """
        if isinstance(event, Tick) or (isinstance(event, User) and event.deleted):
            return False
        if offset < self.start.get(partition, 0) or not self._reaches(partition, offset, event.ts):
            return False
        if isinstance(event, Item) and (self.t0 is None or (self.stop is not None and self.t1 is None)):
            return False  # copies stand in every partition: only times mask them alike
        return (self.t0 is None or event.ts >= self.t0) and self._matches(event)

    def _reaches(self, partition: int, offset: int, ts: int) -> bool:
        ended = self.stop is not None and offset >= self.stop.get(partition, 0)
        return not ended or (self.t1 is not None and ts < self.t1)

    def _matches(self, event: Slate | Impression | Interaction | Item | User) -> bool:
        for wanted, name in (
            (self.producer, "producer"),
            (self.app_version, "app_version"),
            (self.surface, "surface"),
        ):
            if wanted is not None and getattr(event, name, None) != wanted:
                return False
        return self.model_versions is None or getattr(event, "model_version", None) in self.model_versions

    def edges(self, partition: int) -> tuple[Edge, ...]:
        """The offsets of this partition at which the entry changes what is masked."""
        opened = msgspec.structs.replace(self, id="", start={}, stop=None, t1=None)
        begin = (self.start.get(partition, 0), _told(opened))
        if self.stop is None:
            return (begin,)
        return (begin, (self.stop.get(partition, 0), _told(msgspec.structs.replace(self, id="", start={}, stop={}))))


class Masking:
    """A mask, asked event by event.

    >>> Masking(()).hides(0, 0, Interaction("e", 1, "ana", "click"))
    False
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.id))

    def hides(self, partition: int, offset: int, event: Event) -> bool:
        return any(entry.covers(partition, offset, event) for entry in self.entries)

    def visible(self, partition: int, offset: int, events: Iterable[Event]) -> list[Event]:
        """The events of a frame that a fold may see, in order."""
        if not self.entries:
            return list(events)
        return [event for event in events if not self.hides(partition, offset, event)]

    def edges(self, partition: int) -> frozenset[Edge]:
        return frozenset(edge for entry in self.entries for edge in entry.edges(partition))

    def lineage(self, partition: int, offset: int) -> str:
        """Digest of the part of the mask that can reach this offset; empty where nothing can (folds, section 3)."""
        reaching = sorted(edge for edge in self.edges(partition) if edge[0] <= offset)
        return hashlib.sha256(_told(reaching)).hexdigest()[:16] if reaching else ""


def equal_below(left: Masking, right: Masking, positions: Positions) -> bool:
    """Whether two masks agree about everything before `positions`: the one test of validity.

    >>> bad = Masking([Entry("q", start={0: 5})])
    >>> equal_below(Masking([]), bad, {0: 5}), equal_below(Masking([]), bad, {0: 6})
    (True, False)
    """
    return all(
        offset <= edge[0]
        for p, offset in positions.items()
        for edge in left.edges(p).symmetric_difference(right.edges(p))
    )


_told = msgspec.msgpack.Encoder(order="deterministic").encode
