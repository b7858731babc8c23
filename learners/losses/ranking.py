"""Losses of order: of pairs, of triplets, within slates. No state, no rows.

`bpr` and `triplet` compare what the caller pairs up. `pairwise` and `listwise` are losses of a label: they compare the
rows of one slate. They care for differences alone, so what they learn is a score and no chance; the lists of one batch
must lie whole in it, and rows without a slate (below 0) teach nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from learners.loss_kinds import Listwise, Pairwise
from learners.losses.targets import Target


def bpr(better_P: Tensor, worse_P: Tensor, weight_P: Tensor | None = None) -> Tensor:
    """Sum of -ln s(better - worse) over pairs of scores (Rendle et al., UAI 2009); its fixed point are the log-odds
    with which the one is preferred to the other."""
    loss_P = softplus(worse_P - better_P)
    return (loss_P if weight_P is None else loss_P * weight_P).sum()


def triplet(
    anchor_PD: Tensor, near_PD: Tensor, far_PD: Tensor, *, margin: float, weight_P: Tensor | None = None
) -> Tensor:
    """Sum of max(0, |a - near|^2 - |a - far|^2 + margin) over triplets (Schroff et al., CVPR 2015)."""
    gap_P = ((anchor_PD - near_PD) ** 2).sum(dim=1) - ((anchor_PD - far_PD) ** 2).sum(dim=1)
    loss_P = (gap_P + margin).clamp(min=0.0)
    return (loss_P if weight_P is None else loss_P * weight_P).sum()


def pairwise(how: Pairwise, logit_R: Tensor, told: Target) -> Tensor:
    """Logistic loss of each pair in a slate of which one has the larger value (RankNet: Burges et al., ICML 2005)."""
    slate_R = _counted(told, "pairwise")
    better_P, worse_P = _pairs(slate_R, told.value_R)
    weight_P = told.weight_R[better_P] * told.weight_R[worse_P]
    if how.per_slate:
        slot_P = slate_R[better_P]
        weight_P = weight_P / torch.bincount(slot_P, minlength=1)[slot_P]
    return bpr(logit_R[better_P], logit_R[worse_P], weight_P)


def listwise(how: Listwise, logit_R: Tensor, told: Target) -> Tensor:
    """Cross entropy of the softmax over a slate with its values, as shares of their sum (ListNet of the first place:
    Cao et al., ICML 2007). Where one item of a slate is chosen its fixed point are the log-odds of the choice, but for
    a constant. Slates without a value above 0 teach nothing."""
    slate_R = _counted(told, "listwise")
    row_N = (slate_R >= 0).nonzero().flatten()
    slot_N = slate_R[row_N]
    gain_N = told.value_R[row_N].clamp(min=0.0) * told.weight_R[row_N]
    total_N = _sums(gain_N, slot_N)[slot_N]
    share_N = gain_N / torch.where(total_N > 0, total_N, 1.0)
    return -(share_N * _log_softmax(logit_R[row_N] / how.temperature, slot_N)).sum()


def _counted(told: Target, loss: str) -> Tensor:
    """Slates numbered from 0 on, -1 for rows that have none or don't count."""
    slate_R = told.needed("slate_R", loss)
    slot_R = torch.unique(slate_R, return_inverse=True)[1]
    return torch.where((slate_R >= 0) & (told.weight_R != 0), slot_R, -1)


def _pairs(slate_R: Tensor, value_R: Tensor) -> tuple[Tensor, Tensor]:
    """All pairs of rows of one slate of which the first has the larger value."""
    order_R = torch.argsort(slate_R, stable=True)
    order_N = order_R[slate_R[order_R] >= 0]
    length_S = torch.bincount(slate_R[order_N], minlength=1)
    start_S = torch.cumsum(length_S, 0) - length_S
    times_N = length_S[slate_R[order_N]]
    one_P = torch.repeat_interleave(order_N, times_N)
    at_P = torch.arange(len(one_P), device=slate_R.device)
    at_P = at_P - torch.repeat_interleave(torch.cumsum(times_N, 0) - times_N, times_N)
    other_P = order_N[start_S[slate_R[one_P]] + at_P]
    wins_P = value_R[one_P] > value_R[other_P]
    return one_P[wins_P], other_P[wins_P]


def _sums(value_N: Tensor, slot_N: Tensor) -> Tensor:
    slots = int(slot_N.max()) + 1 if len(slot_N) else 0
    return torch.zeros(slots, dtype=value_N.dtype, device=value_N.device).index_add(0, slot_N, value_N)


def _log_softmax(logit_N: Tensor, slot_N: Tensor) -> Tensor:
    """Within each slot; the largest logit is taken away first, so that nothing overflows."""
    slots = int(slot_N.max()) + 1 if len(slot_N) else 0
    top_S = torch.zeros(slots, dtype=logit_N.dtype, device=logit_N.device)
    top_S = top_S.scatter_reduce(0, slot_N, logit_N.detach(), "amax", include_self=False)
    moved_N = logit_N - top_S[slot_N]
    return moved_N - _sums(moved_N.exp(), slot_N)[slot_N].log()
