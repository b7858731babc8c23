"""What a change of the mask would take from what is there: events, labels, and what bad versions have shown. Pure.

Two masks are asked beside today's: `plain` is what was ordered, `wide` the same with the ripple. Each event and each
row counts once, at the first of the two that takes it. Nothing here reads a log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from streams.events import Event, Impression, Interaction, Slate, Tick, type_of
from streams.examples import ExampleFrame, Row, Shot
from streams.mask import Masking

Place = tuple[int, str, str, int]
"""What opened an example: the offset of its frame, user, request ("" for none), ts."""
_NONE: frozenset[str] = frozenset()


@dataclass
class Taken:
    """What is taken by one of the masks. `events` by type; `shut` are impressions by the label that they keep shut;
    `examples` go whole, `yes` and `no` are values by label that go, `corrections` the rows that mended them; `answers`
    are examples that stay, but lose something that was done with them."""

    events: Counter[str] = field(default_factory=Counter)
    shut: Counter[str] = field(default_factory=Counter)
    examples: int = 0
    yes: Counter[str] = field(default_factory=Counter)
    no: Counter[str] = field(default_factory=Counter)
    corrections: int = 0
    answers: set[str] = field(default_factory=set)

    def row(self, row: Row, labels: Iterable[str]) -> None:
        """Count what goes of a row."""
        if row.kind == "correction":
            self.corrections += 1
            return
        for name in labels:
            (self.yes if row.labels[name] > 0 else self.no)[name] += 1


class Affected:
    """Counts over the events of a log, then over the examples in force; partition by partition, each in any order.

    `served` counts what these versions have shown: impressions by version.

    >>> from streams.events import Shown
    >>> from streams.mask import Entry
    >>> today, plain = Masking([]), Masking([Entry("q", {0: 5}, app_version="9")])
    >>> counted = Affected(today, plain, plain, versions={3})
    >>> shown = Impression("e", 1, "ana", "r1", (Shown("tea", 0),), app_version="9", model_version=3)
    >>> counted.frame(0, 4, [shown]); counted.frame(0, 5, [shown])
    >>> dict(counted.plain.events), dict(counted.served)
    ({'impression': 1}, {3: 2})
    """

    def __init__(self, today: Masking, plain: Masking, wide: Masking, *, versions: Collection[int]) -> None:
        self._today, self._plain, self._wide = today, plain, wide
        self._versions = frozenset(versions)
        self.plain, self.ripple = Taken(), Taken()
        self.events = self.rows = 0
        """How many were looked at."""
        self.served: Counter[int] = Counter()
        self._gone: tuple[set[Place], set[Place]] = set(), set()
        self._undone: tuple[set[tuple[str, str, str]], set[tuple[str, str, str]]] = set(), set()
        self._shut: dict[Place, frozenset[str]] = {}

    def frame(self, partition: int, offset: int, events: Iterable[Event]) -> None:
        """Take a frame of events."""
        for event in events:
            if isinstance(event, Tick):
                continue
            self.events += 1
            if self._today.hides(partition, offset, event):
                continue
            version = event.model_version if isinstance(event, Impression) else None
            if version is not None and version in self._versions:
                self.served[version] += 1
            if self._plain.hides(partition, offset, event):
                self._hidden(0, offset, event)
                continue
            if self._wide.hides(partition, offset, event):
                self._hidden(1, offset, event)
            if isinstance(event, Impression | Interaction | Slate):
                self._kept_shut(partition, offset, event)

    def _hidden(self, which: int, offset: int, event: Event) -> None:
        (self.plain, self.ripple)[which].events[type_of(event)] += 1
        if isinstance(event, Impression | Slate):
            self._gone[which].add((offset, event.user_id, event.request_id, event.ts))
        elif isinstance(event, Interaction) and event.request_id is None:
            self._gone[which].add((offset, event.user_id, "", event.ts))
        elif isinstance(event, Interaction) and event.item_id is not None:
            self._undone[which].add((event.user_id, event.request_id or "", event.item_id))

    def _kept_shut(self, partition: int, offset: int, event: Impression | Interaction | Slate) -> None:
        shut = self._plain.shut(partition, offset, [event]).get(id(event), _NONE)
        fresh = shut - self._today.shut(partition, offset, [event]).get(id(event), _NONE) if shut else shut
        if not fresh or (isinstance(event, Interaction) and event.request_id is not None):
            return
        if isinstance(event, Impression):
            self.plain.shut.update(fresh)
        place = (offset, event.user_id, event.request_id or "", event.ts)
        self._shut[place] = self._shut.get(place, _NONE) | fresh

    def examples(self, frame: ExampleFrame) -> None:
        """Take a frame of examples in force, once the events that it stands on were taken."""
        for row in frame.rows:
            if row.shot < 0:
                continue
            self.rows += 1
            self._row(row, frame.shots[row.shot])

    def _row(self, row: Row, shot: Shot) -> None:
        place, left = (row.input, shot.user_id, shot.request_id, shot.ts), set(row.labels)
        first = row.kind == "organic" or (row.kind == "label" and row.first)
        if place in self._gone[0]:
            self.plain.row(row, left)
            self.plain.examples += first
            return
        shut = self._shut.get(place, _NONE) & left
        if shut:
            self.plain.row(row, shut)
            left -= shut
        if place in self._gone[1]:
            self.ripple.row(row, left)
            self.ripple.examples += first
            return
        done = (shot.user_id, shot.request_id, row.item_id)
        if done in self._undone[0]:
            self.plain.answers.add(row.example)
        elif done in self._undone[1]:
            self.ripple.answers.add(row.example)
