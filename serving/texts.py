"""Texts as they lie in a file: their bytes, and where each ends. One becomes an object when it is asked for.

A list of a million texts takes a quarter of a second of the interpreter to make and to forget, 60 MB, and a look of the
collector at each; a request reads a few of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ends = NDArray[np.int64]

PIECE = 4_096
"""Texts that are cut out at a time: to make one list of a million ends holds up every thread."""


class Texts(Sequence[str]):
    """A sequence of texts over the bytes `byte_X` and the ends `end_N` (int64). They must not change.

    >>> texts = Texts(np.frombuffer(b"teapot", np.uint8), np.array([3, 6]))
    >>> list(texts), texts[1], texts[-1], texts[:1] == ["tea"]
    (['tea', 'pot'], 'pot', 'pot', True)
    """

    def __init__(self, byte_X: Bytes, end_N: Ends) -> None:
        self.byte_X = byte_X
        self.end_N = end_N
        self._bytes, self._ends = byte_X.data, end_N.data

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Copied from objects; half a character, which no file holds, is no error."""
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.fromiter(accumulate(map(len, encoded)), np.int64, len(encoded))
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            first, last, step = at.indices(len(self))
            return [self[one] for one in range(first, last, step)] if step != 1 else self._cut(first, last)
        end = self._ends[at]
        at += len(self._ends) if at < 0 else 0
        return str(self._bytes[self._ends[at - 1] if at else 0 : end], "utf-8")

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), PIECE):
            yield from self._cut(first, min(first + PIECE, len(self)))

    def first(self, count: int) -> Texts:
        """The first of them."""
        return Texts(self.byte_X, self.end_N[:count])

    def _cut(self, first: int, last: int) -> list[str]:
        ends = self.end_N[first:last].tolist()
        start = begin = self._ends[first - 1] if first else 0
        data = self.byte_X[start : ends[-1]].tobytes() if ends else b""
        texts = []
        for end in ends:
            texts.append(data[start - begin : end - begin].decode())
            start = end
        return texts
