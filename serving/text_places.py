"""Which place a text has among a million, with neither a dictionary nor a text object: hashes in one flat array.

A dictionary of a million texts takes a second to fill with the interpreter lock held, as long to free, and is walked
by the collector. Here a kernel fills the table straight from the bytes, and the lock is free meanwhile. What is read
must not change; `Texts` stand mapped from files that do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from serving.texts import Texts

_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True}
compiled: Any = njit(**_OPTIONS)
inlined: Any = njit(**_OPTIONS, inline="always")

NONE = -1
FREE = 2
"""Slots of the table by texts, at least; a power of two, so that the lowest bits of a hash are a slot."""
MET = 16_384
"""Texts that are remembered: so few are forgotten within a millisecond."""


@inlined
def _slot(byte_X: Any, start: Any, end: Any, seed: Any, last: Any) -> Any:
    """FNV-1a, then mixed, since only its low bits are used; the seed is of this process, so nobody can aim at it."""
    mixed = np.uint64(seed)
    for at in range(start, end):
        mixed = (mixed ^ np.uint64(byte_X[at])) * np.uint64(0x100000001B3)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(last))


@inlined
def _same(a_X: Any, start: Any, end: Any, b_X: Any, other: Any, other_end: Any) -> Any:
    at = start if end - start == other_end - other else end + 1
    while at < end and a_X[at] == b_X[other + at - start]:
        at += 1
    return at == end


@compiled
def _fill(table_S: Any, byte_X: Any, end_N: Any, seed: Any) -> None:
    """Each text into the first slot from its own on that is free; of the same ones the last stands. "" has none."""
    last, start = len(table_S) - 1, np.int64(0)
    for place in range(len(end_N)):
        end = end_N[place]
        if end > start:
            slot = _slot(byte_X, start, end, seed, last)
            while table_S[slot] != NONE:
                held = table_S[slot]
                if _same(byte_X, start, end, byte_X, end_N[held - 1] if held else 0, end_N[held]):
                    break
                slot = (slot + 1) & last
            table_S[slot] = place
        start = end


@compiled
def _find(table_S: Any, byte_X: Any, end_N: Any, seed: Any, asked_Y: Any, asked_M: Any, found_M: Any) -> None:
    last, start = len(table_S) - 1, np.int64(0)
    for one in range(len(asked_M)):
        end = asked_M[one]
        found_M[one] = NONE
        slot = _slot(asked_Y, start, end, seed, last)
        while table_S[slot] != NONE:
            held = table_S[slot]
            if _same(asked_Y, start, end, byte_X, end_N[held - 1] if held else 0, end_N[held]):
                found_M[one] = held
                break
            slot = (slot + 1) & last
        start = end


class TextPlaces:
    """The place of each text. What single requests ask for is remembered, since the way into a kernel takes longer.

    >>> places = TextPlaces(Texts.of(["tea", "", "jam"]))
    >>> places.of(["jam", "oil", "", "tea"]), places.of_all(Texts.of(["jam"])).tolist()
    ([2, -1, -1, 0], [2])
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._seed = np.uint64(hash("a secret of this process") & 0xFFFFFFFFFFFFFFFF)
        self._table_S: NDArray[np.int32] = np.full(1 << (FREE * len(texts)).bit_length(), NONE, np.int32)
        _fill(self._table_S, texts.byte_X, texts.end_N, self._seed)
        self._met: dict[str, int] = {}

    def of(self, asked: Iterable[str]) -> list[int]:
        """Of each text its place, -1 where there is none."""
        met, texts = self._met, list(asked)
        found = [met.get(text) for text in texts]
        if None not in found:
            return found  # type: ignore[return-value]
        places: list[int] = self.of_all(Texts.of(texts)).tolist()
        if len(met) + len(texts) > MET:
            met = self._met = {}
        met.update(zip(texts[:MET], places, strict=False))
        return places

    def of_all(self, asked: Texts) -> NDArray[np.int32]:
        """The same for very many, int32 [n], with the interpreter lock free."""
        found_M = np.empty(len(asked), np.int32)
        own = self._texts
        _find(self._table_S, own.byte_X, own.end_N, self._seed, asked.byte_X, asked.end_N, found_M)
        return found_M
