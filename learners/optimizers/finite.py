"""What must hold before anything is written: every number is one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether every number is one. (A sum is finite only if all of its terms are; one that overflows is refused.)"""
    return bool(torch.stack([tensor.sum() for tensor in tensors]).isfinite().all())
