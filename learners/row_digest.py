"""A digest over many lines that costs what changed: the sum of a hash for each line, which is a function of content.

Each line's hash sees its number and its bytes in every array of its space; sums are taken modulo 2^64, twice, so the
order in which lines changed shows nowhere, and a line that changed is subtracted as it was and added as it is. What is
no line is hashed whole. 128 bits tell apart learners that went different ways; they are no signature.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.kernels.line_hashes import begin_lines, hash_lines, hash_texts, replace_lines
from learners.tables.reserved import Stretch

Array = NDArray[Any]
Arrays = dict[str, Array]
Longs = NDArray[np.int64]

RESERVE = 1 << 28


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of one space that changed: which (ascending), how many there are in all, and what they are now, in arrays
    of as many lines; or `texts`, one for each."""

    line_C: Longs
    length: int
    arrays: Mapping[str, Array]
    texts: list[bytes] | None = None


class Sum:
    """The sum over one space's lines.

    >>> one, other, value = Sum(), Sum(), np.array([5.0, 7.0])
    >>> one.take(Lines(np.array([0, 1]), 2, {"a": value}))
    >>> other.take(Lines(np.array([1]), 2, {"a": value[1:]})); other.take(Lines(np.array([0]), 2, {"a": value[:1]}))
    >>> one.told == other.told
    True
    """

    def __init__(self) -> None:
        self._kept = Stretch(np.uint64, (2,), reserve=RESERVE)
        self._sum_2 = np.zeros(2, np.uint64)
        self._length = 0

    @property
    def told(self) -> list[int]:
        """The number of lines and the sum."""
        return [self._length, *self._sum_2.tolist()]

    def take(self, lines: Lines) -> None:
        """These changed. ValueError where there are fewer lines than before."""
        if lines.length < self._length:
            raise ValueError(f"{lines.length} lines of {self._length} are left: sums go on, or begin anew")
        self._length = lines.length
        hash_C2 = np.empty((len(lines.line_C), 2), np.uint64)
        begin_lines(lines.line_C, hash_C2)
        for name, array in sorted(lines.arrays.items()):
            hash_lines(_words(array), _salt(name, array), hash_C2)
        if lines.texts is not None:
            end_C = np.cumsum([len(text) for text in lines.texts], dtype=np.int64)
            hash_texts(np.frombuffer(b"".join(lines.texts), np.uint8), end_C, hash_C2)
        replace_lines(lines.line_C, hash_C2, self._kept.reach(lines.length), self._sum_2)


class RowDigest:
    """The digest of several spaces of lines, and of what is hashed whole."""

    def __init__(self) -> None:
        self._sums: dict[str, Sum] = {}

    def take(self, spaces: Mapping[str, Lines]) -> None:
        """Lines that changed, by space."""
        for name, lines in spaces.items():
            self._sums.setdefault(name, Sum()).take(lines)

    def told(self, arrays: Mapping[str, Array], document: Mapping[str, Any]) -> str:
        """sha256 over the sums, these arrays and this document."""
        hashed = hashlib.sha256()
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            hashed.update(f"{name}{array.shape}{array.dtype}".encode())
            hashed.update(array.data)
        sums = {name: of.told for name, of in self._sums.items()}
        hashed.update(json.dumps([sums, dict(document)], sort_keys=True).encode())
        return hashed.hexdigest()


def _words(array_CX: Array) -> NDArray[np.uint32]:
    """Each line as whole words, short ones widened."""
    flat = np.ascontiguousarray(array_CX).reshape(len(array_CX), int(np.prod(array_CX.shape[1:])))
    if not flat.shape[1]:
        return np.empty((len(flat), 0), np.uint32)
    return flat.astype(np.uint32) if flat.dtype.itemsize < 4 else flat.view(np.uint32)


def _salt(name: str, array: Array) -> np.uint64:
    told = f"{name}{array.shape[1:]}{array.dtype}"
    return np.uint64(int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "little"))
