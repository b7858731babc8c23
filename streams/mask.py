"""Which events no fold may see, which settings each fold works with, and what a change of either reaches.

An entry is a pure predicate over an event's own fields and the offset of its frame. Positions are part of the
predicate: below `start[p]` an entry touches nothing, by construction. Ticks and deletes of users are never masked.
Settings are texts that hold from an offset on; what they mean is for each fold to say. What holds at a moment is a
fold of the decisions (`decisions.py`); nothing here reads a log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from streams.events import Arrival, Item, Sent, Tick, User
from streams.positions import Positions

Seen = TypeVar("Seen", bound=Arrival)
Edge = tuple[int, bytes]
"""Where an entry begins or ends to hold, or settings begin, in one partition: (offset, what is said)."""
Shut = Mapping[int, frozenset[str]]
"""By `id(event)`, the labels that an event which opens some must leave shut."""


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
    labels: tuple[str, ...] | UnsetType = UNSET
    """Left out where there are none, so that lines and lineages of logs from before they existed stay as they are."""

    def covers(self, partition: int, offset: int, event: Arrival, versions: frozenset[int] | None = None) -> bool:
        """Whether the event at this frame offset is meant. `versions`: the model versions, where at hand as a set.

        >>> from streams.events import Interaction
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
        if self.model_versions is not None:
            wanted = self.model_versions if versions is None else versions
            if getattr(event, "model_version", None) not in wanted:
                return False
        return (self.t0 is None or event.ts >= self.t0) and self._matches(event)

    def _reaches(self, partition: int, offset: int, ts: int) -> bool:
        ended = self.stop is not None and offset >= self.stop.get(partition, 0)
        return not ended or (self.t1 is not None and ts < self.t1)

    def _matches(self, event: Sent) -> bool:
        for wanted, name in (
            (self.producer, "producer"),
            (self.app_version, "app_version"),
            (self.surface, "surface"),
        ):
            if wanted is not None and getattr(event, name, None) != wanted:
                return False
        return True

    def edges(self, partition: int) -> tuple[Edge, ...]:
        """The offsets of this partition at which the entry, were it alone, changes what is masked."""
        return tuple(_edges_of([self.span(partition)]))

    def span(self, partition: int) -> tuple[Edge, int | None, int | None]:
        """Where the entry begins and what it hides from there on; where it ends, and before which ts it goes on."""
        with_items = not self.labels and self.t0 is not None and (self.stop is None or self.t1 is not None)
        opened = msgspec.structs.replace(self, id="", start={}, stop=None, t1=None)
        begin = (self.start.get(partition, 0), _told((opened, with_items)))
        return begin, None if self.stop is None else self.stop.get(partition, 0), self.t1


class Configured(Struct, frozen=True):
    """Settings of all folds, by the fold's name, for frames at `start[p]` or later."""

    start: Positions
    settings: dict[str, str]


