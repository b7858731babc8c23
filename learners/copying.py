"""Everything that a learner of two stages holds, copied a little at a time while it learns on.

As a machine is moved to another one while it runs: all lines once, a slice after the other; then those that changed
meanwhile; then those that changed during that, until little is left, which is copied at the moment itself. What comes
out is a copy taken at that moment, bit for bit, whatever was copied before it. Writes and hashes nothing.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from checkpoints.journal import name_of, written
from learners.keeping import Arrays
from learners.learner import Ints
from learners.learner_lines import CHUNK, ITEMS, NAMES, LearnerLines, Part
from learners.row_digest import Lines

SLICE, TEXTS = 16_384, 1_024
"""Lines copied at a time, and of those that have a text."""
SLICES = 2
"""Slices a call: at most some five milliseconds."""
FEW = SLICE
"""Changed lines that may be left for the moment itself."""
ROUNDS = 5
"""After so many it comes anyway: lines change as fast as they are copied."""


class Slice(NamedTuple):
    """Some lines as they were at their time; their texts as bytes, where there are some."""

    space: str
    part: Part
    text: bytes | None


class Space(NamedTuple):
    """All lines of one space: arrays, and texts where there are some, a line of JSON each."""

    length: int
    arrays: Arrays
    text_N: list[bytes] | None


class Whole:
    """What was copied, put together by whoever asks first; a slice holds over those before it. The first round, of
    `first` slices, brought every line in order."""

    def __init__(self, slices: list[Slice], first: int) -> None:
        self._lock, self._slices, self._first = threading.Lock(), slices, first
        self._spaces: dict[str, Space] = {}

    @property
    def spaces(self) -> dict[str, Space]:
        """All spaces by name."""
        with self._lock:
            for name in dict.fromkeys(one.space for one in self._slices):
                self._spaces[name] = self._put(name)
            self._slices = []
        return self._spaces

    def lines(self) -> Iterator[tuple[str, Lines]]:
        """All lines, a chunk after the other, to be hashed."""
        for name, (length, arrays, text_N) in self.spaces.items():
            for first in range(0, max(length, 1), CHUNK):
                cut = slice(first, min(first + CHUNK, length))
                told = {of: array[cut] for of, array in arrays.items()}
                yield name, Lines(np.arange(cut.start, cut.stop), length, told, text_N and text_N[cut])

    def arrays(self) -> Arrays:
        """Every array, texts among them as a whole file has them."""
        told: Arrays = {}
        text_of: dict[str, list[bytes]] = {}
        for name, (_, arrays, text_N) in self.spaces.items():
            told |= arrays
            if text_N is not None:
                text_of.setdefault("names" if name.startswith(NAMES) else name, []).append(b"".join(text_N))
        return told | {name_of(of, None): np.frombuffer(b"".join(all), np.uint8) for of, all in text_of.items()}

    def _put(self, name: str) -> Space:
        first = [one for one in self._slices[: self._first] if one.space == name]
        later = [one for one in self._slices[self._first :] if one.space == name]
        length = max(one.part.length for one in (*first, *later))
        arrays = {}
        for of, like in first[0].part.arrays.items():
            room = arrays[of] = np.empty((length, *like.shape[1:]), like.dtype)
            for one in (*first, *later):
                room[one.part.line_C] = one.part.arrays[of]
        return Space(length, arrays, None if first[0].text is None else _texts(length, first, later))


class Copying:
    """Of one learner, from now on. Nobody else may forget marks of its lines meanwhile."""

    def __init__(self, lines: LearnerLines) -> None:
        self._lines, self._slices = lines, list[Slice]()
        self._first = 0
        self._few = self._level = False
        """Of the newest round: whether it is short, and whether there is nothing in it."""
        self._steps = self._copied()

    def go_on(self) -> bool:
        """Copy a little more; whether what is left is little."""
        for _ in range(SLICES):
            next(self._steps)
        return self._few

    def end(self) -> Whole:
        """All that is left is copied: what comes is as of now."""
        self._level = False
        while not self._level:
            next(self._steps)
        return Whole(self._slices, self._first)

    def _copied(self) -> Iterator[None]:
        """A slice a step, or a round that has none."""
        mark = self._lines.mark()
        for space, line_C in self._every():
            self._copy(space, line_C)
            self._first += 1
            yield
        for rounds in itertools.count(1):
            changed, mark = self._lines.changed(mark), self._lines.mark()
            left = sum(map(len, changed.values()))
            self._few, self._level = left <= FEW or rounds > ROUNDS, not left
            if self._level:
                yield
            for space, line_C in _cut(changed):
                self._copy(space, line_C)
                yield

    def _every(self) -> Iterator[tuple[str, Ints]]:
        """All lines that there are now; of each space a slice, be it an empty one."""
        for space, length in self._lines.lengths.items():
            size = _size(space)
            for first in range(0, max(length, 1), size):
                yield space, np.arange(first, min(first + size, length))

    def _copy(self, space: str, line_C: Ints) -> None:
        part = self._lines.part(space, line_C)
        text = None if part.entries is None else written(part.entries).tobytes()
        self._slices.append(Slice(space, replace(part, entries=None), text))


def _cut(changed: Mapping[str, Ints]) -> Iterator[tuple[str, Ints]]:
    for space, line_C in changed.items():
        for first in range(0, len(line_C), size := _size(space)):
            yield space, line_C[first : first + size]


def _size(space: str) -> int:
    return TEXTS if space == ITEMS or space.startswith(NAMES) else SLICE


def _texts(length: int, first: list[Slice], later: list[Slice]) -> list[bytes]:
    """The text of each line, with its end; of what was copied again, the last one."""
    text_N = [line for one in first for line in (one.text or b"").splitlines(keepends=True)]
    text_N += [b""] * (length - len(text_N))
    for one in later:
        for n, line in zip(one.part.line_C.tolist(), (one.text or b"").splitlines(keepends=True), strict=True):
            text_N[n] = line
    return text_N
