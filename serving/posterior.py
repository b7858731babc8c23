"""How uncertain a value is, and what it might be: Thompson-like exploration by counts.

The ranking head's chance of an item is taken for the mean of a Beta law that has seen the item's views, so its variance
is p (1 - p) / (views + 1 + prior views); labels count as independent (after Chapelle and Li, "An Empirical Evaluation
of Thompson Sampling", NIPS 2011, algorithm 2 and section 2's `alpha` that reshapes the width). It knows nothing of how
uncertain the head is of a user. Pure: the same seed draws the same.

A policy of so many draws, each as likely as the others, is what serves: so the chance of a place is the share of draws
that give it, exactly, and not an estimate of some other law.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
DRAWS = 32
PRIOR_VIEWS = 20.0


def deviation(probability_IL: Floats, weight_L: Floats, views_I: NDArray[np.float64]) -> Floats:
    """The standard deviation of each value: it falls with the square root of the views.

    >>> deviation(np.full((2, 1), 0.5, np.float32), np.ones(1, np.float32), np.array([4.0, 79.0])).tolist()
    [0.1..., 0.05...]
    """
    spread_I = (probability_IL * (1 - probability_IL)).clip(0.0) @ weight_L**2
    told: Floats = np.sqrt(spread_I / (views_I + 1 + PRIOR_VIEWS)).astype(np.float32)
    return told


def drawn(value_I: Floats, deviation_I: Floats, seed: str, draws: int = DRAWS) -> Floats:
    """What the values might be, [draws, I].

    >>> drawn(np.array([1.0, 2.0], np.float32), np.array([0.0, 1.0], np.float32), "ana 5", draws=2)[:, 0].tolist()
    [1.0, 1.0]
    """
    number = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big")
    noise_DI = np.random.Generator(np.random.PCG64(number)).standard_normal((draws, len(value_I)), np.float32)
    might_DI: Floats = value_I + noise_DI * deviation_I
    return might_DI
