"""How the sequencer buries: each letter once, also those that it buried before it died.

A letter that is buried but whose record is in no frame yet will be made again; its origin says that it is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from streams.dead_letters import DeadLetters
from streams.sequencing import Closed, Lane


class Burial:
    """Buries letters once, also those that were buried before a sequencer died or gave a lane away."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters
        self._known: Mapping[int, Lane] = {}
        self._done: set[str] = set()

    def know(self, lanes: Mapping[int, Lane]) -> None:
        """These lanes bury here from now on; what was buried of a new one is looked up."""
        fresh = {p: lane for p, lane in lanes.items() if self._known.get(p) is not lane}
        self._known, since = lanes, 0
        while fresh and (found := self._letters.list(since=since)):
            since = found[-1][0] + 1
            self._done.update(letter.origin for _, letter in found if _is_ahead(letter.origin, fresh))

    def bury(self, closed: Closed) -> None:
        self._letters.bury([letter for letter in closed.letters if letter.origin not in self._done])


def _is_ahead(origin: str, lanes: Mapping[int, Lane]) -> bool:
    """Whether the letter was a record of one of these lanes that is in no frame yet."""
    place = _ORIGIN.fullmatch(origin)
    lane = lanes.get(int(place[2])) if place else None
    if place is None or lane is None:
        return False
    return int(place[3]) >= lane.positions.get(place[1], {}).get(int(place[2]), 0)


_ORIGIN = re.compile(r"(\w+)\[(\d+)\]@(\d+)")
