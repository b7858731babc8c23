"""Which lines of an array changed since a mark: asked for without looking at those that did not.

A mark is a number; asking takes nothing away, until `forget` is told that nobody will ask for what came before one.
What a line holds is not known here; a line that was written to without being touched is lost to whoever asks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.line_stamps import stamp_lines
from learners.tables.reserved import Stretch

Longs = NDArray[np.int64]

RESERVE = 1 << 28


class Changed:
    """Lines by the mark under which they changed last.

    >>> changed = Changed()
    >>> changed.touch(np.array([3, 1, 3])); mark = changed.mark(); changed.touch(np.array([9]))
    >>> changed.since(mark).tolist(), changed.since(0).tolist()
    ([9], [1, 3, 9])
    """

    def __init__(self) -> None:
        self._stamps = Stretch(np.int32, reserve=RESERVE)
        self._now = 1
        self._lines: dict[int, list[Longs]] = {1: []}

    def touch(self, line_N: Longs) -> None:
        """These changed; some may repeat."""
        if not len(line_N):
            return
        stamps = self._stamps.reach(int(line_N.max()) + 1)
        new_N = np.empty(len(line_N), np.int64)
        if found := stamp_lines(line_N, self._now, stamps, new_N):
            self._lines[self._now].append(new_N[:found].copy())

    def mark(self) -> int:
        """A mark after all that came so far."""
        self._now += 1
        self._lines[self._now] = []
        return self._now

    def since(self, mark: int) -> Longs:
        """Lines that changed since a mark, ascending."""
        found = [lines for stamp, of in self._lines.items() if stamp >= mark for lines in of]
        line_N = np.sort(np.concatenate([*found, np.empty(0, np.int64)]))
        return line_N[np.diff(line_N, prepend=-1) > 0]

    def forget(self, mark: int) -> None:
        """Nobody will ask for what changed before a mark."""
        self._lines = {stamp: of for stamp, of in self._lines.items() if stamp >= mark}
