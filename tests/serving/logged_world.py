"""A stream of logged slates with a truth that can be computed: few items, few places, every page that can be."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from serving.off_policy import Pages
from serving.reranking import foreseen

KINDS, ITEMS, PLACES = 4, 6, 3
SHOWN = list(permutations(range(ITEMS), PLACES))
ALIKE = np.eye(ITEMS, dtype=np.float32)
SIGHT_P = np.array([1.0, 0.7, 0.5])
"""How many look at a place."""

Doubles = NDArray[np.float64]


class LoggedWorld:
    """Clicks fall with the place and with the item; what is shown depends on the kind of user. `trust` scales what the
    model that DR leans on says of the true rates; `logged` and `tried` are the shares of chance of both policies."""

    def __init__(self, *, seed: int, trust: float = 0.9, logged: float = 0.6, tried: float = 0.1) -> None:
        numbers = np.random.default_rng(seed)
        rate_KI = numbers.uniform(0.02, 0.6, (KINDS, ITEMS))
        old_KI, new_KI = numbers.random((KINDS, ITEMS)), rate_KI + numbers.normal(0, 0.1, (KINDS, ITEMS))
        self._click_KSP = rate_KI[:, SHOWN] * SIGHT_P
        self._model_KSP = trust * self._click_KSP
        self._old_KSP, _ = _policy(old_KI, rate_KI, epsilon=logged)
        self._new_KSP, expected_KSP = _policy(new_KI, trust * rate_KI, epsilon=tried)
        self._expected_KSP = expected_KSP * SIGHT_P
        self.truth = float((self._new_KSP.prod(-1) * self._click_KSP.sum(-1)).sum(-1).mean())

    def logged(self, pages: int, seed: int) -> Pages:
        """`pages` of the old policy, with the new one's chances beside them; each page is another user's."""
        numbers = np.random.default_rng(seed)
        kind_N = numbers.integers(KINDS, size=pages)
        below_KS = np.cumsum(self._old_KSP.prod(-1), axis=1)
        shown_N = (numbers.random(pages)[:, None] * below_KS[kind_N, -1:] >= below_KS[kind_N]).sum(1)
        at = kind_N, shown_N
        return Pages(
            ratio_NP=self._new_KSP[at] / self._old_KSP[at],
            reward_NP=(numbers.random((pages, PLACES)) < self._click_KSP[at]).astype(np.float64),
            foreseen_NP=self._model_KSP[at],
            expected_NP=self._expected_KSP[at],
            group_N=np.arange(pages),
        )


def _policy(value_KI: Doubles, worth_KI: Doubles, *, epsilon: float) -> tuple[Doubles, Doubles]:
    """The chance of each place of each page that can be, and what is expected there."""
    told = [
        [foreseen(_small(value_I), ALIKE, shown, _small(worth_I), diversity=0.0, epsilon=epsilon) for shown in SHOWN]
        for value_I, worth_I in zip(value_KI, worth_KI, strict=True)
    ]
    chances = np.array([[[place.chance for place in page] for page in pages] for pages in told])
    return chances, np.array([[[place.expected for place in page] for page in pages] for pages in told])


def _small(value_I: Doubles) -> NDArray[np.float32]:
    return value_I.astype(np.float32)
