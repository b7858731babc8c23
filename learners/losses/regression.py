"""Losses of values: ratings, seconds. The prediction is a value, not a chance. No state, no rows."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import huber_loss

from learners.loss_kinds import Huber, LogDwell, Squared
from learners.losses.targets import Target


def squared(how: Squared, logit_R: Tensor, told: Target) -> Tensor:
    """Half the squared error, in spreads."""
    wanted_R = (told.value_R.clamp(how.low, how.high) - how.centre) / how.spread
    return (0.5 * (logit_R - wanted_R) ** 2 * told.weight_R).sum()


def huber(how: Huber, logit_R: Tensor, told: Target) -> Tensor:
    """The same near the value, linear far from it."""
    wanted_R = (told.value_R.clamp(how.low, how.high) - how.centre) / how.spread
    loss_R = huber_loss(logit_R, wanted_R, reduction="none", delta=how.delta)
    return (loss_R * told.weight_R).sum()


def log_dwell(how: LogDwell, logit_R: Tensor, told: Target) -> Tensor:
    """Half the squared error of log(1 + seconds), in spreads."""
    wanted_R = (told.value_R.clamp(0.0, how.longest).log1p() - how.centre) / how.spread
    return (0.5 * (logit_R - wanted_R) ** 2 * told.weight_R).sum()
