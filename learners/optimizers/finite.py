"""What must hold before anything is written: every number is one."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def norm_of(grads: Iterable[Tensor]) -> Tensor:
    """The norm of all gradients together.

    >>> float(norm_of([torch.tensor([3.0]), torch.tensor([[4.0]])]))
    5.0
    """
    return torch.stack([grad.square().sum() for grad in grads]).sum().sqrt()


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether every number is one. (A sum is finite only if all of its terms are; one that overflows is refused.)"""
    return bool(torch.stack([tensor.sum() for tensor in tensors]).isfinite().all())
