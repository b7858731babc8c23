"""The sums of a calibration by pieces, one pass over a batch. Which pieces, and what is done with the sums, is for
`calibration.py` to say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import Floats, compiled

Doubles = NDArray[np.float64]


@compiled
def calibrate(logit_BL: Floats, low: float, shift_LK: Doubles, probability_BL: Floats) -> None:
    """Probabilities after the shift by pieces; knots stand 1 apart, the first at `low`."""
    last = shift_LK.shape[1] - 1
    for b in range(logit_BL.shape[0]):
        for label in range(logit_BL.shape[1]):
            z = np.float64(logit_BL[b, label])
            x = min(max(z - low, 0.0), np.float64(last))
            k = min(int(x), last - 1)
            part = x - k
            z += (1 - part) * shift_LK[label, k] + part * shift_LK[label, k + 1]
            e = np.exp(-abs(z))
            probability_BL[b, label] = (1.0 if z >= 0 else e) / (1 + e)


@compiled
def pull(
    logit_BL: Floats, low: float, probability_BL: Floats, value_BL: Floats, weight_BL: Floats, slope_LK: Doubles,
    bend_LKK: Doubles,
) -> None:  # fmt: skip
    """Add the log loss's slope by shift to `slope_LK` and its second slope to `bend_LKK`."""
    last = slope_LK.shape[1] - 1
    for b in range(logit_BL.shape[0]):
        for label in range(logit_BL.shape[1]):
            weight = np.float64(weight_BL[b, label])
            if weight == 0:
                continue
            p = np.float64(probability_BL[b, label])
            x = min(max(np.float64(logit_BL[b, label]) - low, 0.0), np.float64(last))
            k = min(int(x), last - 1)
            high = x - k
            near, slope = 1 - high, weight * (p - (1.0 if value_BL[b, label] > 0 else 0.0))
            bend = weight * p * (1 - p)
            slope_LK[label, k] += near * slope
            slope_LK[label, k + 1] += high * slope
            bend_LKK[label, k, k] += near * near * bend
            bend_LKK[label, k + 1, k + 1] += high * high * bend
            bend_LKK[label, k, k + 1] += near * high * bend
            bend_LKK[label, k + 1, k] += near * high * bend
