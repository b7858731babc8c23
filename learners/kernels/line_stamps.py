"""Lines are stamped once: which of those touched are new under a stamp, in one pass without sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import compiled

Longs = NDArray[np.int64]
Integers = NDArray[np.int32]


@compiled
def stamp_lines(line_N: Longs, stamp: int, stamp_R: Integers, new_N: Longs) -> Any:
    """Stamp lines, which may repeat; those that did not have the stamp yet go to `new_N`, in order of first
    appearance. How many they are."""
    found = 0
    for n in range(len(line_N)):
        line = line_N[n]
        if stamp_R[line] != stamp:
            stamp_R[line] = stamp
            new_N[found] = line
            found += 1
    return found
