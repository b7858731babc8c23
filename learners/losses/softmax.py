"""Softmax losses of retrieval. No state, no rows."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy


def sampled_softmax(user_PD: Tensor, item_CD: Tensor, target_P: Tensor, log_q_C: Tensor, temperature: float) -> Tensor:
    """Sum over positives of the softmax loss among C candidates, each corrected by the log of its chance of being
    one. `target_P` is the candidate that was chosen; candidates are distinct items, so none is a false negative."""
    score_PC = user_PD @ item_CD.T / temperature - log_q_C
    return cross_entropy(score_PC, target_P, reduction="sum")
