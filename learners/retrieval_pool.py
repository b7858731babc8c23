"""What a wanted item is told apart from: the items of its batch, some that were wanted lately, and some of all.

Popular items are negatives more often than their due, so the pool knows the chance of each to stand in it, for the
correction of the softmax. Knows no vectors. Items are entries: numbered from 0 in order of first sight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.keeping import Arrays
from learners.learner import Doubles, Floats, Ints

HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class PoolRules:
    """`recent` items are expected from those seen within `window` ms, `uniform` ones are drawn from all. Shares of
    clicks fade with `half_life` ms. Without `corrected` the chances are left out."""

    recent: int = 512
    uniform: int = 128
    window: int = 6 * HOUR
    half_life: int = HOUR // 3
    corrected: bool = True


@dataclass(frozen=True, slots=True)
class Candidates:
    """Distinct items, sorted, the one that each positive is, and the log of the chance of each to be here."""

    entry_C: Ints
    target_P: Ints
    log_q_C: Floats


class Pool:
    """Draws candidates; a draw is a function of the seed and of what was seen.

    >>> pool = Pool(PoolRules(recent=0, uniform=2), seed=1)
    >>> pool.see(np.array([0, 0, 1, 2]), at=5)
    >>> drawn = pool.draw(np.array([1, 1]), at=6)
    >>> drawn.entry_C[drawn.target_P].tolist(), len(drawn.log_q_C) == len(drawn.entry_C)
    ([1, 1], True)
    """

    def __init__(self, rules: PoolRules, *, seed: int) -> None:
        self._rules, self._seed = rules, seed
        self._count_E: Doubles = np.zeros(0)
        self._at_E: Ints = np.zeros(0, np.int64)
        self._total, self._at, self._seen, self._items = 0.0, 0, 0, 0

    def __len__(self) -> int:
        """How many items were seen."""
        return self._items

    def draw(self, item_P: Ints, *, at: int) -> Candidates:
        """Candidates for positives, some of which may never have been seen."""
        rules, items = self._rules, len(self)
        random = np.random.default_rng((self._seed, self._seen))
        recent_E = self._at_E[:items] > (at - rules.window if rules.recent else at)
        recent_N = np.flatnonzero(recent_E)
        share = min(1.0, rules.recent / max(1, len(recent_N)))
        picked_N = recent_N[random.random(len(recent_N)) < share]
        uniform = rules.uniform if items else 0
        any_N = random.integers(max(1, items), size=uniform)
        entry_C = np.unique(np.concatenate([item_P, picked_N, any_N]))
        target_P = np.searchsorted(entry_C, item_P)
        if not rules.corrected:
            return Candidates(entry_C, target_P, np.zeros(len(entry_C), np.float32))
        recent_C = np.append(recent_E, False)[np.minimum(entry_C, items)]
        absent_C = (1 - self.share(entry_C, at=at)) ** len(item_P)
        absent_C *= (1 - share * recent_C) * (1 - 1 / max(2, items)) ** uniform
        return Candidates(entry_C, target_P, np.log(1 - absent_C).astype(np.float32))

    def share(self, entry_C: Ints, *, at: int) -> Doubles:
        """Each item's faded share of the clicks; the least is that of half a click."""
        total = max(1.0, self._total * self._faded(self._at, at))
        known_C = entry_C < len(self)
        entry_K = entry_C[known_C]
        count_C = np.zeros(len(entry_C))
        count_C[known_C] = self._count_E[entry_K] * self._faded(self._at_E[entry_K], at)
        shares: Doubles = np.maximum(count_C, 0.5) / total
        return shares

    def see(self, item_N: Ints, *, at: int) -> None:
        """Count clicks, with or without anything before them; late ones count as of the last."""
        entry_C, count_C = np.unique(item_N, return_counts=True)
        if not len(entry_C):
            return
        at = max(at, self._at)
        self._items = max(self._items, int(entry_C[-1]) + 1)
        missing = self._items - len(self._at_E)
        if missing > 0:
            missing = max(missing, len(self._at_E))
            self._count_E = np.concatenate([self._count_E, np.zeros(missing)])
            self._at_E = np.concatenate([self._at_E, np.zeros(missing, np.int64)])
        self._count_E[entry_C] = self._count_E[entry_C] * self._faded(self._at_E[entry_C], at) + count_C
        self._at_E[entry_C] = at
        self._total = self._total * float(self._faded(self._at, at)) + len(item_N)
        self._at, self._seen = at, self._seen + len(item_N)

    def dump(self) -> Arrays:
        """Everything that was seen."""
        return {
            "pool.count": self._count_E[: self._items],
            "pool.at": self._at_E[: self._items],
            "pool.total": np.array([self._total]),
            "pool.seen": np.array([self._at, self._seen]),
        }

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self._count_E, self._at_E = arrays["pool.count"].copy(), arrays["pool.at"].copy()
        self._total, self._items = float(arrays["pool.total"][0]), len(self._at_E)
        self._at, self._seen = (int(number) for number in arrays["pool.seen"])

    def _faded(self, since: Ints | int, at: int) -> Doubles:
        """What is left at `at`."""
        gone = np.maximum(0, at - np.asarray(since))
        left: Doubles = np.exp2(-gone / self._rules.half_life)
        return left
