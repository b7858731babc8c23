"""What Clippy did in a step, as two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Factors:
    """Clippy's factors in one step: the least, and the mean over all layers and groups of rows that moved (1 where no
    step was shortened)."""

    least: float = 1.0
    mean: float = 1.0


def together(parts: Sequence[Factors]) -> Factors:
    """The least of several parts of a model, and the mean of their means.

    >>> together([Factors(0.5, 0.8), Factors()]), together([])
    (Factors(least=0.5, mean=0.9), Factors(least=1.0, mean=1.0))
    """
    if not parts:
        return Factors()
    return Factors(min(part.least for part in parts), sum(part.mean for part in parts) / len(parts))
