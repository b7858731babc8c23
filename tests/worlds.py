"""Worlds in which the right answer is visible: even users like even items, odd users odd ones.

Plain twins of what the learner exports and of what serves, in memory. Nothing here is a mock: each keeps its contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.live import Bundle
from serving.scorer import Asker
from streams.events import Impression, Interaction, Item, Shown

LABELS = ("click", "like")


def even(name: str) -> bool:
    """Whether a user or item ("u4", "i7") is even."""
    return int(name[1:]) % 2 == 0


class MemoryScorer:
    """Knows `item_ids`; a user likes the parity of the last item of the history, or else its own.

    Among equals the item with the smaller number is better.
    """

    labels = LABELS

    def __init__(self, version: int, item_ids: Sequence[str]) -> None:
        self.version = self.tower_version = self.ranker_version = version
        self.item_ids = list(item_ids)
        self._rows = {item_id: row for row, item_id in enumerate(self.item_ids)}
        angles = [0.0 if even(item_id) else np.pi / 2 for item_id in self.item_ids]
        self.item_vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.int32]:
        return np.array([self._rows.get(item_id, -1) for item_id in item_ids], np.int32)

    def user_vector(self, asker: Asker) -> NDArray[np.float32]:
        return np.array([1, 0] if self._likes_even(asker) else [0, 1], np.float32)

    def score(self, asker: Asker, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        likes = self._likes_even(asker)
        names = [self.item_ids[row] for row in rows.tolist()]
        click = [(0.8 if even(name) == likes else 0.2) - int(name[1:]) / 10_000 for name in names]
        return np.array([[p, p / 10] for p in click], np.float32).reshape(len(names), 2)

    def _likes_even(self, asker: Asker) -> bool:
        return even(asker.history[-1].item_id if asker.history else asker.user_id)


class MemoryGeneration:
    """Exact search over a scorer's vectors, first rows first among equals."""

    def __init__(self, version: int, item_vectors: NDArray[np.float32]) -> None:
        self.version = version
        self.items = len(item_vectors)
        self.changes = object()
        self._vectors = item_vectors

    def search(
        self,
        query_D: NDArray[np.float32],
        k: int,
        hide: NDArray[np.uint8] | None = None,
        *,
        beyond: bool = False,
        ef: int | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        score_N = self._vectors @ query_D
        open_N = np.ones(len(score_N), bool) if hide is None else hide == 0
        rows = [row for row in np.argsort(-score_N, kind="stable").tolist() if open_N[row]][:k]
        return np.array(rows, np.int32), score_N[rows]


def bundle_of(version: int, items: int = 20, *, tower: int | None = None, ranker: int | None = None) -> Bundle:
    """A version that knows items i0 to i{items - 1}; with `tower` or `ranker`, files of another took their place."""
    scorer = MemoryScorer(version, [f"i{n}" for n in range(items)])
    bundle = Bundle(version, scorer, MemoryGeneration(version, scorer.item_vectors))
    scorer.tower_version, scorer.ranker_version = tower or version, ranker or version
    return bundle


@dataclass
class MemoryLive:
    """What serves is what was assigned last."""

    bundle: Bundle | None = None

    def current(self) -> Bundle | None:
        return self.bundle


@dataclass
class Now:
    """A clock that stands until it is moved."""

    at: int = 1_000_000_000

    def __call__(self) -> int:
        return self.at


@dataclass
class Telling:
    """Makes events with ids of their own, at a time that moves on by a millisecond each."""

    now: Now = field(default_factory=Now)
    count: int = 0

    def item(self, item_id: str, **fields: object) -> Item:
        return Item(self._id(), self.now(), item_id, **fields)

    def gone(self, item_id: str) -> Item:
        return self.item(item_id, deleted=True)

    def click(self, user_id: str, item_id: str, type: str = "click", **fields: object) -> Interaction:
        return Interaction(self._id(), self.now(), user_id, type, item_id=item_id, **fields)

    def shown(self, user_id: str, *item_ids: str, request_id: str = "r") -> Impression:
        items = tuple(Shown(item_id, position) for position, item_id in enumerate(item_ids))
        return Impression(self._id(), self.now(), user_id, request_id, items)

    def _id(self) -> str:
        self.count += 1
        self.now.at += 1
        return f"e{self.count}"
