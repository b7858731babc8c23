"""The rows of a learner: which ids have one, since when, how much used, what changed, in all of its tables at once.

The order of a batch: 1. `find` for a reader, `admit_and_add` in training; 2. the model's step; 3. `settle` and `used`
for a batch that was learned, `withdraw` for one that was not; 4. `expire`. Ids without a row read the fallback of their
kind, which learns like any other row. Ids live on the host, tables where they like; their weights are not dumped here.

Rows, and which sightings got one, are the same however the sightings are cut into batches while event times do not go
back, and so are uses. Which rows `expire` finds depends on its calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from learners.tables.admission import Admission
from learners.tables.changed import Changed
from learners.tables.expiry import Expiry
from learners.tables.host_ids import HostIds
from learners.tables.kinds import Kind, Limits
from learners.tables.touched import Touched

Longs = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]


class Weights(Protocol):
    """A table, as far as rows know it."""

    def grow(self, size: int, floor: float) -> None: ...
    def reset(self, rows: Longs, floor: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Gone:
    """Rows that were freed, and the ids that they had."""

    row_M: Longs
    space_M: Longs
    key_M: Longs


class Rows:
    """Rows of ids of several kinds: `kind_of_space` says which kind a space is of. `tables` come with the floor at
    which their accumulators start.

    >>> rows = Rows([Kind(count=2)], kind_of_space=[0])
    >>> tea, jam = np.array([0, 0]), np.array([7, 8])
    >>> rows.admit_and_add(tea, jam, 1).tolist(), rows.admit_and_add(tea[:1], jam[:1], 2).tolist()
    ([-1, -1], [1])
    >>> rows.settle(); rows.read(rows.find(tea, jam), tea).tolist()
    [1, 0]
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        *,
        kind_of_space: Sequence[int],
        limits: Limits | None = None,
        tables: Sequence[tuple[Weights, float]] = (),
    ) -> None:
        self._kind_S, self._tables = np.array(kind_of_space, np.int64), tuple(tables)
        if len(self._kind_S) and int(self._kind_S.max()) >= len(kinds):
            raise ValueError(
                f"a space is of kind {self._kind_S.max()}, there are {len(kinds)} kinds: name one for each"
            )
        self._fallbacks = len(kinds)
        self.ids = HostIds(fallbacks=len(kinds))
        self.admission = Admission(kinds, limits or Limits())
        self.expiry = Expiry(kinds, self._kind_S, limits or Limits())
        self.touched = Touched()
        self.changed = Changed()
        """Rows whose lines, here or in a table, may have changed."""
        self._made, self._now, self._settled_at = 0, 0, 0
        self._grow()

    def __len__(self) -> int:
        """Rows, fallbacks and holes among them."""
        return len(self.ids)

    @property
    def alive(self) -> int:
        """Rows that belong to ids."""
        return len(self.ids) - self.ids.free - self._fallbacks

    def find(self, space_N: Longs, key_N: Longs) -> Longs:
        """Rows of ids, -1 where there is none. Changes nothing."""
        return self.ids.find(space_N, key_N)

    def read(self, row_N: Longs, space_N: Longs) -> Longs:
        """Rows to read: those found, the fallback of the kind for the rest."""
        lacking = np.flatnonzero(row_N < 0)
        if not len(lacking):
            return row_N
        read_N = row_N.copy()
        read_N[lacking] = self._kind_S[space_N[lacking % len(space_N)]]
        return read_N

    def admit_and_add(self, space_N: Longs, key_N: Longs, at: Longs | int) -> Longs:
        """Rows of ids, -1 where an id has none and gets none yet, provisionally. `at` is the event time of each
        sighting in milliseconds, or of all."""
        at_N = np.atleast_1d(np.asarray(at, np.int64))
        if len(space_N) and int(space_N.max()) >= len(self._kind_S):
            raise ValueError(f"an id is of space {space_N.max()}, there are {len(self._kind_S)}: which kind is it?")
        self._now = max(self._now, int(at_N.max()) if len(at_N) else 0)
        if self.admission.open:
            row_N = self.ids.add(space_N, key_N)
        else:
            row_N = self._admitted(space_N, key_N, at_N)
            self.admission.passed(len(key_N), self._now)
        self._grow()
        return row_N

    def used(self, row_N: Longs, at: Longs | int) -> None:
        """These rows, of which some may repeat, were learned from at a time, or each at its own. -1 is passed over."""
        row_N, at_N = np.asarray(row_N, np.int64), np.atleast_1d(np.asarray(at, np.int64))
        if len(row_N) and int(row_N.min()) < 0:
            there = row_N >= 0
            row_N, at_N = row_N[there], at_N[there] if len(at_N) > 1 else at_N
        self.expiry.used(row_N, at_N, len(self.ids))
        self.touched.touch(row_N, len(self.ids))
        self.changed.touch(row_N)

    def settle(self) -> None:
        """Keep what was admitted, added and counted."""
        made_M = self.ids.provisional
        self.expiry.began(made_M, self._now, len(self.ids))
        self.touched.touch(made_M, len(self.ids))
        self.changed.touch(made_M)
        self._made += len(made_M)
        self.ids.settle()
        self.admission.settle()
        self._settled_at = self._now

    def withdraw(self) -> None:
        """Take back what came since the last `settle`."""
        self.expiry.ended(self.ids.provisional)
        self.ids.withdraw()
        self.admission.withdraw()
        self._now = self._settled_at

    def expire(self, at: int) -> Gone:
        """Free the rows whose time has come, of those that this call looks at."""
        gone = self.remove(self.expiry.due(at, self.ids.spaces, self.alive, self._made))
        self._made = 0
        return gone

    def remove(self, row_M: Longs) -> Gone:
        """Free rows: their ids are noted as gone, and whoever gets the rows next finds them as new. ValueError while
        something is provisional."""
        self._rest()
        self.changed.touch(np.concatenate([row_M, self.ids.links]))
        space_M, key_M = self.ids.remove(row_M)
        self.expiry.ended(row_M)
        self.touched.bury(row_M, space_M, key_M)
        for table, floor in self._tables:
            table.reset(row_M, floor)
        return Gone(row_M, space_M, key_M)

    def forget(self, space: int, key: int) -> int:
        """Free the row of an id and note nowhere that it was there, nor how often; the row, or -1."""
        space_1, key_1 = np.array([space], np.int64), np.array([key], np.int64)
        row_1 = self.find(space_1, key_1)
        if row_1[0] >= 0:
            self.remove(row_1)
        self.admission.forget(space_1, key_1)
        self.touched.unbury(space, key)
        return int(row_1[0])

    def gone_since(self, mark: int) -> tuple[Longs, Longs]:
        """Ids that went since a mark of `touched` and have not come back: the tombstones of a version."""
        space_M, key_M = self.touched.gone_since(mark)
        lost = self.ids.find(space_M, key_M) < 0
        return space_M[lost], key_M[lost]

    def dump(self) -> Arrays:
        """Everything but the tables' weights, for a snapshot. ValueError while something is provisional."""
        return {name: array.copy() for name, array in (self.lines | self.waiting | self.rest).items()}

    @property
    def lines(self) -> Arrays:
        """What has a line for each row, as it stands. ValueError while something is provisional."""
        self._rest()
        rows = len(self.ids)
        ids: Arrays = {"ids.space": self.ids.spaces, "ids.key": self.ids.keys}
        return ids | {"touched.stamp": self.touched.stamps(rows)} | _under("expiry", self.expiry.lines(rows))

    @property
    def waiting(self) -> Arrays:
        """What has a line for each id that waits for a row, as it stands."""
        return _under("admission", self.admission.lines)

    @property
    def rest(self) -> Arrays:
        """What belongs to no line: where clocks stand, and which ids went."""
        clocks: Arrays = {"ids.clock": self._clock(), "admission.clock": self.admission.clock}
        return clocks | {"expiry.clock": self.expiry.clock} | _under("touched", self.touched.rest)

    def load(self, dumped: Arrays) -> None:
        """Become what `dump` gave; the tables are loaded by whoever dumped them."""
        parts: dict[str, Arrays] = {}
        for name, array in dumped.items():
            part, _, rest = name.partition(".")
            parts.setdefault(part, {})[rest] = array
        self.ids.load(parts["ids"]["space"], parts["ids"]["key"])
        self._made, self._now = (int(number) for number in parts["ids"]["clock"])
        self._settled_at = self._now
        self.changed = Changed()
        self.admission.load(parts["admission"])
        self.expiry.load(parts["expiry"], self.ids.spaces)
        self.touched.load(parts["touched"])
        self._grow()

    def _admitted(self, space_N: Longs, key_N: Longs, at_N: Longs) -> Longs:
        row_N = self.ids.find(space_N, key_N)
        place_M = np.flatnonzero(row_N < 0)
        if not len(place_M):
            return row_N
        space_M, key_M = space_N[place_M % len(space_N)], key_N[place_M]
        admitted_M = self.admission.admit(self._kind_S[space_M], space_M, key_M, at_N[place_M % len(at_N)], place_M)
        first = np.flatnonzero(admitted_M)
        if len(first):
            made_U, since_U = np.unique(self.ids.add(space_M[first], key_M[first]), return_index=True)
            row_M = self.ids.find(space_M, key_M)
            since_M = first[since_U][np.minimum(np.searchsorted(made_U, row_M), len(made_U) - 1)]
            row_N[place_M] = np.where(np.arange(len(row_M)) >= since_M, row_M, -1)
        return row_N

    def _clock(self) -> Longs:
        return np.array([self._made, self._now], np.int64)

    def _rest(self) -> None:
        if len(self.ids.provisional):
            raise ValueError(f"{len(self.ids.provisional)} rows are provisional: settle or withdraw them first")

    def _grow(self) -> None:
        for table, floor in self._tables:
            table.grow(len(self.ids), floor)


def _under(part: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    return {f"{part}.{name}": array for name, array in arrays.items()}
