"""Losses for yeses that come after a no was learned. No state, no rows, no clock.

The stream says a no for every row whose yes has not come when its label is decided, and the yes later, as a row more.
With p the chance of a yes and c the share of yeses that are in time, q = (1 - c) p of the rows come twice; what is
learned without care is b = p / (1 + q). Rows are weighted by how much more often they would come if nothing came
twice, with the model's own p, through which no gradient flows. c = 0 is a stream that says no to everything at once.
Those who say no after a window and take the yeses in between at once learn fastest: c is then near 1.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from learners.loss_kinds import FakeNegatives, FakeNegativesCorrected, Resent
from learners.losses.log_loss import soft_log_loss
from learners.losses.targets import Target


def fake_negatives(how: FakeNegatives, logit_R: Tensor, told: Target) -> Tensor:
    """Fake negatives weighted: a yes has the weight 1 + q, a no (1 + q) (1 - p) / (1 - p + q).

    With c = 0 that is FNW: 1 + p and (1 - p)(1 + p) (Ktena et al. 2019, arXiv 1907.06558, section 4.3); with a window
    it is ES-DFM (Yang et al., AAAI 2021) where the delay does not depend on the row. Its fixed point is p itself.
    """
    late = 1 - how.coverage
    yes_R = 1 + late * torch.sigmoid(logit_R.detach())
    return _weighted(logit_R, told, yes_R, yes_R / (1 + late * _odds(logit_R)))


def plain_yes_and_no(how: FakeNegativesCorrected, logit_R: Tensor, told: Target) -> Tensor:
    """No weights: with the odds o that are learned so, the chance of a yes is o / (1 + c o), which is for the link to
    say; FNC is c = 0 (section 4.2 of the same paper)."""
    return soft_log_loss(logit_R, (told.value_R > 0).to(logit_R.dtype), told.weight_R)


def resent(how: Resent, logit_R: Tensor, told: Target) -> Tensor:
    """Where every row comes again when its outcome is final, the true ones too: a yes has the weight p / (p - q / 2),
    a no (1 - p) / (1 - p + q / 2) (DEFER: Gu et al., KDD 2021). Needs twice the rows."""
    half = (1 - how.coverage) / 2
    yes_R = torch.full_like(logit_R, 1 / (1 - half)).detach()
    return _weighted(logit_R, told, yes_R, 1 / (1 + half * _odds(logit_R)))


def _odds(logit_R: Tensor) -> Tensor:
    """p / (1 - p): q / (1 - p) is a multiple of it, which divides 0 by 0 nowhere. Cut, so that none is infinite."""
    return logit_R.detach().clamp(max=60.0).exp()


def _weighted(logit_R: Tensor, told: Target, yes_R: Tensor, no_R: Tensor) -> Tensor:
    """The log loss with other weights for a yes and a no."""
    loss_R = torch.where(told.value_R > 0, yes_R * softplus(-logit_R), no_R * softplus(logit_R))
    return (loss_R * told.weight_R).sum()
