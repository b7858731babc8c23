"""What sources found, as it goes through ranking: rows of a version, whose ids nobody looks at before a list is full.

A text of a large catalogue lies anywhere in memory, and each look at one costs as much as scoring an item. Data only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from serving.live import Bundle

Key = int | str
"""What one candidate is called within a request: its row, or its id where the version does not know it."""


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
    def of(cls, found: Mapping[Key, int], origins: Sequence[str], bundle: Bundle) -> Candidates:
        """What sources found, with the place of each one's source in `origins`."""
        offered, source_I = bundle.scorer.item_ids, np.fromiter(found.values(), np.uint8, len(found))
        if str not in set(map(type, found)):
            return cls(np.fromiter(found, np.int32, len(found)), source_I, origins, offered, {})
        other = {index: key for index, key in enumerate(found) if isinstance(key, str)}
        rows = [-1 if isinstance(key, str) else key for key in found]
        return cls(np.array(rows, np.int32), source_I, origins, offered, other)

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
