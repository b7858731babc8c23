"""The lines of a learner of two stages, by space: which changed since a mark, and what they are now, copied.

    rows      ids, weights with their optimizer state, counts, uses        items     facts, rests, how often chosen
    waiting   ids that wait for a row                                      pairs     counts of two rows together
    names.X   the texts of space X, by number

What belongs to no line (dense weights, clocks, totals, ids that went) is small, and is always taken whole. The order
in which lines are asked for is nobody's business; nothing here writes or hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass

import numpy as np

from checkpoints.journal import Entry
from learners.keeping import Arrays
from learners.learner import Ints
from learners.memory import Memory
from learners.tables.changed import Changed
from learners.tables.rows import Rows
from learners.two_stage_model import Model

CHUNK = 1 << 16
"""Lines copied at a time where all of them are looked at."""
NAMES, ITEMS = "names.", "items"
"""Spaces whose lines have texts."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment in one life of a learner: by space, the mark and how many lines there were. Opaque to its keeper."""

    life: object
    at: Mapping[str, tuple[int, int]]
    gone: int = 0
    """The mark of ids that went, where a version was made."""


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of one space (ascending) of `length` in all; arrays have a line for each, and so have texts, where the
    space has some."""

    line_C: Ints
    length: int
    arrays: Arrays
    entries: list[Entry] | None = None


class LearnerLines:
    """Reads the three that a learner of two stages is made of; a new one begins a new life."""

    def __init__(self, memory: Memory, rows: Rows, model: Model) -> None:
        self._memory, self._rows, self._model = memory, rows, model
        self.touched = rows.touched
        self._life, self._forgotten = object(), 0

    def mark(self) -> Mark:
        """A mark after all that came so far."""
        return Mark(self._life, {name: (of.mark(), self.length(name)) for name, of in self._changed.items()})

    def knows(self, mark: Mark) -> bool:
        """Whether what came since a mark can be asked for."""
        return mark.life is self._life and mark.at["rows"][0] >= self._forgotten

    def forget(self, mark: Mark) -> None:
        """Nobody will ask for what came before a mark."""
        self._forgotten = mark.at["rows"][0]
        for name, of in self._changed.items():
            of.forget(mark.at[name][0])

    def changed(self, mark: Mark) -> dict[str, Ints]:
        """Which lines changed since a mark, ascending, by space."""
        told = {}
        for name, of in self._changed.items():
            at, was = mark.at[name]
            line_C, length = of.since(at), self.length(name)
            told[name] = np.concatenate([line_C[line_C < min(was, length)], np.arange(was, length)])
        return told

    def since(self, mark: Mark) -> dict[str, Part]:
        """What changed since a mark, copied."""
        return {name: self.part(name, line_C) for name, line_C in self.changed(mark).items()}

    def all(self) -> Iterator[tuple[str, Part]]:
        """Every line, copied a chunk at a time."""
        for name in self._changed:
            length = self.length(name)
            for first in range(0, max(length, 1), CHUNK):
                yield name, self.part(name, np.arange(first, min(first + CHUNK, length)))

    def rest(self) -> Arrays:
        """What belongs to no line, copied."""
        arrays = self._rows.rest | self._memory.rest
        return {name: array.copy() for name, array in arrays.items()} | self._model.rest()

    @property
    def lengths(self) -> dict[str, int]:
        """How many lines each space has."""
        return {name: self.length(name) for name in self._changed}

    @property
    def bulk(self) -> int:
        """About how many bytes the arrays have: as if all lines of a space were as long as its first."""
        told = sum(array.nbytes for array in self.rest().values())
        for name, length in self.lengths.items():
            first = self.part(name, np.arange(min(length, 1)))
            told += length * sum(array.nbytes for array in first.arrays.values())
        return told

    def length(self, name: str) -> int:
        """How many lines a space has."""
        memory = self._memory
        if name.startswith(NAMES):
            return len(memory.names.dump()[name.removeprefix(NAMES)])
        spaces: dict[str, Sized] = {"rows": self._rows, "waiting": self._rows.admission, "items": memory.catalogue}
        return len(spaces.get(name, memory.pairs.ids))

    @property
    def _changed(self) -> dict[str, Changed]:
        memory = self._memory
        named = {f"{NAMES}{space}": of for space, of in memory.names.changed.items()}
        own = {"rows": self._rows.changed, "waiting": self._rows.admission.changed}
        return own | {"items": memory.catalogue.changed, "pairs": memory.pairs.ids.changed} | named

    def part(self, name: str, line_C: Ints) -> Part:
        """Some lines of a space (ascending), copied."""
        length, memory = self.length(name), self._memory
        if name.startswith(NAMES):
            space = name.removeprefix(NAMES)
            texts = memory.names.dump()[space]
            return Part(line_C, length, {}, [(space, n, texts[n]) for n in line_C.tolist()])
        if name == "waiting":
            return Part(line_C, length, {of: array[line_C] for of, array in self._rows.waiting.items()})
        entries: list[Entry] | None = None
        arrays = memory.lines(name, line_C)
        if name == "rows":
            arrays |= {of: array[line_C] for of, array in self._rows.lines.items()} | self._model.lines(line_C)
        if name == "items":
            known = memory.catalogue.known
            entries = [("item", n, memory.catalogue.told(known[n])) for n in line_C.tolist()]
        return Part(line_C, length, arrays, entries)