class Masking:
    """A mask and the settings beside it, asked event by event.

    The first of `configured` is the base: it holds from the begin, whatever its `start` says. At one offset the last
    one that has begun there holds.

    >>> from streams.events import Interaction
    >>> base, longer = Configured({}, {"join": "5s"}), Configured({0: 7}, {"join": "9s"})
    >>> mask = Masking((), (base, longer))
    >>> [mask.settings("join", 0, offset) for offset in (6, 7)], mask.settings("serve", 0, 7)
    (['5s', '9s'], None)
    >>> mask.lineage(0, 6), mask.lineage(0, 7) != "", mask.hides(0, 7, Interaction("e", 1, "ana", "click"))
    ('', True, False)
    """

    def __init__(self, entries: Iterable[Entry], configured: tuple[Configured, ...] = ()) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.id))
        self.configured = configured
        asked = [(e, None if e.model_versions is None else frozenset(e.model_versions)) for e in self.entries]
        self._hiding = [(entry, versions) for entry, versions in asked if not entry.labels]
        self._shutting = [(entry, versions) for entry, versions in asked if entry.labels]
        self._edges: dict[int, frozenset[Edge]] = {}

    def changed(self, add: Iterable[Entry] = (), remove: Iterable[str] = ()) -> Masking:
        """The mask with entries gone and others added; an id that is there already is replaced."""
        gone = frozenset(remove)
        kept = {entry.id: entry for entry in self.entries if entry.id not in gone}
        return Masking((kept | {entry.id: entry for entry in add}).values(), self.configured)

    def configured_by(self, start: Positions, settings: dict[str, str]) -> Masking:
        """The mask with settings that hold from `start` on; itself where they say what is said already."""
        if not self.configured:
            return Masking(self.entries, (Configured({}, settings),))
        newest = self.configured[-1].settings
        if newest | settings == newest:
            return self
        return Masking(self.entries, (*self.configured, Configured(start, newest | settings)))

    def hides(self, partition: int, offset: int, event: Arrival) -> bool:
        """Whether no fold may see the event at this frame offset."""
        return any(entry.covers(partition, offset, event, versions) for entry, versions in self._hiding)

    def visible(self, partition: int, offset: int, events: Iterable[Seen]) -> list[Seen]:
        """The events of a frame that a fold may see, in order."""
        if not self._hiding:
            return list(events)
        return [event for event in events if not self.hides(partition, offset, event)]

    def shut(self, partition: int, offset: int, events: Iterable[Arrival]) -> Shut:
        """Which labels those of these events that open some must leave shut; who is not there, none.

        >>> from streams.events import Impression, Shown
        >>> shown = Impression("e", 1, "ana", "r1", (Shown("tea", 0),), surface="mail")
        >>> mask = Masking([Entry("q1", start={0: 5}, surface="mail", labels=("buy",))])
        >>> mask.shut(0, 5, [shown]) == {id(shown): frozenset({"buy"})}, mask.shut(0, 4, [shown])
        (True, {})
        >>> mask.hides(0, 5, shown)
        False
        """
        found: dict[int, frozenset[str]] = {}
        for event in events if self._shutting else ():
            for entry, versions in self._shutting:
                if entry.covers(partition, offset, event, versions):
                    found[id(event)] = found.get(id(event), frozenset()).union(entry.labels or ())
        return found

    def settings(self, fold: str, partition: int, offset: int) -> str | None:
        """What one fold works with at an offset; None where nobody said."""
        for one in reversed(self.configured[1:]):
            if one.start.get(partition, 0) <= offset:
                return one.settings.get(fold)
        return self.configured[0].settings.get(fold) if self.configured else None

    def settings_of(self, fold: str) -> tuple[tuple[Positions | None, str], ...]:
        """All that one fold is told, in order: from where on (None: the begin), and what; no text twice in a row."""
        told: list[tuple[Positions | None, str]] = []
        for n, one in enumerate(self.configured):
            text = one.settings.get(fold)
            if text is not None and (not told or told[-1][1] != text):
                told.append((one.start if n else None, text))
        return tuple(told)

    def next_change(self, partition: int, offset: int) -> int | None:
        """The first offset above this one from which on settings may be others; None where there is none."""
        starts = (one.start.get(partition, 0) for one in self.configured[1:])
        return min((start for start in starts if start > offset), default=None)

    def edges(self, partition: int) -> frozenset[Edge]:
        """The offsets of this partition at which what folds compute changes."""
        known = self._edges.get(partition)
        if known is None:
            known = self._edges[partition] = self._edges_in(partition)
        return known

    def _edges_in(self, partition: int) -> frozenset[Edge]:
        masked = _edges_of(entry.span(partition) for entry in self.entries)
        # numbered, since going back to older settings at the same offset is a change of its own
        told = ((one.start.get(partition, 0), _told((n, one.settings))) for n, one in enumerate(self.configured))
        return frozenset([*masked, *list(told)[1:]])

    def lineage(self, partition: int, offset: int) -> str:
        """Digest of what was changed at or before this offset; empty where nothing was (folds, section 3)."""
        reaching = sorted(edge for edge in self.edges(partition) if edge[0] <= offset)
        return hashlib.sha256(_told(reaching)).hexdigest()[:16] if reaching else ""


def _edges_of(spans: Iterable[tuple[Edge, int | None, int | None]]) -> Iterator[Edge]:
    """Entries that begin alike hide what the one that goes on longest hides: together they are one, or the end of a
    shorter one would pass for an end, and a longer one beside it for no change."""
    alike: dict[Edge, list[tuple[int | None, int | None]]] = {}
    for begin, stop, t1 in spans:
        alike.setdefault(begin, []).append((stop, t1))
    for begin, ends in alike.items():
        yield begin
        stops = [stop for stop, _ in ends if stop is not None]
        if len(stops) == len(ends):
            yield max(begin[0], *stops), _told((begin, max((t1 for _, t1 in ends if t1 is not None), default=None)))


def equal_below(left: Masking, right: Masking, positions: Positions) -> bool:
    """Whether two masks, and the settings beside them, agree below `positions`: the one test of validity.

    >>> bad = Masking([Entry("q", start={0: 5})])
    >>> equal_below(Masking([]), bad, {0: 5}), equal_below(Masking([]), bad, {0: 6})
    (True, False)
    """
    return left is right or all(
        offset <= edge[0]
        for p, offset in positions.items()
        for edge in left.edges(p).symmetric_difference(right.edges(p))
    )


_told = msgspec.msgpack.Encoder(order="deterministic").encode
