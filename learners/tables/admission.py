"""Which new ids get a row: the T-th sighting does (counted exactly, for any T), or each sighting by chance.

Sightings are taken one after the other: how they were cut into batches changes nothing, while times do not go back.
The chance is a hash of (seed, space, key, number of the sighting among all): no random state, no count by id. Counts
of ids that wait are forgotten in event time, so they stay bounded; a count that was to be forgotten is never gone on
with, swept or not. Everything is provisional. Who reads what instead of a row is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from learners.kernels.row_uses import count_sightings, stale_rows
from learners.tables.changed import Changed
from learners.tables.host_ids import HostIds
from learners.tables.host_mixing import mixed_longs
from learners.tables.kinds import Kind, Limits
from learners.tables.reserved import Stretch

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

RESERVE = 1 << 28
STRETCH = 4096
"""Waiting ids looked at by a sweep, at least; four for each new one end a round before their number has grown by a
third."""


class Admission:
    """Says for each sighting of an id without a row whether it gets one.

    >>> twice = Admission([Kind(count=2)], Limits())
    >>> twice.admit(np.array([0, 0]), np.array([0, 0]), np.array([7, 7]), np.array([5, 6]), np.array([0, 1])).tolist()
    [False, True]
    """

    def __init__(self, kinds: Sequence[Kind], limits: Limits) -> None:
        self._count_K = np.array([kind.count for kind in kinds], np.int64)
        self._chance_K = np.array([kind.chance for kind in kinds])
        self._limits = limits
        self._waiting = HostIds(fallbacks=0)
        self.changed = Changed()
        """Lines of waiting ids that may have changed."""
        self._counts = Stretch(np.int64, (2,), reserve=RESERVE)
        self._seen, self._now, self._next = 0, 0, 0
        self._before: list[tuple[Longs, Longs]] = []
        self._admitted: list[Longs] = []
        self._marked = (0, 0)

    def __len__(self) -> int:
        """Lines of waiting ids, holes among them."""
        return len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many ids are counted, and have no row."""
        return len(self._waiting) - self._waiting.free

    @property
    def open(self) -> bool:
        """Whether every id gets a row at once."""
        return not ((self._count_K > 1) | (self._chance_K > 0)).any()

    def admit(self, kind_M: Longs, space_M: Longs, key_M: Longs, at_M: Longs, place_M: Longs) -> Bools:
        """Whether each sighting gets a row. `place_M` says which of the sightings since the last `passed` it is."""
        chance_M = self._chance_K[kind_M]
        admitted_M: Bools = (chance_M == 0) & (self._count_K[kind_M] == 1)
        drawn = np.flatnonzero(chance_M > 0)
        if len(drawn):
            admitted_M[drawn] = self._draws(space_M[drawn], key_M[drawn], place_M[drawn]) < chance_M[drawn]
        counted = np.flatnonzero((chance_M == 0) & ~admitted_M)
        if len(counted):
            enough = self._counted(space_M[counted], key_M[counted], at_M[counted], self._count_K[kind_M[counted]])
            admitted_M[counted] = enough
        return admitted_M

    def passed(self, sightings: int, at: int) -> None:
        """So many sightings came, of ids with and without rows, the newest at a time."""
        self._seen += sightings
        self._now = max(self._now, at)

    def settle(self) -> None:
        """Keep what was counted, and stop counting those that got a row."""
        made = len(self._waiting.provisional)
        self._waiting.settle()
        gone = np.unique(np.concatenate(self._admitted)) if self._admitted else np.empty(0, np.int64)
        self._drop(gone)
        self._sweep(max(STRETCH, 4 * made))
        self._marked, self._before, self._admitted = (self._seen, self._now), [], []

    def withdraw(self) -> None:
        """Uncount what came since the last `settle`."""
        for row_M, count_M2 in reversed(self._before):
            self._counts.array[row_M] = count_M2
        self._waiting.withdraw()
        self._seen, self._now = self._marked
        self._before, self._admitted = [], []

    def forget(self, space_1: Longs, key_1: Longs) -> None:
        """Forget how often an id was seen."""
        row_1 = self._waiting.find(space_1, key_1)
        self._drop(row_1[row_1 >= 0])

    def dump(self) -> dict[str, NDArray[np.int64]]:
        """Everything, for a snapshot."""
        return {name: array.copy() for name, array in self.lines.items()} | {"clock": self.clock}

    @property
    def lines(self) -> dict[str, NDArray[np.int64]]:
        """What has a line for each waiting id, as it stands."""
        counts = self._counts.reach(len(self._waiting))[: len(self._waiting)]
        return {"space": self._waiting.spaces, "key": self._waiting.keys, "count": counts}

    @property
    def clock(self) -> Longs:
        """Sightings, the newest time, and where the sweep stands."""
        return np.array([self._seen, self._now, self._next], np.int64)

    def load(self, dumped: dict[str, NDArray[np.int64]]) -> None:
        """Become what `dump` gave."""
        self._waiting.load(dumped["space"], dumped["key"])
        self.changed = Changed()
        self._counts = Stretch(np.int64, (2,), reserve=RESERVE)
        self._counts.reach(len(self._waiting))[: len(self._waiting)] = dumped["count"]
        self._seen, self._now, self._next = (int(number) for number in dumped["clock"])
        self._marked, self._before, self._admitted = (self._seen, self._now), [], []

    def _counted(self, space_M: Longs, key_M: Longs, at_M: Longs, wanted_M: Longs) -> Bools:
        row_M = self._waiting.add(space_M, key_M)
        self.changed.touch(row_M)
        count_R2 = self._counts.reach(len(self._waiting))
        self._before.append((row_M, count_R2[row_M]))
        enough_M = np.empty(len(row_M), np.bool_)
        count_sightings(row_M, at_M, wanted_M, self._limits.forget_ms, count_R2, enough_M)
        self._admitted.append(row_M[enough_M])
        return enough_M

    def _draws(self, space_M: Longs, key_M: Longs, place_M: Longs) -> NDArray[np.float64]:
        """Uniform on [0, 1)."""
        of_id_M = mixed_longs(space_M, key_M) ^ np.int64(self._limits.seed)
        bits_M = mixed_longs(of_id_M, self._seen + place_M)
        return (bits_M & ((1 << 53) - 1)) / float(1 << 53)

    def _sweep(self, stretch: int) -> None:
        """Forget those of the next few that were not seen for long."""
        rows, parts = len(self._waiting), list[Longs]()
        before, left = self._now - self._limits.forget_ms, min(stretch, rows)
        while left:
            first = self._next if self._next < rows else 0
            last = min(first + left, rows)
            row_M = np.empty(last - first, np.int64)
            found = stale_rows(self._waiting.spaces, self._counts.array, first, last, before, row_M)
            parts.append(row_M[:found])
            left, self._next = left - (last - first), last
        if parts:
            self._drop(np.concatenate(parts))

    def _drop(self, row_M: Longs) -> None:
        if len(row_M):
            self.changed.touch(np.concatenate([row_M, self._waiting.links]))
            self._waiting.remove(row_M)
            self._counts.array[row_M] = 0
