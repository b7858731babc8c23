"""Well spread bits of pairs of integers, as tensors: what probes and start values go by."""

from __future__ import annotations

from torch import Tensor


def mixed(space: Tensor, key: Tensor) -> Tensor:
    """Well spread bits of a pair; not the identity of it."""
    x = key ^ (space * -7046029254386353131)
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * -4658895280553007687
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * -7723592293110705685
    return x ^ ((x >> 31) & 0x1FFFFFFFF)
