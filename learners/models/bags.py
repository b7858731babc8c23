"""Means of bags of rows, with a gradient that is one more sum over bags.

The gradient of a row is the sum over the places that read it: again bags, with places sorted by row. Both ways are one
kernel, in a fixed order, and the gradient comes summed by distinct row; no gradient of a whole table exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


@dataclass(frozen=True, slots=True)
class Places:
    """Which of the U distinct rows each place of a bag reads, and the way back."""

    slot_N: Tensor
    start_G: Tensor
    share_N: Tensor
    """1 / size of the bag."""
    back_N: Tensor
    """The bag of each place, places sorted by slot."""
    back_start_U: Tensor
    back_share_N: Tensor


class _Means(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, line_UW: Tensor, places: Places) -> Tensor:
        ctx.places = places
        return _sums(line_UW, places.slot_N, places.start_G, places.share_N)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        p: Places = ctx.places
        return _sums(grads[0].contiguous(), p.back_N, p.back_start_U, p.back_share_N), None


def bag_means(line_UW: Tensor, places: Places) -> Tensor:
    """The mean line of each bag, 0 for an empty one.

    >>> one = torch.tensor([0, 1, 1]); share = torch.tensor([0.5, 0.5, 1.0])
    >>> places = Places(one, torch.tensor([0, 2]), share, torch.tensor([0, 0, 1]), torch.tensor([0, 1]), share)
    >>> line = torch.tensor([[2.0], [4.0]], requires_grad=True)
    >>> means = bag_means(line, places); means.sum().backward(); means.tolist(), line.grad.tolist()
    ([[3.0], [4.0]], [[0.5], [1.5]])
    """
    means: Tensor = _Means.apply(line_UW, places)
    return means


def _sums(line_UW: Tensor, at_N: Tensor, start_G: Tensor, share_N: Tensor) -> Tensor:
    return embedding_bag(at_N, line_UW, start_G, mode="sum", per_sample_weights=share_N)
