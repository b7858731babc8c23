"""Log loss with masks and weights. No state, no rows."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def masked_log_loss(logit_RL: Tensor, value_RL: Tensor, weight_RL: Tensor) -> Tensor:
    """Sum of weighted log losses; a weight of 0 masks. Any value above 0 is a yes: there is no loss for degrees."""
    loss_RL = binary_cross_entropy_with_logits(logit_RL, (value_RL > 0).to(logit_RL.dtype), reduction="none")
    return (loss_RL * weight_RL).sum()
