"""From values to a list: demote what was shown in vain, choose the unlike, leave some places to chance.

Pure: the same arrays and the same random numbers give the same list. Chance is logged: the propensity of each place is
the probability that this item got it, given the places before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from serving.limits import NONE, Limits, Open

Floats = NDArray[np.float32]
DEEPEST = 10
"""Showings in vain beyond this demote no further."""


class Chosen(Struct, frozen=True, gc=False):
    """One place: which candidate, how probable that was, and whether chance preferred it to the best."""

    index: int
    propensity: float
    explored: bool = False


def demoted(value_I: Floats, shown_I: Sequence[int], keep: float) -> Floats:
    """Values after fatigue: each showing in vain leaves `keep` of it.

    >>> demoted(np.array([1.0, 1.0], np.float32), [0, 2], keep=0.5).tolist()
    [1.0, 0.25]
    """
    if not any(shown_I):
        return value_I
    fatigue_I = keep ** np.minimum(np.array(shown_I, np.float32), DEEPEST)
    demoted_I: Floats = value_I * fatigue_I.astype(np.float32)
    return demoted_I


def likeness(vector_ID: Floats, categories: Sequence[tuple[str, ...]], has_vector_I: NDArray[np.bool_]) -> Floats:
    """How like items are, 0 to 1: by vectors where both have one, else by their share of common categories.

    >>> east, none = [1.0, 0.0], [0.0, 0.0]
    >>> vectors, known = np.array([east, east, none], np.float32), np.array([True, True, False])
    >>> likeness(vectors, [("a",), ("b",), ("b",)], known).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """
    like_II: Floats = np.minimum(np.maximum(vector_ID @ vector_ID.T, 0.0), 1.0)
    without_U = np.flatnonzero(~has_vector_I)
    if len(without_U):
        common_UI = _common(categories, without_U)
        like_II[without_U, :], like_II[:, without_U] = common_UI, common_UI.T
    return like_II


def choose(
    value_I: Floats,
    like_II: Floats,
    count: int,
    *,
    diversity: float,
    epsilon: float,
    random: Random,
    limits: Limits = NONE,
    drawn_DI: Floats | None = None,
) -> list[Chosen]:
    """Fill `count` places, the best first, by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998,
    section 2); with probability `epsilon` a place goes to any alike of those that `limits` leave. Else it goes to the
    best by the values, or by any of `drawn_DI`, each alike.

    Values are spread over 0 to 1 first, so that `diversity` means the same whatever an action is worth.

    Three items, of which the first two are of one kind, worth 1, 0.9 and 0.5, so 1, 0.8 and 0 when spread. Once the
    first has its place, half diversity leaves 0.5 x 0.8 - 0.5 x 1 = -0.1 of the second, and 0 of the unlike third,
    which is before it then; a tenth leaves 0.9 x 0.8 - 0.1 = 0.62, and all stay by their worth.

    >>> alike = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    >>> value = np.array([1.0, 0.9, 0.5], np.float32)
    >>> [c.index for c in choose(value, alike, 3, diversity=0.5, epsilon=0.0, random=Random(1))]
    [0, 2, 1]
    >>> [c.index for c in choose(value, alike, 3, diversity=0.1, epsilon=0.0, random=Random(1))]
    [0, 1, 2]

    The same with at most one of a kind in two places, however little diversity is asked for:

    >>> from serving.limits import groups_of
    >>> limits = Limits(groups_of([("tea",), ("tea",), ("jam",)], most=1))
    >>> [c.index for c in choose(value, alike, 2, diversity=0.0, epsilon=0.0, random=Random(1), limits=limits)]
    [0, 2]
    """
    count = min(count, len(value_I))
    filling = _Filling(value_I, like_II, count, diversity, limits=limits, drawn_DI=drawn_DI)
    return list(_places(filling, count, epsilon, random))


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a policy thinks of one place of a slate that was shown: the chance that it would have put this item there,
    after the same ones, and what it expects of the place, by some worth of the candidates."""

    chance: float
    expected: float


