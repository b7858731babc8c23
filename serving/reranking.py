"""From values to a list: demote what was shown in vain, choose the unlike, leave some places to chance.

Pure: the same arrays and the same random numbers give the same list. Chance is logged: the propensity of each place is
the probability that this item got it, given the places before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
DEEPEST = 10
"""Showings in vain beyond this demote no further."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One place: which candidate, and how probable that was."""

    index: int
    propensity: float


def demoted(value_I: Floats, shown_I: Sequence[int], keep: float) -> Floats:
    """Values after fatigue: each showing in vain leaves `keep` of it.

    >>> demoted(np.array([1.0, 1.0], np.float32), [0, 2], keep=0.5).tolist()
    [1.0, 0.25]
    """
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
    like_II: Floats = np.clip(vector_ID @ vector_ID.T, 0.0, 1.0)
    for one in np.flatnonzero(~has_vector_I).tolist():
        row_I = np.array([_common(categories[one], other) for other in categories], np.float32)
        like_II[one, :], like_II[:, one] = row_I, row_I
    return like_II


def choose(
    value_I: Floats, like_II: Floats, count: int, *, diversity: float, epsilon: float, random: Random
) -> list[Chosen]:
    """Fill `count` places, the best first, by maximal marginal relevance; with probability `epsilon` a place goes to
    any of the rest alike.

    Values are spread over 0 to 1 first, so that `diversity` means the same whatever an action is worth.

    >>> alike = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    >>> value = np.array([1.0, 0.9, 0.5], np.float32)
    >>> [c.index for c in choose(value, alike, 3, diversity=0.0, epsilon=0.0, random=Random(1))]
    [0, 1, 2]
    >>> [c.index for c in choose(value, alike, 3, diversity=0.5, epsilon=0.0, random=Random(1))]
    [0, 2, 1]
    """
    return list(_places(_spread(value_I), like_II, min(count, len(value_I)), diversity, epsilon, random))


def _places(
    value_I: Floats, like_II: Floats, count: int, diversity: float, epsilon: float, random: Random
) -> Iterator[Chosen]:
    near_I = np.zeros(len(value_I), np.float32)
    free_I = np.ones(len(value_I), np.bool_)
    for place in range(count):
        marginal_I = np.where(free_I, (1 - diversity) * value_I - diversity * near_I, -np.inf)
        best = int(marginal_I.argmax())
        chance = epsilon / (len(value_I) - place)
        index = best
        if random.random() < epsilon:
            index = int(random.choice(np.flatnonzero(free_I).tolist()))
        yield Chosen(index, chance + (1 - epsilon if index == best else 0.0))
        free_I[index] = False
        np.maximum(near_I, like_II[index], out=near_I)


def _spread(value_I: Floats) -> Floats:
    if not len(value_I):
        return value_I
    low, high = float(value_I.min()), float(value_I.max())
    spread_I: Floats = (value_I - low) / max(high - low, 1e-12)
    return spread_I


def _common(left: tuple[str, ...], right: tuple[str, ...]) -> float:
    return len(set(left) & set(right)) / max(len(set(left) | set(right)), 1)
