"""Walk or scan, and how widely: by what a mask leaves, which of them finds the nearest items sooner. Pure.

A walk looks at the more nodes the more are hidden, and finds a smaller share of what it should where few are left; a
scan misses nothing. Costs are counted in rows fetched from anywhere, about 25 ns each at 64 numbers a row.
"""

from __future__ import annotations

import math

import numpy as np

from serving.graph_kernels import Mask

LOOKS = 2_048
"""Places of a mask that are looked at: its share is needed to a tenth, and counting a million takes too long."""

IN_ORDER = 0.35
"""What a row costs that is read in its order, whatever the mask says of it."""

PASSED = 0.05
"""What a hidden row costs where the mask is asked before the row is read."""

HALF = 0.5
"""Where fewer than that are left, a walk keeps more in hand."""


def width_of_walk(items: int, links: int, ef: int, share: float) -> int:
    """How many nodes a walk should keep in hand, 0 where a scan is no slower; `links` is how many a node may have.

    >>> width_of_walk(100_000, 32, 200, 1.0), width_of_walk(100_000, 32, 200, 0.3), width_of_walk(100_000, 32, 200, 0.1)
    (200, 258, 0)
    """
    if share <= 0.0:
        return 0
    wide = ef * math.sqrt(max(1.0, HALF / share))
    walked, scanned = wide * links / share, items * (share + PASSED if asks_first(share) else IN_ORDER)
    return int(wide) if walked < scanned else 0


def asks_first(share: float) -> bool:
    """Whether a scan should ask the mask before it reads a row."""
    return share + PASSED < IN_ORDER


def share_left(hide_I: Mask) -> float:
    """About which share of the items a mask leaves.

    >>> round(share_left((np.arange(10_000) % 4 == 0).astype(np.uint8)), 2)
    0.75
    """
    step = max(1, len(hide_I) // LOOKS) | 1  # odd: no pattern of every second item
    looked = hide_I[::step]
    return 1.0 - float(np.count_nonzero(looked)) / max(1, len(looked))