def foreseen(
    value_I: Floats,
    like_II: Floats,
    shown: Sequence[int],
    worth_I: Floats,
    *,
    diversity: float,
    epsilon: float,
    limits: Limits = NONE,
    drawn_DI: Floats | None = None,
) -> list[Foreseen]:
    """How `choose` would have filled the places of `shown` (candidates, -1 where it has no such), each after the
    places before it. Behind the first that it would never show it is not asked any more.

    >>> alike, value = np.eye(2, dtype=np.float32), np.array([1.0, 0.5], np.float32)
    >>> foreseen(value, alike, [1, 0], np.array([0.5, 0.25], np.float32), diversity=0.0, epsilon=0.5)
    [Foreseen(chance=0.25, expected=0.4375), Foreseen(chance=1.0, expected=0.5)]
    """
    shown = shown[: len(value_I)]
    filling = _Filling(value_I, like_II, len(shown), diversity, limits=limits, drawn_DI=drawn_DI)
    told = []
    for index in shown:
        place = filling.next()
        expected = (1 - epsilon) * float(worth_I[place.best_D].mean()) + epsilon * float(worth_I[place.open_I].mean())
        chance = place.chance(index, epsilon) if index >= 0 else 0.0
        told.append(Foreseen(chance, expected))
        if not chance:
            break
        filling.take(index)
    return told


class _Place(Struct, frozen=True, gc=False):
    """One place before it is filled: who may have it, how many they are, the best by each draw, and the best by the
    values."""

    open_I: NDArray[np.bool_]
    open: int
    best_D: list[int]
    best: int

    def chance(self, index: int, epsilon: float) -> float:
        """The probability that a candidate gets it."""
        if not self.open_I[index]:
            return 0.0
        return epsilon / self.open + (1 - epsilon) * (self.best_D.count(index) / len(self.best_D))


class _Filling:
    """The places filled so far, and whose the next one may be: the one law of `choose` and of `foreseen`."""

    def __init__(
        self,
        value_I: Floats,
        like_II: Floats,
        count: int,
        diversity: float,
        *,
        limits: Limits,
        drawn_DI: Floats | None,
    ) -> None:
        value_1I = value_I[None]
        rows_RI = value_1I if drawn_DI is None else np.concatenate([value_1I, drawn_DI])
        self._value_RI = (1 - diversity) * _spread(value_I, rows_RI)
        self._marginal_RI = self._value_RI.copy()
        self._open = Open(len(value_I), count, limits)
        self._like_II, self._diversity = like_II, diversity
        self._near_I = np.zeros(len(value_I), np.float32)

    def next(self) -> _Place:
        opened, open_I = self._open, self._open.following()
        left = opened.left if open_I is opened.free_I else int(np.count_nonzero(open_I))
        marginal_RI = self._marginal_RI if left == opened.left else np.where(open_I, self._marginal_RI, -np.inf)
        best, *drawn = marginal_RI.argmax(axis=1).tolist()
        return _Place(open_I, left, drawn or [best], best)

    def take(self, index: int) -> None:
        self._open.take(index)
        self._value_RI[:, index] = -np.inf
        np.maximum(self._near_I, self._like_II[index], out=self._near_I)
        np.subtract(self._value_RI, self._diversity * self._near_I, out=self._marginal_RI)


def _places(filling: _Filling, count: int, epsilon: float, random: Random) -> Iterator[Chosen]:
    for _ in range(count):
        place = filling.next()
        index = place.best_D[random.randrange(len(place.best_D)) if len(place.best_D) > 1 else 0]
        if random.random() < epsilon:
            index = int(random.choice(np.flatnonzero(place.open_I).tolist()))
        yield Chosen(index, place.chance(index, epsilon), index != place.best)
        filling.take(index)


def _spread(value_I: Floats, rows_RI: Floats) -> Floats:
    """Rows on the scale on which the values lie between 0 and 1."""
    if not len(value_I):
        return rows_RI
    low, high = float(value_I.min()), float(value_I.max())
    spread_RI: Floats = (rows_RI - low) / max(high - low, 1e-12)
    return spread_RI


def _common(categories: Sequence[tuple[str, ...]], one_U: NDArray[np.int64]) -> Floats:
    """The share of common categories of some and all."""
    place_of: dict[str, int] = {}
    pairs = [(n, place_of.setdefault(name, len(place_of))) for n, names in enumerate(categories) for name in names]
    has_IC = np.zeros((len(categories), len(place_of)))
    if pairs:
        has_IC[tuple(np.array(pairs).T)] = 1.0
    both_UI = has_IC[one_U] @ has_IC.T
    count_I = has_IC.sum(axis=1)
    shared_UI: Floats = (both_UI / np.maximum(count_I[one_U, None] + count_I - both_UI, 1.0)).astype(np.float32)
    return shared_UI
