"""A learner of the size of a real one, made without learning a year: rows, counts and items drawn from a seed.

`grown` writes it as a version would be, whole; `Traffic` gives batches that read and change it: slates of ten items by
Zipf, users with a history, one click in twenty.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from learners.catalogue import AUTHOR, CATEGORY, ITEM
from learners.features import USER
from learners.frozen_copies import FrozenCopies
from learners.keeper import keep_whole
from learners.keeping import Arrays
from learners.named_learners import make_learner
from learners.ordering import Batch, Example
from learners.riding_along import RidingAlong
from learners.rivals import ITEMS
from learners.river_linear import MOST
from learners.two_stage_learner import TwoStageLearner
from streams.examples import Attributes, Past, Row, Shot

LABELS, CONTEXT = ("click", "long"), ("hour",)
SLATE, HISTORY, PAIRS, CATEGORIES = 10, 20, 3, 1_000
BY_ROW = ("rank.rows", "rank.state", "seek.rows", "seek.state", "counts")


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each there are; `pairs` are those of users with what items are."""

    items: int
    users: int

    @property
    def authors(self) -> int:
        return max(1, self.items // 20)


def fresh() -> TwoStageLearner:
    """A learner that has learned nothing."""
    learner = make_learner(labels=LABELS, context=CONTEXT, seed=7)
    assert isinstance(learner, TwoStageLearner)
    return learner


def grown(folder: Path, size: Size, *, seed: int = 0) -> None:
    """Write a learner of this size, whole."""
    random, learner = np.random.default_rng(seed), fresh()
    arrays, document = learner._state()
    fallbacks = len(arrays["ids.space"])
    spaces = ((ITEM, size.items), (USER, size.users), (AUTHOR, size.authors), (CATEGORY, CATEGORIES))
    space_R = np.concatenate([arrays["ids.space"], *(np.full(count, 2 * space) for space, count in spaces)])
    key_R = np.concatenate([arrays["ids.key"], *(np.arange(1, count + 1) for _, count in spaces)])
    arrays |= {"ids.space": space_R.astype(np.int64), "ids.key": key_R.astype(np.int64)}
    arrays["touched.stamp"] = np.ones(len(space_R), np.int32)
    for name in BY_ROW:
        arrays[name] = _rows(random, arrays[name], len(space_R))
    arrays["totals"] = arrays["counts"][:, :3].sum(axis=0)
    arrays |= _pairs(random, size, fallbacks) | _entries(size)
    items = [_item(n, size) for n in range(1, size.items + 1)]
    told = [[one.item_id, one.ts, one.author, one.categories, one.tags, False] for one in items]
    keep_whole(folder, arrays, document | {"items": told, "often": 10_000, "rows_learned": 1})


def challenged(size: Size) -> RidingAlong:
    """What rides along in the product, and has seen as many names as it may."""
    riding = RidingAlong(LABELS[0], every=64, context=CONTEXT, frozen=FrozenCopies(fresh))
    told = riding.state()
    names = [f"user*category={n % size.users}*{n // size.users}" for n in range(MOST)]
    items = [f"item={n % size.items}*{n // size.items}" for n in range(ITEMS)]
    for rival, of in (("river ftrl", names), ("popularity", items)):
        told[f"{rival}/learned/names"] = np.frombuffer(json.dumps(of).encode(), np.uint8)
    told["river ftrl/learned/told_N3"] = np.ones((MOST, 3))
    told["popularity/learned/seen_N2"] = np.ones((1 + ITEMS, 2))
    riding.load(told)
    return riding


class Traffic:
    """Batches of rows, one slate after the other."""

    def __init__(self, size: Size, *, seed: int = 1) -> None:
        self._random, self._size, self._at = np.random.default_rng(seed), size, 0

    def batch(self, rows: int) -> Batch:
        """The next rows."""
        return Batch(tuple(row for _ in range(rows // SLATE) for row in self._slate()), self._at)

    def _slate(self) -> list[Example]:
        self._at += SLATE
        user = str(1 + int(self._random.integers(self._size.users)))
        past = tuple(Past(str(item), "click", self._at - 5) for item in self._items(HISTORY))
        shot = Shot(user, self._at, surface="home", context={"hour": float(self._at // 3_600_000 % 24)}, history=past)
        told = []
        for position, item in enumerate(self._items(SLATE)):
            labels = {"click": float(self._random.random() < 0.05)}
            name = f"{self._at}-{position}"
            row = Row(self._at + position, self._at, "label", name, labels, 1.0, str(item), position, first=True)
            told.append(Example(row, shot, _item(item, self._size), 0))
        return told

    def _items(self, count: int) -> list[int]:
        drawn = self._random.zipf(1.05, 4 * count)
        return [int(item) for item in drawn[drawn <= self._size.items][:count]]


def _item(number: int, size: Size) -> Attributes:
    category, tags = str(1 + number % CATEGORIES), (str(1 + number % 300), str(1 + number % 7))
    return Attributes(str(number), 1, (category,), tags, str(1 + number % size.authors))


def _rows(random: np.random.Generator, like: np.ndarray, rows: int) -> np.ndarray:
    drawn = random.random((rows, *like.shape[1:]), np.float32)
    return np.floor(drawn * 20).astype(like.dtype) if like.dtype == np.float64 else drawn.astype(like.dtype)


def _pairs(random: np.random.Generator, size: Size, fallbacks: int) -> Arrays:
    """Each user with some authors."""
    user_P = np.repeat(fallbacks + size.items + np.arange(size.users), PAIRS)
    author_P = (np.arange(size.users)[:, None] * 7 + np.arange(PAIRS)).ravel() % size.authors
    value_P = fallbacks + size.items + size.users + author_P
    counts = np.floor(random.random((len(user_P), 1 + len(LABELS))) * 3)
    return {"pairs.user": user_P, "pairs.value": value_P, "pairs.counts": counts}


def _entries(size: Size) -> Arrays:
    gap = np.full(size.items, 5_000.0)
    return {"often.gap": gap, "often.last": gap.copy(), "items.rests": np.zeros(size.items, np.bool_)}
