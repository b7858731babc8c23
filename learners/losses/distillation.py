"""Learning from a teacher's logged score beside the outcome. No state, no rows, no teacher."""

from __future__ import annotations

import torch
from torch import Tensor

from learners.loss_kinds import Distilled
from learners.losses.log_loss import soft_log_loss
from learners.losses.targets import Target


def distilled(how: Distilled, logit_R: Tensor, told: Target) -> Tensor:
    """Cross entropy with the mix (1 - alpha) outcome + alpha teacher, in probabilities (Hinton et al. 2015, at
    temperature 1); its fixed point is that mix. Rows without a teacher, or with one that gave no probability, learn
    from the outcome alone."""
    teacher_R = told.needed("teacher_R", "distill")
    yes_R = (told.value_R > 0).to(logit_R.dtype)
    taught_R = (teacher_R >= 0) & (teacher_R <= 1)
    mixed_R = (1 - how.alpha) * yes_R + how.alpha * torch.where(taught_R, teacher_R, 0.0)
    return soft_log_loss(logit_R, torch.where(taught_R, mixed_R, yes_R), told.weight_R)
