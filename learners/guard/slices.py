"""Numbers for the slices of the traffic: who sent it, which app, where it was shown.

A name has a number of its own once it has shown to be a share of the traffic; until then, and beyond `most` names, it
is "other" of its axis. A number never changes its name. A function of the rows seen, and of nothing else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import numpy as np

from learners.guard.words import Longs
from learners.keeping import Arrays

ALL, OTHER = "all", "other"
FEW, LONG = 1000, 100_000
"""Rows before which no name has a share, and after how many counts are halved."""


class Slices:
    """Groups by axis; group 0 is everyone, then "other" of each axis, then names in order of appearance.

    >>> slices = Slices(("app",))
    >>> slices.groups([["a"] * 1500 + ["b"] * 500 + ["c"]])[[0, 1999, 2000], 1].tolist(), slices.name(3)
    ([2, 3, 1], ('app', 'b'))
    """

    def __init__(
        self, axes: Sequence[str] = ("producer", "app_version", "surface"), *, most: int = 16, least: float = 0.02
    ) -> None:
        self.axes, self._most, self._least = tuple(axes), most, least
        self._names: list[tuple[str, str]] = [(ALL, ALL), *((axis, OTHER) for axis in self.axes)]
        self._number: list[dict[str, int]] = [{} for _ in self.axes]
        self._count: list[Counter[str]] = [Counter() for _ in self.axes]
        self._rows = 0

    @property
    def most_groups(self) -> int:
        """How many groups there can be: what a guard of these slices has room for."""
        return 1 + len(self.axes) * (self._most + 1)

    def __len__(self) -> int:
        return len(self._names)

    def name(self, group: int) -> tuple[str, str]:
        """(axis, value) of a group; ("all", "all") of group 0."""
        return self._names[group]

    def groups(self, names: Sequence[Sequence[str]]) -> Longs:
        """Groups [B, 1 + axes] of rows, told as the names of all rows by axis. ValueError for another count of axes."""
        if len(names) != len(self.axes):
            raise ValueError(f"told are names of {len(names)} axes, the slices have {self.axes}: tell each one")
        rows = len(names[0]) if names else 0
        self._rows += rows
        group_BA = np.zeros((rows, 1 + len(names)), np.int64)
        for axis, told in enumerate(names):
            self._meet(axis, told)
            number, other = self._number[axis], 1 + axis
            group_BA[:, 1 + axis] = np.fromiter((number.get(name, other) for name in told), np.int64, rows)
        self._fade()
        return group_BA

    def state(self) -> Arrays:
        """Everything, as the bytes of one document."""
        told = [self.axes, self._names, [[*count.items()] for count in self._count], self._rows]
        return {"slices": np.frombuffer(json.dumps(told).encode(), np.uint8).copy()}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave. ValueError where it had other axes."""
        axes, names, counts, self._rows = json.loads(arrays["slices"].tobytes())
        if tuple(axes) != self.axes:
            raise ValueError(f"kept are slices by {tuple(axes)}, these are by {self.axes}: use the same axes")
        self._names = [(axis, value) for axis, value in names]
        self._count = [Counter(dict(items)) for items in counts]
        self._number = [{} for _ in self.axes]
        for group in range(1 + len(self.axes), len(self._names)):
            axis, value = self._names[group]
            self._number[self.axes.index(axis)][value] = group

    def _meet(self, axis: int, told: Sequence[str]) -> None:
        """Count, and give numbers to names that have become a share."""
        count, number = self._count[axis], self._number[axis]
        here = Counter(told)
        count.update(here)
        if self._rows < FEW:
            return
        for name in here:
            if name not in number and len(number) < self._most and count[name] >= self._least * self._rows:
                number[name] = len(self._names)
                self._names.append((self.axes[axis], name))

    def _fade(self) -> None:
        """Old traffic counts less, and names that are gone are forgotten."""
        if self._rows >= LONG:
            self._rows //= 2
            self._count = [Counter({name: n // 2 for name, n in count.items() if n > 1}) for count in self._count]
