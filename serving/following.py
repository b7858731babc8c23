"""What people went on to want after an item: how many others, and how often the item was opened, in one partition.

A user opens an item by wanting it where they had not within the window; a click and a like of it are one opening. Each
other item that they open within the window after follows it once. Both sums fade by the time of the opening that they
are about, so that one over the other is a mean over openings, of which those of late weigh more. What follows openings
of just now is still to come: their mean is low until the window has gone by. What an item is worth by it is decided in
`scoring.py`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from serving.decay import Decay
from streams.examples import Past

OPENED, FOLLOWED = range(2)

Sums = NDArray[np.float64]
"""[items, 2]: openings, and items that followed them."""


class Following:
    """Fading openings of each item, and how many other items followed; none of it where `window` (ms) is 0.

    >>> following = Following(half_life=1_000, window=60)
    >>> following.want("tea", [], ts=0)
    >>> following.want("jam", [Past("tea", "click", 0)], ts=50)
    >>> following.want("oil", [Past("tea", "click", 0), Past("jam", "click", 50)], ts=100)
    >>> dict(zip(following.item_ids, following.read(at=0).round(2).tolist()))
    {'tea': [1.0, 1.0], 'jam': [1.04, 1.04], 'oil': [1.07, 0.0]}
    """

    def __init__(self, *, half_life: int, window: int) -> None:
        self.item_ids: list[str] = []
        self._places: dict[str, int] = {}
        self._sums = array("d")  # two an item: single additions cost a twentieth of numpy's
        self._decay = Decay(half_life)
        self._window = window

    def want(self, item_id: str, wanted_before: Iterable[Past], ts: int) -> None:
        """An item was wanted by someone who wanted others before it in the log, oldest first."""
        if not self._window:
            return
        opened = _openings(wanted_before, self._window)
        if any(name == item_id and abs(ts - at) <= self._window for name, at in opened):
            return
        self._advance(ts)
        place, own = self._place(item_id), self._decay.weight(ts)
        self._sums[place + OPENED] += own
        for name, at in opened:
            if 0 <= ts - at <= self._window:
                self._follow(name, at)
            elif 0 < at - ts <= self._window:  # what came late was followed by what was told before it
                self._sums[place + FOLLOWED] += own

    def read(self, at: int) -> Sums:
        """The sums of `item_ids`, as of `at`."""
        read: Sums = self._table() * self._decay.now(at)
        return read

    def told(self) -> tuple[list[str], int, bytes]:
        """Item ids, the origin, and the bytes of the sums, for a snapshot."""
        return self.item_ids, self._decay.origin, self._sums.tobytes()

    def take(self, item_ids: list[str], origin: int, sums: bytes) -> None:
        """What `told` gave."""
        self.item_ids = item_ids
        self._places = {item_id: 2 * number for number, item_id in enumerate(item_ids)}
        self._decay.origin = origin
        self._sums = array("d", sums)

    def _follow(self, item_id: str, opened_at: int) -> None:
        """One more item after an opening; what was opened before anything was counted here has no place."""
        place = self._places.get(item_id)
        if place is not None:
            self._sums[place + FOLLOWED] += self._decay.weight(opened_at)

    def _advance(self, ts: int) -> None:
        factor = self._decay.advance(ts)
        if factor != 1.0:
            self._table()[:] *= factor

    def _place(self, item_id: str) -> int:
        place = self._places.get(item_id)
        if place is None:
            place = self._places[item_id] = len(self._sums)
            self.item_ids.append(item_id)
            self._sums.extend((0.0, 0.0))
        return place

    def _table(self) -> Sums:
        """The sums as they lie; let go of it before the next item is taken in."""
        return np.frombuffer(self._sums, np.float64).reshape(-1, 2)


def _openings(wanted: Iterable[Past], window: int) -> list[tuple[str, int]]:
    """Items and when a user opened them; what they wanted again within the window after is the same opening.

    >>> _openings([Past("tea", "click", 0), Past("tea", "like", 5), Past("tea", "click", 90)], window=60)
    [('tea', 0), ('tea', 90)]
    """
    last: dict[str, int] = {}
    opened = []
    for past in wanted:
        if past.item_id not in last or past.ts - last[past.item_id] > window:
            last[past.item_id] = past.ts
            opened.append((past.item_id, past.ts))
    return opened
