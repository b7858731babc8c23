"""Batches of columns of which some rows wait for a verdict. Keeps and hands out; judges nothing and learns nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from learners.column_parts import dumped, loaded, rows_of
from learners.columns import Columns
from learners.keeping import Arrays
from learners.learner import Bools, Ints


@dataclass(slots=True)
class HeldBatch:
    """Held rows of one batch, their groups, and which of them still wait."""

    number: int
    columns: Columns
    group_BA: Ints
    waits_B: Bools


class HeldBatches:
    """The newest `most` batches that have such rows.

    >>> held = HeldBatches(8)
    >>> told = Columns(np.array([[1], [2]]), np.zeros((2, 1), np.float32))
    >>> held.add(3, told, np.array([[0, 1], [0, 2]]), np.array([True, True])), len(held)
    (0, 2)
    >>> [len(part) for part in held.learnable(2, clean=0, others={})], held.end(2), len(held)
    ([1], 0, 1)
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._batches: list[HeldBatch] = []

    def __len__(self) -> int:
        return sum(int(batch.waits_B.sum()) for batch in self._batches)

    def add(self, number: int, columns: Columns, group_BA: Ints, held_B: Bools) -> int:
        """Keep the held rows of a batch. How many older ones had to go."""
        if held_B.any():
            waits_B = np.ones(int(held_B.sum()), np.bool_)
            self._batches.append(HeldBatch(number, rows_of(columns, held_B), group_BA[held_B], waits_B))
        gone = sum(int(batch.waits_B.sum()) for batch in self._batches[: -self._most])
        del self._batches[: -self._most]
        return gone

    def learnable(self, group: int, *, clean: int, others: dict[int, int]) -> Iterator[Columns]:
        """Rows of a group from batch `clean` on, batch by batch, which then wait no longer. Those in one of `others`
        (groups that are held still, and since which batch) go on waiting; the group's earlier rows are for `end`."""
        for batch in self._batches:
            if batch.number < clean:
                continue
            wanted_B = batch.waits_B & (batch.group_BA == group).any(axis=1)
            for other, first in others.items():
                if batch.number >= first:
                    wanted_B &= ~(batch.group_BA == other).any(axis=1)
            if wanted_B.any():
                batch.waits_B &= ~wanted_B
                yield rows_of(batch.columns, wanted_B)

    def end(self, group: int, *, clean: int | None = None) -> int:
        """Refuse what still waits of a group before batch `clean` (None: nothing). How many rows that were."""
        refused = 0
        for batch in self._batches:
            if clean is not None and batch.number < clean:
                wanted_B = batch.waits_B & (batch.group_BA == group).any(axis=1)
                batch.waits_B &= ~wanted_B
                refused += int(wanted_B.sum())
        self._batches = [batch for batch in self._batches if batch.waits_B.any()]
        return refused

    def waiting(self) -> Iterator[Columns]:
        """All rows that wait, batch by batch."""
        for batch in self._batches:
            if batch.waits_B.any():
                yield rows_of(batch.columns, batch.waits_B)

    def state(self) -> Arrays:
        """Everything, in arrays."""
        arrays: Arrays = {"batches": np.array([batch.number for batch in self._batches], np.int64)}
        for at, batch in enumerate(self._batches):
            arrays |= {f"{at}.group": batch.group_BA, f"{at}.waits": batch.waits_B}
            arrays |= dumped(batch.columns, f"{at}.")
        return arrays

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        self._batches = [
            HeldBatch(int(number), loaded(arrays, f"{at}."), arrays[f"{at}.group"], arrays[f"{at}.waits"].copy())
            for at, number in enumerate(arrays["batches"])
        ]
