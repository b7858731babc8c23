"""Slices of rows, for tests of figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from learners.slice_figures import Kind


def sliced(names: Sequence[str]) -> tuple[list[Kind], NDArray[np.int64]]:
    """One slice for each row, by its whole name; none where that is empty."""
    kinds = list(dict.fromkeys(names))
    return [(name,) if name else () for name in kinds], np.array([kinds.index(name) for name in names], np.int64)
