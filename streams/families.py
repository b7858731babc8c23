"""Families of keys in memory: what a batch has changed, and the whole of a store in memory.

Which of the two a family is, says its first byte, as in `join_keys.py`. Nothing here knows what the bytes mean.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import chain


class Timed:
    """A time-major family in memory: a dict, and its keys in order. A value may be None: known to be gone."""

    __slots__ = ("_keys", "values")

    def __init__(self) -> None:
        self.values: dict[bytes, bytes | None] = {}
        self._keys: list[bytes] = []

    def put(self, key: bytes, value: bytes | None) -> None:
        if key not in self.values:
            if not self._keys or key > self._keys[-1]:
                self._keys.append(key)
            else:
                insort(self._keys, key)  # keys come nearly in order: close to the end
        self.values[key] = value

    def between(self, start: bytes, stop: bytes) -> list[bytes]:
        return self._keys[bisect_left(self._keys, start) : bisect_left(self._keys, stop)]

    def drop(self, start: bytes, stop: bytes) -> None:
        for key in self.between(start, stop):
            del self.values[key]
        del self._keys[bisect_left(self._keys, start) : bisect_left(self._keys, stop)]


class Named:
    """A family in memory whose keys are found by name, and put in order only when that is asked for, which is rare."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: dict[bytes, bytes | None] = {}

    def put(self, key: bytes, value: bytes | None) -> None:
        self.values[key] = value

    def between(self, start: bytes, stop: bytes) -> list[bytes]:
        return sorted(key for key in self.values if start <= key < stop)

    def drop(self, start: bytes, stop: bytes) -> None:
        for key in self.between(start, stop):
            del self.values[key]


Families = dict[int, Timed | Named]
"""By the first byte of their keys."""


def family_of(families: Families, key: bytes) -> Timed | Named:
    """The family of a key, made when its first key comes."""
    family = families.get(key[0])
    if family is None:
        family = families[key[0]] = Timed() if key[0] < 128 else Named()
    return family


def changes_in(families: Families) -> Iterator[tuple[bytes, bytes | None]]:
    """Every key, family by family."""
    return chain.from_iterable(family.values.items() for family in families.values())
