"""What may stand in a list beside what: at most so many of one author or category, and of what is promoted a share.

A limit holds as long as the list can be filled under it: a full list comes before a cap, and a share of promotions
before a cap too. Pure: candidates are numbers, groups are arrays over them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Limits:
    """`capped` names, for each group, its candidates and how many of them a list takes; `promoted_I` are candidates of
    which `share` of the places is for, None where nothing is promoted."""

    capped: tuple[tuple[NDArray[np.int64], int], ...] = ()
    promoted_I: Flags | None = None
    share: float = 0.0


NONE = Limits()


def groups_of(names: Sequence[Iterable[str]], most: int) -> tuple[tuple[NDArray[np.int64], int], ...]:
    """The groups that more candidates have than a list takes; each candidate has any number of names.

    >>> [(members.tolist(), most) for members, most in groups_of([("ana",), ("bob",), ("ana",)], most=1)]
    [([0, 2], 1)]
    """
    if not most:
        return ()
    members: dict[str, list[int]] = {}
    for index, told in enumerate(names):
        for name in told:
            members.setdefault(name, []).append(index)
    return tuple((np.array(found, np.int64), most) for found in members.values() if len(found) > most)


def within(order: Sequence[int], names: Sequence[Iterable[str]], most: int, size: int) -> list[int]:
    """The first `size` of `order` without those of a group that is there `most` times already; then these too.

    >>> within([0, 1, 2, 3], [("ana",), ("ana",), ("ana",), ("bob",)], most=2, size=3)
    [0, 1, 3]
    """
    taken, left, counts = list[int](), list[int](), dict[str, int]()
    for index in order:
        told = list(names[index])
        if len(taken) == size:
            break
        if any(counts.get(name, 0) >= most for name in told):
            left.append(index)
            continue
        taken.append(index)
        counts |= {name: counts.get(name, 0) + 1 for name in told}
    return taken + left[: size - len(taken)]


class Open:
    """Who may have the next of `count` places.

    >>> pool = Open(3, 3, Limits(groups_of([("ana",), ("ana",), ("bob",)], most=1)))
    >>> pool.take(0); pool.following().tolist()
    [False, False, True]
    """

    def __init__(self, candidates: int, count: int, limits: Limits) -> None:
        self.free_I: Flags = np.ones(candidates, np.bool_)
        self.left = candidates
        """How many are free."""
        self._full_I: Flags = np.zeros(candidates, np.bool_)
        self._capped = [(set(members.tolist()), members, most) for members, most in limits.capped]
        self._left = [most for _, most in limits.capped]
        self._limits = limits
        self._most_promoted = int(limits.share * count + 1e-9)
        self._places = self._promoted = 0

    def take(self, index: int) -> None:
        """A candidate has the place."""
        self.left -= bool(self.free_I[index])
        self.free_I[index] = False
        self._places += 1
        if self._limits.promoted_I is not None:
            self._promoted += bool(self._limits.promoted_I[index])
        for number, (members, rows, _) in enumerate(self._capped):
            if index in members:
                self._left[number] -= 1
                if not self._left[number]:
                    self._full_I[rows] = True

    def following(self) -> Flags:
        """1. what is promoted, where the places so far lack its share; 2. what no limit is against; 3. beyond caps;
        4. anything."""
        let_I, promoted_I = self.free_I, self._limits.promoted_I
        if promoted_I is None and not self._capped:
            return let_I
        if promoted_I is not None:
            due = min(int(self._limits.share * (self._places + 1) + 1e-9), self._most_promoted)
            due_I = let_I & ~self._full_I & promoted_I
            if self._promoted < due and due_I.any():
                return due_I
            if self._promoted >= self._most_promoted:
                let_I = let_I & ~promoted_I
        for open_I in (let_I & ~self._full_I, let_I):
            if open_I.any():
                return open_I
        return self.free_I
