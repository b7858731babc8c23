"""Losses as functions of logits: sums over rows, so that each table row gets its summed gradient. No state, no rows."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy


def masked_log_loss(logit_RL: Tensor, value_RL: Tensor, weight_RL: Tensor) -> Tensor:
    """Sum of weighted log losses; a weight of 0 masks. Any value above 0 is a yes: there is no loss for degrees."""
    loss_RL = binary_cross_entropy_with_logits(logit_RL, (value_RL > 0).to(logit_RL.dtype), reduction="none")
    return (loss_RL * weight_RL).sum()


def sampled_softmax(user_PD: Tensor, item_CD: Tensor, target_P: Tensor, log_q_C: Tensor, temperature: float) -> Tensor:
    """Sum over positives of the softmax loss among C candidates, each corrected by the log of its chance of being
    one. `target_P` is the candidate that was chosen; candidates are distinct items, so none is a false negative."""
    score_PC = user_PD @ item_CD.T / temperature - log_q_C
    return cross_entropy(score_PC, target_P, reduction="sum")
