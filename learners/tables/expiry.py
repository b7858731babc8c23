"""When a row goes: it was not used for the life of its kind, in event time, or others are used more and room is short.

A call looks at a bounded stretch of rows, so none stalls; rounds end sooner than the number of rows grows by much. The
least used go first, by a use that fades, told apart in steps of an eighth of a halving; within one step the order of
the sweep decides. Which rows go is a function of the calls: of when it was asked, and in which stretches. The cap
holds after every call: one that finds itself above it sweeps on until it is not. Removing them is left to the caller.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from learners.kernels.row_uses import count_scores, end_rows, step_below, sweep_rows, use_rows
from learners.tables.kinds import Kind, Limits
from learners.tables.reserved import Stretch

Longs = NDArray[np.int64]
Arrays = dict[str, NDArray[np.int64] | NDArray[np.float64]]

RESERVE = 1 << 28
STRETCH = 4096
PER_NEW_ROW = 32
"""Rows looked at by a call: at least a stretch, and so many for each row that was made since the last one. Where one in
32 may go, they go as fast as others come."""
STEPS = 8192
"""Of the count of rows by score: a thousand halvings."""


class Expiry:
    """Last uses and faded uses of rows, and which are to go."""

    def __init__(self, kinds: Sequence[Kind], kind_S: Longs, limits: Limits) -> None:
        self._ttl_K = np.array([kind.ttl_ms for kind in kinds], np.int64)
        self._kind_S, self._limits = kind_S, limits
        self._per_ms = 1.0 / limits.half_life_ms if limits.cap else 0.0
        self._begin()

    @property
    def idle(self) -> bool:
        """Whether no row ever goes."""
        return not self._limits.cap and not self._ttl_K.any()

    def used(self, row_N: Longs, at_N: Longs, rows: int) -> None:
        """Note a use of each of these rows, of `rows` in all; `at_N` in milliseconds of event time, one for all or one
        for each."""
        if not self.idle and len(row_N):
            last_R1, score_R1 = self._last.reach(rows), self._score.reach(rows)
            use_rows(row_N, at_N, self._per_ms, last_R1, score_R1, self._count_H, self._base)

    def began(self, row_M: Longs, at: int, rows: int) -> None:
        """These rows were made by a time; a use of them may have been noted already."""
        if not self.idle:
            last_R1 = self._last.reach(rows)
            last_R1[row_M, 0] = np.where(last_R1[row_M, 0] == 0, at, last_R1[row_M, 0])

    def ended(self, row_M: Longs) -> None:
        """These rows are nobody's any more."""
        if not self.idle:
            end_rows(row_M, self._last.array, self._score.array, self._count_H, self._base)

    def due(self, at: int, space_R: Longs, alive: int, made: int) -> Longs:
        """Rows that are to go. `space_R` are the spaces of all rows: `alive` of them belong to ids, `made` were made
        since the last call."""
        if self.idle:
            return np.empty(0, np.int64)
        cap, due = self._limits.cap, list[Longs]()
        left, over = STRETCH + PER_NEW_ROW * made, alive - int(cap * self._limits.low) if cap else 0
        step, looked = step_below(self._count_H, over) if over > 0 else -1, 0
        while looked < len(space_R) and (left > 0 or (cap and alive > cap)):
            size = min(max(left, STRETCH), len(space_R) - looked)
            row_M = self._swept(at, space_R, size, step, over)
            looked, left = looked + size, left - size
            alive, over = alive - len(row_M), over - len(row_M)
            due.append(row_M)
        return np.concatenate([*due, np.empty(0, np.int64)])

    def dump(self, rows: int) -> Arrays:
        """Everything, for a snapshot."""
        return {name: array.copy() for name, array in self.lines(rows).items()} | {"clock": self.clock}

    def lines(self, rows: int) -> Arrays:
        """What has a line for each row, as it stands."""
        if self.idle:
            return {}
        return {"last": self._last.reach(rows)[:rows, 0], "score": self._score.reach(rows)[:rows, 0]}

    @property
    def clock(self) -> Longs:
        """Where the sweep stands, and where the count of rows by score begins."""
        return np.array([self._next, self._base[0]], np.int64)

    def load(self, dumped: Arrays, space_R: Longs) -> None:
        """Become what `dump` gave."""
        self._begin()
        self._next, self._base[0] = (int(number) for number in dumped["clock"])
        if not self.idle:
            self._last.reach(len(space_R))[: len(space_R), 0] = dumped["last"]
            self._score.reach(len(space_R))[: len(space_R), 0] = dumped["score"]
            count_scores(space_R, self._score.array, self._count_H, self._base)

    def _begin(self) -> None:
        self._last = Stretch(np.int64, (1,), reserve=RESERVE)
        self._score = Stretch(np.float64, (1,), reserve=RESERVE)
        self._count_H = np.zeros(STEPS, np.int64)
        self._base, self._next = np.zeros(1, np.int64), 0

    def _swept(self, at: int, space_R: Longs, size: int, step: int, most: int) -> Longs:
        """Rows to go of the next `size`, which may reach round the end."""
        parts, rows = list[Longs](), len(space_R)
        while size > 0:
            first = self._next if self._next < rows else 0
            last = min(first + size, rows)
            row_M = np.empty(last - first, np.int64)
            found = sweep_rows(
                first, last, at, space_R, self._kind_S, self._ttl_K, self._last.array, self._score.array,
                self._base[0], STEPS, step, most, row_M,
            )  # fmt: skip
            parts.append(row_M[:found])
            most, size, self._next = most - found, size - (last - first), last
        return np.concatenate(parts)
