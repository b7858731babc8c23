"""Counting of hits: whole, and by deciles of popularity.

Deciles are of clicks, not of items: items sorted by their clicks in the stretch, rarest first, and cut so that each
part has about a tenth of the clicks. A method that shows each part as often as it is wanted has an exposure of .1 in
each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Longs = NDArray[np.int64]
K = 10
PARTS = 10
ALIKE = 1e-6


@dataclass(frozen=True, slots=True)
class Answered:
    """A block of targets (rows of the stream and their items), and the vectors as of before it was learned."""

    number: int
    target_B: Longs
    item_B: Longs
    user_BD: Floats
    vec_ED: Floats


def ranks(user_BD: Floats, vec_ED: Floats, item_B: Longs) -> Longs:
    """The rank of each wanted item among all, ties against it; 0 where it is not on offer or not among the ten.

    >>> eye = np.eye(3, dtype=np.float32)
    >>> ranks(eye[:1] + eye[1:2] / 2, eye, np.array([1])).tolist(), ranks(eye, eye, np.array([0, 0, 3])).tolist()
    ([2], [1, 3, 0])
    """
    known_B = item_B < len(vec_ED)
    if not known_B.any():
        return np.zeros(len(item_B), np.int64)
    own_B = np.einsum("bd,bd->b", user_BD, vec_ED[np.where(known_B, item_B, 0)])
    rank_B = ((user_BD @ vec_ED.T) >= (own_B - ALIKE)[:, None]).sum(axis=1)
    return np.where(known_B & (rank_B <= K), np.maximum(rank_B, 1), 0)


def deciles(item_N: Longs) -> Longs:
    """The part in which the middle of each item's clicks lies, 0 the rarest.

    >>> deciles(np.repeat(np.arange(3), [1, 4, 15])).tolist()
    [0, 1, 6]
    """
    count_E = np.bincount(item_N)
    order_E = np.argsort(count_E, kind="stable")
    middle_E = np.cumsum(count_E[order_E]) - (count_E[order_E] + 1) // 2
    part_E = np.empty(len(count_E), np.int64)
    part_E[order_E] = np.minimum(PARTS - 1, middle_E * PARTS // max(1, len(item_N)))
    return part_E


class Tally:
    """Ranks, by part of the wanted item."""

    def __init__(self, part_E: Longs) -> None:
        self._part_E = part_E
        self._wanted_P, self._hit_P, self._shown_P = (np.zeros(PARTS, np.int64) for _ in range(3))
        self._reciprocal = 0.0

    def add(self, rank_B: Longs, item_B: Longs, shown_N: Longs | None = None) -> None:
        """Count targets, and the items that were shown where they are known."""
        hit_B = rank_B > 0
        part_B = self._part_E[item_B]
        self._wanted_P += np.bincount(part_B, minlength=PARTS)
        self._hit_P += np.bincount(part_B[hit_B], minlength=PARTS)
        self._reciprocal += float((1 / rank_B[hit_B]).sum())
        if shown_N is not None:
            self._shown_P += np.bincount(self._part_E[shown_N], minlength=PARTS)

    @property
    def targets(self) -> int:
        return int(self._wanted_P.sum())

    @property
    def hr(self) -> float:
        """Share of the targets that were among the ten."""
        return float(self._hit_P.sum() / max(1, self.targets))

    @property
    def mrr(self) -> float:
        """Mean of 1 / rank, 0 beyond the ten."""
        return self._reciprocal / max(1, self.targets)

    def by_part(self, name: str) -> dict[str, Any]:
        """Recall and exposure, rarest tenth first."""
        recall_P = self._hit_P / np.maximum(1, self._wanted_P)
        shown_P = self._shown_P / max(1, self._shown_P.sum())
        told = {f"{name}_hr10_decile_{part + 1}": float(recall_P[part]) for part in range(PARTS)}
        return told | {f"{name}_exposure_decile_{part + 1}": float(shown_P[part]) for part in range(PARTS)}
