"""Batches that a guard has judged and nobody has learned yet: they wait for what is said of the next ones.

A fault shows only some batches after it began. What still waits then is held before it was ever learned; what has left
is in the model. A line of length 0 lets each batch through. Judges nothing and learns nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
import numpy as np

from learners.judged_rows import AXES, facts_of, names_of
from learners.keeping import Arrays
from learners.learner import Bools, Ints
from learners.ordering import Batch, Example

PLACES = "places"
"""Where rows were shown, by which they can be masked, and where they stood in their frame, [N, 3]. No content, so no
digest sees it."""
NOWHERE = (-1, -1, -1)


@dataclass(frozen=True)
class Waits:
    """One batch by its number, the groups of its rows, which were judged with it, and which are broken or, for another
    reason, not to be learned."""

    number: int
    batch: Batch
    group_BA: Ints
    judged_B: Bools
    broken_B: Bools
    barred_B: Bools

    def of(self, group: int) -> Bools:
        """Rows that would be held with that group."""
        mine_B: Bools = (self.group_BA == group).any(axis=1) & ~self._facts
        return mine_B

    @cached_property
    def _facts(self) -> Bools:
        """Rows that are never held."""
        return facts_of(self.batch)

    def free(self, groups: Collection[int]) -> Bools:
        """Rows that none of these groups holds."""
        free_B: Bools = ~np.any([*(self.of(group) for group in groups), self.barred_B], axis=0)
        return free_B

    def places(self, group: int, axis: str) -> Iterator[tuple[int, int, str]]:
        """Partition and offset of what was shown of a group of that axis ("" for everyone), and what it is named."""
        names = names_of(self.batch)[AXES.index(axis)] if axis else None
        for i in np.flatnonzero(self.of(group) & self.judged_B).tolist():
            example = self.batch.examples[i]
            yield example.partition, example.row.input, names[i] if names else ""

    @cached_property
    def written(self) -> bytes:
        """Its content, the same for any cut of the log into frames."""
        bits = [part_B.tolist() for part_B in (self.judged_B, self.broken_B, self.barred_B)]
        rows = [_placed(example, NOWHERE) for example in self.batch.examples]
        return _encoder.encode((self.number, self.batch.horizon, rows, self.group_BA.tolist(), bits))


class Line:
    """At most `most` batches, the oldest first.

    >>> line = Line(1)
    >>> one, other = (Waits(n, Batch((), 10 * n), *[np.zeros((0, 1), int)], *[np.zeros(0, bool)] * 3) for n in (0, 1))
    >>> line.add(one), line.add(other).number, [waits.number for waits in line]
    (None, 0, [1])
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waits: deque[Waits] = deque()

    def __iter__(self) -> Iterator[Waits]:
        return iter(self._waits)

    def add(self, waits: Waits) -> Waits | None:
        """Stand behind the others; the batch whose time has come, if there is one."""
        self._waits.append(waits)
        return self._waits.popleft() if len(self._waits) > self._most else None

    def bar(self, group: int, before: int) -> None:
        """Rows of a group, of batches before that one, are never learned."""
        for at, waits in enumerate(self._waits):
            if waits.number < before:
                self._waits[at] = replace(waits, barred_B=waits.barred_B | waits.of(group))

    def state(self) -> Arrays:
        """Everything, in arrays; none where nothing waits."""
        if not self._waits:
            return {}
        told = [example.row for waits in self._waits for example in waits.batch.examples]
        places = [(row.input, row.shot, row.attributes) for row in told]
        rows = msgspec.msgpack.encode([waits.written for waits in self._waits])
        return {"rows": np.frombuffer(rows, np.uint8).copy(), PLACES: np.array(places, np.int64).reshape(-1, 3)}

    def load(self, arrays: Arrays) -> None:
        """Become what `state` gave."""
        self._waits.clear()
        if "rows" not in arrays:
            return
        places = iter(arrays[PLACES].tolist())
        for told in msgspec.msgpack.decode(arrays["rows"].tobytes(), type=list[bytes]):
            number, horizon, rows, groups, bits = _decoder.decode(told)
            batch = Batch(tuple(_placed(example, next(places)) for example in rows), horizon)
            group_BA = np.array(groups, np.int64).reshape(len(rows), -1)
            self._waits.append(Waits(number, batch, group_BA, *(np.array(part, np.bool_) for part in bits)))


def _placed(example: Example, place: Sequence[int]) -> Example:
    """The same row at another place."""
    input, shot, attributes = place
    row = msgspec.structs.replace(example.row, input=input, shot=shot, attributes=attributes)
    return msgspec.structs.replace(example, row=row)


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_decoder = msgspec.msgpack.Decoder(tuple[int, int, list[Example], list[list[int]], list[list[bool]]])
