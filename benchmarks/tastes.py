"""People with several interests each, of which some are awake on a visit: the world of `diversity.py` and
`first_launch.py`. Unlike the demo's, nothing in it drifts and nobody is bored from page to page, so the best list of a
user stands, and chances of a page can be worked out whole.

Pure: a visit follows from the seed and its number alone, whatever was shown before. Refuses to know who serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
DEEPEST = 10
"""Nobody looks at more items of a page."""
READ_ON = 0.8
"""Chance to look at one more item."""
CEILING = 0.8
"""No chance of a click is larger."""
IDLE = 0.01
"""Chance of a click on an item that speaks to no interest, by its quality."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A world. `awake`: the chance that one of a user's interests is on a visit; `fresh`: what a further item of the
    same topic is worth on a page, of the one before; `appeal`: the chance of a click on a usual item of the liveliest
    interest; `spread` is that of the logs of items' qualities."""

    users: int = 200
    items: int = 400
    topics: int = 12
    interests: int = 4
    awake: float = 1.0
    fresh: float = 1.0
    appeal: float = 0.15
    spread: float = 0.5


@dataclass(frozen=True, slots=True)
class Visit:
    """A user opens a page: which interests are awake [K], how many items they look at, and luck for each of these."""

    number: int
    user: int
    awake_K: NDArray[np.bool_]
    depth: int
    luck_n: Floats


@dataclass(frozen=True, slots=True)
class Expected:
    """What a list leads to on average: `clicks`, of so many `looks`, and the chance that there is `any` click."""

    clicks: float
    looks: float
    any: float


class Tastes:
    """The truth of a world.

    >>> tastes = Tastes(1, Kind(users=3, items=50))
    >>> visit = tastes.visit(0)
    >>> slate = tastes.best(visit.user, 5)
    >>> told, worst = tastes.expected(visit.user, slate), tastes.expected(visit.user, slate[::-1])
    >>> told.any < told.clicks < told.looks, told.clicks > worst.clicks
    (True, True)
    >>> tastes.clicked(visit, slate) == tastes.clicked(tastes.visit(0), slate)
    True
    """

    def __init__(self, seed: int, kind: Kind) -> None:
        self.kind, self._seed = kind, seed
        rng = np.random.default_rng([seed, 0])
        self.topic_I = rng.integers(kind.topics, size=kind.items)
        self.quality_I = np.exp(rng.normal(0.0, kind.spread, kind.items))
        self.topic_UK = np.stack(
            [rng.choice(kind.topics, kind.interests, replace=False) for _ in range(kind.users)]
        ).astype(np.int64)
        self.liking_UK = -np.sort(-rng.uniform(0.4, 1.0, (kind.users, kind.interests)), axis=1)
        rate_U = np.exp(rng.normal(0.0, 0.5, kind.users))
        self._activity_U = np.cumsum(rate_U / rate_U.sum())
        self._awake_SK, self._weight_S = _moods(kind.interests, kind.awake)

    def visit(self, number: int) -> Visit:
        """Somebody opens a page; at least one of their interests is awake."""
        rng = np.random.default_rng([self._seed, 1, number])
        user = min(int(np.searchsorted(self._activity_U, rng.random())), self.kind.users - 1)
        mood = rng.choice(len(self._weight_S), p=self._weight_S)
        depth = min(int(rng.geometric(1.0 - READ_ON)), DEEPEST)
        return Visit(number, user, self._awake_SK[mood], depth, rng.random(DEEPEST))

    def clicked(self, visit: Visit, slate: Sequence[int]) -> list[int]:
        """The positions of `slate` that this visit clicks."""
        rows_n = np.array(slate[: visit.depth], np.int64)
        chance_n = self._chances(visit.user, rows_n, visit.awake_K[None])[0]
        return np.flatnonzero(visit.luck_n[: len(rows_n)] < chance_n).tolist()

    def expected(self, user: int, slate: Sequence[int]) -> Expected:
        """What `slate` leads to, over all moods that the user may be in and all depths they may read to."""
        rows_n = np.array(slate[:DEEPEST], np.int64)
        chance_Sn = self._chances(user, rows_n, self._awake_SK)
        look_n = looks(len(rows_n))
        ends_n = look_n - np.append(look_n[1:], 0.0)
        none_Sn = np.cumprod(1.0 - chance_Sn, axis=1)
        any_click = float(self._weight_S @ ((1.0 - none_Sn) @ ends_n))
        return Expected(float(self._weight_S @ (chance_Sn @ look_n)), float(look_n.sum()), any_click)

    def best(self, user: int, n: int) -> list[int]:
        """The list with the most expected clicks where no item takes from another (`fresh` = 1)."""
        return np.argsort(-self.chances(user), kind="stable")[:n].tolist()  # type: ignore[no-any-return]

    def chances(self, user: int) -> Floats:
        """By item [I] the chance of a click, once looked at, over all moods; each as if it were the first of its topic
        on the page."""
        chance_I: Floats = self._weight_S @ self._chances(user, np.arange(self.kind.items), self._awake_SK, alone=True)
        return chance_I

    def topics(self, slate: Sequence[int]) -> Ints:
        """The topic of each place."""
        return self.topic_I[list(slate)]

    def _chances(self, user: int, rows_n: Ints, awake_SK: NDArray[np.bool_], *, alone: bool = False) -> Floats:
        """By mood [S, n] the chance of a click, once looked at; `alone`: as if each were the first of its topic."""
        topic_n = self.topic_I[rows_n]
        match_Kn = (self.topic_UK[user][:, None] == topic_n) * self.liking_UK[user][:, None]
        drive_Sn = awake_SK.astype(float) @ match_Kn
        worth_n = self.quality_I[rows_n]
        if not alone:
            before_n = np.array([(topic_n[:place] == topic).sum() for place, topic in enumerate(topic_n)], float)
            worth_n = worth_n * self.kind.fresh**before_n
        out: Floats = np.minimum(CEILING, worth_n * (self.kind.appeal * drive_Sn + IDLE))
        return out


def looks(n: int) -> Floats:
    """For each of `n` positions the chance that it is looked at.

    >>> looks(3).round(2).tolist()
    [1.0, 0.8, 0.64]
    """
    out: Floats = READ_ON ** np.arange(n, dtype=float)
    return out


def _moods(interests: int, awake: float) -> tuple[NDArray[np.bool_], Floats]:
    """All sets of interests that may be awake [S, K] with their chances, none of them empty.

    >>> _moods(2, 0.5)[1].round(2).tolist()
    [0.33, 0.33, 0.33]
    """
    all_SK = np.array(list(product((False, True), repeat=interests)))[1:]
    chance_S = np.where(all_SK, awake, 1.0 - awake).prod(axis=1)
    return all_SK, chance_S / chance_S.sum()
