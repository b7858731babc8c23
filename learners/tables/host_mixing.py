"""Well spread bits of pairs of integers, as arrays: what chances go by. The same bits as `mixing.py`, without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]


def mixed_longs(space_N: Longs, key_N: Longs) -> Longs:
    """Well spread bits of a pair; not the identity of it.

    >>> import torch
    >>> from learners.tables.mixing import mixed
    >>> pair = np.array([3, -1]), np.array([-5, 1 << 62])
    >>> bool((mixed_longs(*pair) == mixed(*map(torch.from_numpy, pair)).numpy()).all())
    True
    """
    x = key_N ^ (space_N * np.int64(-7046029254386353131))
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * np.int64(-4658895280553007687)
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * np.int64(-7723592293110705685)
    bits: Longs = x ^ ((x >> 31) & 0x1FFFFFFFF)
    return bits
