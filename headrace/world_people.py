"""The people of the simulated world: what they hide. Several interests each, moods, boredom, drift.

An interest is a tag, or two tags that must come together. Circles of people share interests, which is what a learner
can find across users. Refuses to know what was shown to whom except as boredom.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from headrace.world_items import PER_CATEGORY, Catalogue

INTERESTS = 4
CIRCLES = 8
CIRCLE_INTERESTS = 6
SHARED = 0.85
"""Share of a person's interests that come from the circle."""
NEAR = 0.8
"""Chance that a circle's interest stays in the categories that the circle has."""
PAIRED = 0.4
"""Share of interests that want two tags together."""
HALF = 0.45
"""What one of two wanted tags is worth."""
RELATED = 0.3
"""What an item of a right category is worth without a wanted tag."""
MOOD_HOURS = 14
OFF_MOOD = 0.35


class People:
    """Interests of everyone, as columns; `drift` swaps some of them.

    >>> crowd = People(np.random.default_rng(1), Catalogue(np.random.default_rng(1)), users=3)
    >>> crowd.first_UK.shape, len(crowd.draw_activity())
    ((3, 4), 3)
    """

    def __init__(self, rng: np.random.Generator, items: Catalogue, *, users: int) -> None:
        self._rng = rng
        self._items = items
        self._circles = [self._circle() for _ in range(CIRCLES)]
        size_C = np.arange(1, CIRCLES + 1) ** -0.3
        self._circle_U = rng.choice(CIRCLES, users, p=size_C / size_C.sum())
        self.first_UK = np.zeros((users, INTERESTS), np.int64)
        self.second_UK = np.zeros((users, INTERESTS), np.int64)
        self.weight_UK = np.zeros((users, INTERESTS), np.float32)
        self.mood_UK = np.zeros((users, INTERESTS), np.int64)
        for user in range(users):
            for slot in range(INTERESTS):
                self._turn_to_another(user, slot)

    def draw_activity(self) -> npt.NDArray[np.float64]:
        """Shares of the pages that each user asks for."""
        rate_U = np.exp(self._rng.normal(0.0, 0.5, len(self.first_UK)))
        out: npt.NDArray[np.float64] = rate_U / rate_U.sum()
        return out

    def drift(self, swaps: float) -> None:
        """About `swaps` interests end, each giving way to another."""
        for _ in range(self._rng.poisson(swaps)):
            self._turn_to_another(int(self._rng.integers(len(self.first_UK))), int(self._rng.integers(INTERESTS)))

    def drive(self, user: int, hour: int) -> npt.NDArray[np.float32]:
        """How much each item speaks to the strongest of the user's interests at this hour, in 0 to 1."""
        first_K, second_K = self.first_UK[user], self.second_UK[user]
        tag_TI = self._items.tag_TI
        awake_K = (hour - self.mood_UK[user]) % 24 < MOOD_HOURS
        strength_K = self.weight_UK[user] * np.where(awake_K, 1.0, OFF_MOOD).astype(np.float32)
        match_KI = tag_TI[first_K] * (HALF + (1 - HALF) * tag_TI[second_K])
        related_I = np.isin(self._items.category_I, first_K // PER_CATEGORY)
        best_I: npt.NDArray[np.float32] = (strength_K[:, None] * match_KI).max(axis=0)
        return np.maximum(best_I, np.float32(RELATED) * related_I)

    def _interest(self) -> tuple[int, int]:
        first = self._items.draw_tag(self._rng)
        return first, self._items.draw_neighbour(self._rng, first) if self._rng.random() < PAIRED else first

    def _circle(self) -> list[tuple[int, int]]:
        interests = [self._interest(), self._interest()]
        home = {tag // PER_CATEGORY for tag, _ in interests}
        while len(interests) < CIRCLE_INTERESTS:
            drawn = self._interest()
            if drawn[0] // PER_CATEGORY in home or self._rng.random() > NEAR:
                interests.append(drawn)
        return interests

    def _turn_to_another(self, user: int, slot: int) -> None:
        rng, circle = self._rng, self._circles[self._circle_U[user]]
        first, second = circle[rng.integers(len(circle))] if rng.random() < SHARED else self._interest()
        self.first_UK[user, slot], self.second_UK[user, slot] = first, second
        self.weight_UK[user, slot] = rng.uniform(0.6, 1.0)
        common = first // PER_CATEGORY * 3
        self.mood_UK[user, slot] = common if rng.random() < 0.5 else rng.integers(24)


class Boredom:
    """A level per row and column that halves every `half_life` ms, and rises with each exposure.

    >>> bored = Boredom(rows=1, columns=2, half_life=1_000)
    >>> bored.add(0, np.array([1]), np.array([1.0]), now=0)
    >>> bored.level(0, now=1_000).tolist()
    [0.0, 0.5]
    """

    def __init__(self, *, rows: int, columns: int, half_life: int) -> None:
        self._half_life = half_life
        self._level_RC = np.zeros((rows, columns), np.float32)
        self._at_RC = np.zeros((rows, columns), np.int64)

    def level(self, row: int, now: int) -> npt.NDArray[np.float32]:
        """Levels of one row as of `now`."""
        age_C = (now - self._at_RC[row]).astype(np.float32)
        out: npt.NDArray[np.float32] = self._level_RC[row] * np.exp2(-age_C / self._half_life)
        return out

    def add(self, row: int, columns: npt.NDArray[np.int64], amounts: npt.NDArray[np.float64], now: int) -> None:
        """Raise the levels of `columns`, which must differ from each other."""
        self._level_RC[row, columns] = self.level(row, now)[columns] + amounts
        self._at_RC[row, columns] = now

    def widen(self, columns: int) -> None:
        """Make room for new columns, at level 0."""
        short = columns - self._level_RC.shape[1]
        if short > 0:
            room = ((0, 0), (0, max(short, 256)))
            self._level_RC, self._at_RC = np.pad(self._level_RC, room), np.pad(self._at_RC, room)
