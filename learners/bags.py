"""Bags of ids: what every field of every kind becomes, for training and for exports. Plain arrays; knows no rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from learners.learner import Doubles, Floats, Ints


@dataclass(frozen=True, slots=True)
class Bags:
    """Bags of ids one after the other: `count_G` ids in each bag, in the order of `space_N` and `key_N`.

    A bag stands for the sum of its ids' lines by `weight_N`: where that is None, each weighs 1 / size of its bag. So
    bags of names are means, and bags of measured ids are sums by what was measured.
    """

    space_N: Ints
    key_N: Ints
    count_G: Ints
    weight_N: Floats | None = None

    def weights(self, owner_N: Ints | None = None) -> Floats:
        """The weight of each id in its bag; `owner_N` is the bag of each, where it is at hand.

        >>> bags = Bags(np.array([2, 2, 2]), np.array([7, 8, 7]), np.array([2, 0, 1]))
        >>> bags.weights().tolist(), joined([bags, measured(4, np.array([[0.5, np.nan]]))]).weights().tolist()
        ([0.5, 0.5, 1.0], [0.5, 0.5, 1.0, 0.5])
        """
        if self.weight_N is not None:
            return self.weight_N
        if owner_N is None:
            owner_N = np.repeat(np.arange(len(self.count_G)), self.count_G)
        weights: Floats = (1.0 / self.count_G[owner_N]).astype(np.float32)
        return weights


def measured(space: int, weight_ED: Doubles | Floats) -> Bags:
    """Bags of E owners over D measured ids, `space` as names give it; NaN where nothing was measured."""
    there_ED = ~np.isnan(weight_ED)
    key_N = np.nonzero(there_ED)[1]
    weight_N = weight_ED[there_ED].astype(np.float32)
    return Bags(np.full(len(key_N), space, np.int64), key_N, there_ED.sum(axis=1), weight_N)


def listed(space: int, keys_S: Iterable[tuple[int, ...]]) -> Bags:
    """Bags of keys that are numbers already."""
    keys = [*keys_S]
    key_N = np.array([key for one in keys for key in one], np.int64)
    return Bags(np.full(len(key_N), space, np.int64), key_N, np.array([len(one) for one in keys], np.int64))


def joined(parts: Iterable[Bags]) -> Bags:
    """One after the other."""
    told = list(parts)
    weighed = any(part.weight_N is not None for part in told)
    return Bags(
        np.concatenate([part.space_N for part in told]),
        np.concatenate([part.key_N for part in told]),
        np.concatenate([part.count_G for part in told]),
        np.concatenate([part.weights() for part in told]) if weighed else None,
    )
