"""What sources found, as it goes through ranking: rows of a version, whose ids nobody looks at before a list is full.

A text of a large catalogue lies anywhere in memory, and each look at one costs as much as scoring an item. Data only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from serving.live import Bundle

Keys = NDArray[np.int32]
"""What candidates are called within a request: their rows, or numbers below zero where the version does not know them.
"""
NONE: Keys = np.zeros(0, np.int32)


class Strangers:
    """The ids that one request found and its version does not know, numbered from -1 downwards.

    >>> strangers = Strangers()
    >>> strangers.keys(["jam", "tea", "oil"], np.array([-1, 7, -1], np.int32)).tolist(), strangers.key("jam")
    ([-1, 7, -2], -1)
    >>> strangers.item_id(-2)
    'oil'
    """

    def __init__(self) -> None:
        self._key: dict[str, int] = {}
        self._item_ids: list[str] = []

    def key(self, item_id: str) -> int:
        """The number of one, given on first sight."""
        key = self._key.get(item_id)
        if key is None:
            self._item_ids.append(item_id)
            key = self._key[item_id] = -len(self._item_ids)
        return key

    def item_id(self, key: int) -> str:
        """Whose number it is."""
        return self._item_ids[-1 - key]

    def keys(self, item_ids: Sequence[str], row_K: Keys) -> Keys:
        """Of items with rows, -1 for those that have none."""
        if not len(row_K) or row_K.min() >= 0:
            return row_K
        key_K = row_K.copy()
        for place in np.flatnonzero(row_K < 0).tolist():
            key_K[place] = self.key(item_ids[place])
        return key_K


@dataclass(frozen=True)
class Candidates:
    """Items to score: `row_I` are their rows in the version, -1 where it does not know them, and `other` the ids of
    those; `offered` are the ids of rows, `source_I` places in `origins`.

    >>> source_I = np.array([0, 1], np.uint8)
    >>> found = Candidates(np.array([1, -1]), source_I, ("vectors", "fresh"), ["tea", "jam"], {1: "oil"})
    >>> found.item_ids, found.sources, found.item_id(0), len(found)
    (['jam', 'oil'], ['vectors', 'fresh'], 'jam', 2)
    """

    row_I: NDArray[np.int32]
    source_I: NDArray[np.uint8]
    origins: Sequence[str]
    offered: Sequence[str]
    other: Mapping[int, str]

    @classmethod
    def given(cls, item_ids: Sequence[str], source: str, bundle: Bundle) -> Candidates:
        """These items, all from one source."""
        row_I = bundle.scorer.rows_of(item_ids)
        other = {index: item_ids[index] for index in np.flatnonzero(row_I < 0).tolist()}
        return cls(row_I, np.zeros(len(row_I), np.uint8), (source,), bundle.scorer.item_ids, other)

    @classmethod
    def of(cls, found: Iterable[tuple[str, Keys]], strangers: Strangers, bundle: Bundle) -> Candidates:
        """What sources found, each item once, with the source that named it first."""
        origins, keys = list[str](), list[Keys]()
        for source, key_K in found:
            origins.append(source)
            keys.append(key_K)
        key_M = np.concatenate(keys) if keys else NONE
        first_I = np.unique(key_M, return_index=True)[1]
        first_I.sort()
        source_M = np.repeat(np.arange(len(keys), dtype=np.uint8), [len(key_K) for key_K in keys])
        key_I = key_M[first_I]
        other = {index: strangers.item_id(int(key_I[index])) for index in np.flatnonzero(key_I < 0).tolist()}
        return cls(np.maximum(key_I, -1), source_M[first_I], tuple(origins), bundle.scorer.item_ids, other)

    def kept(self, keep_I: NDArray[np.bool_]) -> Candidates:
        """Only some of them."""
        if keep_I.all():
            return self
        index_K = np.flatnonzero(keep_I)
        other = {place: self.other[index] for place, index in enumerate(index_K.tolist()) if index in self.other}
        return Candidates(self.row_I[index_K], self.source_I[index_K], self.origins, self.offered, other)

    def then(self, item_ids: Sequence[str], source: str, bundle: Bundle) -> Candidates:
        """These, and others behind them."""
        more = Candidates.given(item_ids, source, bundle)
        source_M = np.full(len(more), len(self.origins), np.uint8)
        return Candidates(
            np.concatenate([self.row_I, more.row_I]),
            np.concatenate([self.source_I, source_M]),
            (*self.origins, source),
            self.offered,
            {**self.other, **{len(self) + index: item_id for index, item_id in more.other.items()}},
        )

    def __len__(self) -> int:
        return len(self.row_I)

    @cached_property
    def item_ids(self) -> list[str]:
        """Their ids."""
        offered, other = self.offered, self.other
        return [offered[row] if row >= 0 else other[index] for index, row in enumerate(self.row_I.tolist())]

    @property
    def sources(self) -> list[str]:
        """What found each."""
        return [self.origins[place] for place in self.source_I.tolist()]

    def item_id(self, index: int) -> str:
        """The id of one."""
        row = int(self.row_I[index])
        return self.offered[row] if row >= 0 else self.other[index]

    def source(self, index: int) -> str:
        """What found one."""
        return self.origins[int(self.source_I[index])]
