"""Calibration: logits shifted by pieces, so that what is predicted is what happens, at every height of the score.

A model that is learned in one pass is too sure at both ends. The shift is linear between knots one logit apart and is
learned on scores that were given before their rows were learned (McMahan et al., KDD 2013, section 7, calibrate by a
function of the score; a step here is one of Newton's on the log loss, with faded second slopes). It changes no order
of scores but near ties, and no weight of the model.
"""

from __future__ import annotations

import numpy as np

from learners.keeping import Arrays
from learners.kernels.calibrating import calibrate, pull
from learners.learner import Doubles, Floats

LOW, KNOTS = -5.0, 8
PRIOR = 30.0
"""Second slope that each knot begins with: how many uncertain rows it takes to move it."""
KEEP = 1 - 2.0**-18
"""What a row keeps of the evidence before it."""


class Calibration:
    """Shifts of several labels.

    >>> calibration = Calibration(1)
    >>> z, y = np.zeros((1000, 1), np.float32), (np.arange(1000) % 4 == 0).astype(np.float32)[:, None]
    >>> for _ in range(20):
    ...     calibration.learn(z, calibration.probabilities(z), y, np.ones_like(z))
    >>> calibration.probabilities(z[:1]).round(2).tolist()
    [[0.25]]
    """

    def __init__(self, labels: int) -> None:
        self.shift_LK: Doubles = np.zeros((labels, KNOTS))
        self.bend_LKK: Doubles = np.tile(PRIOR * np.eye(KNOTS), (labels, 1, 1))

    def probabilities(self, logit_BL: Floats) -> Floats:
        """What logits say, calibrated; float32, [B, L]."""
        probability_BL: Floats = np.empty_like(logit_BL)
        calibrate(logit_BL, LOW, self.shift_LK, probability_BL)
        return probability_BL

    def learn(self, logit_BL: Floats, probability_BL: Floats, value_BL: Floats, weight_BL: Floats) -> None:
        """Take in rows with the probabilities that were told of them; all numbers finite, a weight of 0 masks."""
        slope_LK = np.zeros_like(self.shift_LK)
        kept = KEEP ** len(logit_BL)
        self.bend_LKK = kept * self.bend_LKK + (1 - kept) * PRIOR * np.eye(KNOTS)
        pull(logit_BL, LOW, probability_BL, value_BL, weight_BL, slope_LK, self.bend_LKK)
        self.shift_LK = self.shift_LK - np.linalg.solve(self.bend_LKK, slope_LK[:, :, None])[:, :, 0]

    def dump(self) -> Arrays:
        """Everything, for a snapshot."""
        return {"calibration.shift": self.shift_LK, "calibration.bend": self.bend_LKK}

    def load(self, arrays: Arrays) -> None:
        """Become what `dump` gave."""
        self.shift_LK, self.bend_LKK = arrays["calibration.shift"], arrays["calibration.bend"]
