"""How far figures of independent rows may be from those of endless such rows: 95 % intervals.

AUC by the spread of placements (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988); log loss by the spread of the
losses; normalised entropy, the ratio of a mean and a function of another, by its first derivatives (the delta method).
Rows of one user that follow each other are not independent: then the truth is wider.
"""

from __future__ import annotations

import numpy as np

from learners.learner import Bools, Doubles, Floats
from learners.metrics import auc, losses

NORMAL = 1.96


def intervals(probability_N: Floats, positive_N: Bools) -> dict[str, float | None]:
    """`auc_low`, `auc_high` and so on for log_loss and ne; None where one outcome is missing.

    >>> told = intervals(np.array([0.1, 0.4, 0.4, 0.8], np.float32), np.array([False, False, True, True]))
    >>> round(told["auc_low"], 3), told["auc_high"]
    (0.529, 1.0)
    """
    value, rows = auc(probability_N, positive_N), len(positive_N)
    if value is None:
        return {f"{name}_{end}": None for name in ("auc", "log_loss", "ne") for end in ("low", "high")}
    loss_N, rate = losses(probability_N, positive_N), float(positive_N.mean())
    loss, entropy = float(loss_N.mean()), -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    slope = loss / entropy**2 * np.log((1 - rate) / rate)
    ne_N = (loss_N - loss) / entropy - slope * (positive_N - rate)
    told = {
        "auc": (value, _auc_error(probability_N, positive_N), 1.0),
        "log_loss": (loss, float(loss_N.std()) / np.sqrt(rows), np.inf),
        "ne": (loss / entropy, float(ne_N.std()) / np.sqrt(rows), np.inf),
    }
    ends: dict[str, float | None] = {}
    for name, (middle, error, most) in told.items():
        ends[f"{name}_low"] = float(max(0.0, middle - NORMAL * error))
        ends[f"{name}_high"] = float(min(most, middle + NORMAL * error))
    return ends


def _auc_error(score_N: Floats, positive_N: Bools) -> float:
    """The standard error of the AUC."""
    above, below = np.sort(score_N[positive_N]), np.sort(score_N[~positive_N])
    return float(np.sqrt(_spread(above, below) / len(above) + _spread(below, above) / len(below)))


def _spread(one: Floats, other: Floats) -> float:
    """The variance of the share of the others that stand below each one; ties count half."""
    less, less_or_equal = np.searchsorted(other, one, "left"), np.searchsorted(other, one, "right")
    place_N: Doubles = (less + less_or_equal) / (2 * len(other))
    return float(place_N.var(ddof=min(1, len(one) - 1)))
