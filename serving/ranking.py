"""What each candidate is worth to this user: predicted labels, weighted by what the operator says an action is worth.

An item that the version does not know has no prediction; it is worth its smoothed click rate, or the overall one where
it was never shown. Pure: arrays in, arrays out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def weights_of(labels: Sequence[str], weights: Mapping[str, float]) -> Floats:
    """The operator's weight of each label; 1 each where none are set.

    >>> weights_of(["click", "like"], {"like": 3.0}), weights_of(["click", "like"], {})
    (array([0., 3.], dtype=float32), array([1., 1.], dtype=float32))
    """
    return np.array([weights.get(label, 0.0) if weights else 1.0 for label in labels], np.float32)


def value_of(probability_IL: Floats, weight_L: Floats) -> Floats:
    """The worth of each item.

    >>> value_of(np.array([[0.5, 0.1]], np.float32), np.array([1.0, 3.0], np.float32)).round(3)
    array([0.8], dtype=float32)
    """
    value_I: Floats = probability_IL @ weight_L
    return value_I


def bids_of(bid_I: NDArray[np.float64], chance_I: Floats, weight: float) -> Floats:
    """What a bid adds to each item's value: what is bid for an action, times its chance (as ad auctions rank: Varian,
    "Position auctions", IJIO 2007, section 2). An item without a bid, or below zero, adds nothing.

    >>> bids_of(np.array([2.0, np.nan, -1.0]), np.array([0.25, 0.5, 0.5], np.float32), weight=1.0).tolist()
    [0.5, 0.0, 0.0]
    """
    added_I: Floats = (np.nan_to_num(bid_I, nan=0.0).clip(0.0) * chance_I * weight).astype(np.float32)
    return added_I


def following_of(follows_I: NDArray[np.float64], chance_I: Floats, weight: float) -> Floats:
    """What is expected to follow, in each item's value: so many more items are wanted after it, but only where it is
    wanted itself (an expected value: Sutton and Barto, "Reinforcement Learning", 2nd ed., section 3.3, of one step).

    >>> following_of(np.array([3.0, 1.0]), np.array([0.25, 0.5], np.float32), weight=2.0).tolist()
    [1.5, 1.0]
    """
    added_I: Floats = (follows_I * chance_I * weight).astype(np.float32)
    return added_I


def predicted(known_IL: Floats, row_I: NDArray[np.int32], rate_U: NDArray[np.float64]) -> Floats:
    """Predictions for all candidates: the version's for those with a row (`known_IL`, in their order), for the others
    their click rate (`rate_U`) in place of each label, but no more than the version gives its own on average.

    >>> predicted(np.array([[0.25]], np.float32), np.array([-1, 4, -1], np.int32), np.array([0.125, 0.5])).tolist()
    [[0.125], [0.25], [0.25]]
    """
    probability_IL: Floats = np.empty((len(row_I), known_IL.shape[1]), np.float32)
    has_row = row_I >= 0
    probability_IL[has_row] = known_IL
    if len(rate_U):
        typical_L = known_IL.mean(0) if len(known_IL) else np.ones(known_IL.shape[1], np.float32)
        probability_IL[~has_row] = np.minimum(rate_U[:, None].astype(np.float32), np.maximum(typical_L, 1e-6))
    return probability_IL
