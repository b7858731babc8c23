"""How many events sources announced and how many came, by producer and type: the difference is what got lost.

A pure fold over what stands in `events`: feed it `EventFrame.in_order()`, unmasked, since what is masked did come. It
bounds its memory, and where it must forget, it counts too little as announced: it never makes up a loss. Repeats of an
event are for the caller to drop. Whether a loss matters is for the guard to say.
"""

from __future__ import annotations

from streams.events import Announcement, Arrival, Tick, type_of

MOST_KINDS = 500
MOST_SOURCES = 100_000
OTHERS = "(others)"

Kind = tuple[str, str]
"""Producer, and type of event."""


class Deliveries:
    """What was counted since the fold began. A source that began earlier is counted from its first announcement on.

    >>> deliveries = Deliveries(since=100)
    >>> for total in (2, 5, 5, 3):
    ...     deliveries.feed(Announcement("a", 9, "page-1", since=150, totals={"click": total}, producer="web"))
    >>> deliveries.feed(Announcement("b", 9, "page-0", since=50, totals={"click": 900}, producer="web"))
    >>> deliveries.announced, deliveries.delivered
    ({('web', 'click'): 5}, {})
    """

    def __init__(self, *, since: int, most_sources: int = MOST_SOURCES, most_kinds: int = MOST_KINDS) -> None:
        self._since = since
        self._most_sources, self._most_kinds = most_sources, most_kinds
        self._totals: dict[tuple[str, str], tuple[int, dict[str, int]]] = {}
        """By producer and source when it began, and its last totals; those heard last stand last."""
        self.announced: dict[Kind, int] = {}
        self.delivered: dict[Kind, int] = {}

    def feed(self, event: Arrival) -> None:
        """Count an event, or what is announced."""
        if isinstance(event, Announcement):
            self._announced(event)
        elif not isinstance(event, Tick):
            self._add(self.delivered, (event.producer, type_of(event)), 1)

    def _announced(self, told: Announcement) -> None:
        source = told.producer, told.source
        since, totals = self._totals.pop(source, (told.since, None if told.since < self._since else {}))
        if totals is None:
            totals = told.totals
        for name, total in told.totals.items():
            if total > totals.get(name, 0):
                self._add(self.announced, (told.producer, name), total - totals.get(name, 0))
        merged = {name: max(total, totals.get(name, 0)) for name, total in (totals | told.totals).items()}
        self._totals[source] = since, merged
        if len(self._totals) > self._most_sources:
            since, _ = self._totals.pop(next(iter(self._totals)))
            self._since = max(self._since, since + 1)

    def _add(self, counts: dict[Kind, int], kind: Kind, count: int) -> None:
        if kind not in self.delivered and kind not in self.announced and self._full():
            kind = OTHERS, kind[1]
        counts[kind] = counts.get(kind, 0) + count

    def _full(self) -> bool:
        return max(len(self.delivered), len(self.announced)) >= self._most_kinds
