"""Log losses with masks and weights: of yes and no, of shares, of watch time. No state, no rows."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from learners.loss_kinds import Completion, Log, WatchTime
from learners.losses.targets import Target


def masked_log_loss(logit_RL: Tensor, value_RL: Tensor, weight_RL: Tensor) -> Tensor:
    """Sum of weighted log losses; a weight of 0 masks. Any value above 0 is a yes: there is no loss for degrees."""
    return soft_log_loss(logit_RL, (value_RL > 0).to(logit_RL.dtype), weight_RL)


def soft_log_loss(logit_RL: Tensor, share_RL: Tensor, weight_RL: Tensor) -> Tensor:
    """The same for outcomes between no and yes: the mean outcome is its fixed point."""
    loss_RL = binary_cross_entropy_with_logits(logit_RL, share_RL, reduction="none")
    return (loss_RL * weight_RL).sum()


def log_loss(how: Log, logit_R: Tensor, told: Target) -> Tensor:
    """Of yes and no."""
    yes_R = told.value_R >= how.yes_from if how.yes_from > 0 else told.value_R > 0
    return soft_log_loss(logit_R, yes_R.to(logit_R.dtype), told.weight_R)


def completion(how: Completion, logit_R: Tensor, told: Target) -> Tensor:
    """Of a share."""
    return soft_log_loss(logit_R, (told.value_R / how.whole).clamp(0.0, 1.0), told.weight_R)


def watch_time(how: WatchTime, logit_R: Tensor, told: Target) -> Tensor:
    """Yeses weighted by their time, so that the odds are times."""
    time_R = told.value_R.clamp(0.0, how.longest) / how.unit
    no_R = torch.ones_like(time_R) if how.no_of_all else (time_R <= 0).to(time_R.dtype)
    loss_R = time_R * softplus(-logit_R) + no_R * softplus(logit_R)
    return (loss_R * told.weight_R).sum()
