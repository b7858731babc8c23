"""The raw topics as one lane of the sequencer reads them: in the right order, and never more than fits into memory.

A log may show news of other writers a moment late, but what `end` has told is there to be read. So where it matters
that nothing is missed - the slates of impressions that were just read, and everything before a tick - the end is asked
first.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.events import RawTopic
from streams.hearing import Place
from streams.log import Log
from streams.sequencing import Lane

READ_BYTES = 1 << 20
"""About what one source may hold in memory, and what may be read of it at once."""
FIRST_READ = 256
REFERRING = ("impressions", "interactions")


class Appetite:
    """How many records to read at once: few at first, then as many as fit into the bytes, by the size of the last.

    >>> appetite = Appetite(1_000, 1 << 20)
    >>> appetite.limit
    256
    >>> appetite.ate(256, 256 * 300); appetite.limit
    1000
    >>> appetite.ate(1_000, 1_000 * 65_536); appetite.limit
    16
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.limit = min(most, FIRST_READ)
        self._most, self._bytes = most, most_bytes

    def ate(self, records: int, size: int) -> None:
        """Learn from what a read gave."""
        if records:
            fitting = self._bytes * records // max(size, 1)
            self.limit = max(1, min(self._most, 4 * self.limit, fitting))


class Sources:
    """What a lane reads from."""

    def __init__(self, lane: Lane, raw: Mapping[RawTopic, Log], *, read_limit: int) -> None:
        self._lane = lane
        self._raw = raw
        self._ends: dict[Place, int] = {}
        self._appetites = {place: Appetite(read_limit, READ_BYTES) for place in lane.places}

    def read(self) -> None:
        """Offer the lane what is new, as far as there is room for it: who refers to slates first, then the slates."""
        referred = False
        for place in self._lane.places:
            if place.topic == "slates" and referred:
                self._ask_end(place)
            referred |= self._read(place) and place.topic in REFERRING

    def at_ends(self) -> bool:
        """Whether the lane holds nothing and there was nothing more to read at the moment of the call."""
        for place in self._lane.places:
            self._ask_end(place)
            self._read(place)
        return self._lane.caught_up and not self._lane.waiting

    def missing(self) -> Mapping[Place, tuple[int, int]]:
        """The sources that end before the place where the lane goes on: (where it goes on, where they end)."""
        for place in self._lane.places:
            self._ask_end(place)
        return {
            place: (self._lane.since(place), end) for place, end in self._ends.items() if self._lane.since(place) > end
        }

    def _ask_end(self, place: Place) -> None:
        self._ends[place] = self._raw[place.topic].end(place.partition)

    def _read(self, place: Place) -> bool:
        lane, appetite = self._lane, self._appetites[place]
        limit = appetite.limit
        if lane.waiting_of(place) >= limit:
            return False
        records = self._raw[place.topic].read(place.partition, lane.since(place), limit)
        appetite.ate(len(records), sum(len(record.value) for record in records))
        known = self._ends.get(place, 0)
        lane.offer(place, records, more=bool(records) and (len(records) == limit or records[-1].offset + 1 < known))
        return bool(records)
