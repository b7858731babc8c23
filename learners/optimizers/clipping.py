"""Whether a batch may be learned at all, and by what its gradients are scaled: the decision before anything is written.

Pure numbers: the norm comes in, in float64. A norm of float64 squares is finite exactly where every number is.
"""

from __future__ import annotations

from math import isfinite

from learners.optimizers.rules import Clip

LARGEST = 1e15
"""Squares of gradients of this norm can be added up 1e8 times before a float32 overflows. Below it every rule turns
finite weights, state and gradients into finite ones: Adagrad moves a weight by at most rate * sqrt(width of its
group), Adam by at most rate / (1 - first) * norm / epsilon, SGD by rate * norm, and clips only shorten. So
that one check beforehand is all that all-or-nothing takes where updates are written in place."""


def scale_of(clip: Clip, squared_norm: float, *, weight: float = 1.0) -> float | None:
    """What to scale summed gradients by, where the loss is a sum over `weight` rows: the mean's norm is brought down
    to the clip, and the factor is that of `norm clip / mean norm`, not the mean's 1 / weight. None: refuse the batch.

    >>> scale_of(Clip(norm=10.0), 25.0), scale_of(Clip(norm=10.0), 40.0**2), scale_of(Clip(norm=10.0), float("nan"))
    (1.0, 0.25, None)
    """
    norm = squared_norm**0.5 if squared_norm >= 0 else float("nan")
    if not isfinite(norm):
        return None
    scale = min(1.0, clip.norm * weight / norm) if norm > 0 else 1.0
    return scale if norm * scale <= LARGEST else None
