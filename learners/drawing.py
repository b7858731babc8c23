"""Items drawn as negatives: uniformly, and only from those that are on offer. Knows no items, only flags."""

from __future__ import annotations

import numpy as np

from learners.learner import Bools

NEGATIVES = 128
ROUNDS = 32
"""How often negatives are drawn anew where some were dead."""


def drawn_alive(random: np.random.Generator, alive_E: Bools, *, size: int = NEGATIVES) -> list[int]:
    """Up to `size` entries that are alive, drawn uniformly with replacement, in time that does not go with how many
    there are: of those drawn the dead are passed over. Fewer where nearly all are dead.

    >>> drawn_alive(np.random.default_rng(1), np.array([False, True, False]), size=3)
    [1, 1, 1]
    """
    drawn: list[int] = []
    for _ in range(ROUNDS if len(alive_E) else 0):
        entry_N = random.integers(len(alive_E), size=size)
        drawn += entry_N[alive_E[entry_N]][: size - len(drawn)].tolist()
        if len(drawn) == size:
            break
    return drawn
