"""AUC of several models on the same rows, with intervals: rows that belong together are drawn together.

Outcomes may be chances: then it is the AUC expected over the draws of the outcomes, and the noise of these is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 200


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows in the order of their score, ready to be weighed anew; equal scores count half.

    >>> ranked = Ranked.of(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0.0, 0.0, 1.0, 1.0]))
    >>> ranked.auc(np.ones(4)), ranked.auc(np.array([1.0, 1.0, 1.0, 0.0]))
    (0.875, 0.75)
    """

    order_N: Ints
    yes_N: Doubles
    first_G: Ints

    @classmethod
    def of(cls, score_N: NDArray[np.floating], chance_N: Doubles) -> Ranked:
        order_N = np.argsort(score_N, kind="stable")
        first_G = np.flatnonzero(np.diff(score_N[order_N], prepend=-np.inf))
        return cls(order_N, chance_N[order_N], first_G)

    def auc(self, weight_N: Doubles) -> float:
        weight_N = weight_N[self.order_N]
        yes_N = weight_N * self.yes_N
        yes_G, no_G = np.add.reduceat(yes_N, self.first_G), np.add.reduceat(weight_N - yes_N, self.first_G)
        pairs = float(yes_G @ (np.cumsum(no_G) - no_G / 2))
        return pairs / float(yes_G.sum() * no_G.sum())


def drawn_weights(cluster_N: Ints, *, draws: int = DRAWS, seed: int = 0) -> list[Doubles]:
    """By draw, how often each row was drawn: as many clusters as there are, with replacement."""
    _, cluster_N = np.unique(cluster_N, return_inverse=True)
    random, clusters = np.random.default_rng(seed), int(cluster_N.max()) + 1
    counts = (np.bincount(random.integers(0, clusters, clusters), minlength=clusters) for _ in range(draws))
    return [count_C.astype(np.float64)[cluster_N] for count_C in counts]


def paired(score: dict[str, NDArray[np.floating]], chance_N: Doubles, weights: list[Doubles]) -> dict[str, Doubles]:
    """By model its AUC, first over all rows, then of each draw, [1 + draws]. The draws are the same for all models."""
    even_N = np.ones(len(chance_N))
    found = {}
    for name, score_N in score.items():
        ranked = Ranked.of(score_N, chance_N)
        found[name] = np.array([ranked.auc(weight_N) for weight_N in [even_N, *weights]])
    return found


def interval(drawn_D: Doubles) -> tuple[float, float, float]:
    """The figure and the 95 % of its draws (percentiles; Efron and Tibshirani 1993, chapter 13)."""
    low, high = np.percentile(drawn_D[1:], [2.5, 97.5])
    return float(drawn_D[0]), float(low), float(high)
