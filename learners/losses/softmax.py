"""Softmax losses of retrieval. No state, no rows."""

from __future__ import annotations

from math import inf

from torch import Tensor
from torch.nn.functional import cross_entropy


def sampled_softmax(
    user_PD: Tensor,
    item_CD: Tensor,
    target_P: Tensor,
    log_q_C: Tensor | None,
    temperature: float,
    *,
    weight_P: Tensor | None = None,
    known_PC: Tensor | None = None,
) -> Tensor:
    """Sum over positives of the softmax loss among C candidates, each corrected by the log of its chance of being
    one. `target_P` is the candidate that was chosen; candidates are distinct items.

    The candidates may be in-batch items mixed with uniform ones (Yi et al., RecSys 2019; Yang et al., WWW 2020). As
    each stands there once, what is to be corrected is the chance of being there at all: for P draws by q and U uniform
    ones of I items 1 - (1 - q)^P (1 - 1 / I)^U. How often an item is expected is near that only for rare items, and too
    much for others. None corrects nothing. `known_PC` is true for candidates that the same user chose too: these are no
    negatives. `weight_P` weighs the positives.
    """
    score_PC = user_PD @ item_CD.T / temperature
    if log_q_C is not None:
        score_PC = score_PC - log_q_C
    if known_PC is not None:
        hidden_PC = known_PC.scatter(1, target_P[:, None], False)
        score_PC = score_PC.masked_fill(hidden_PC, -inf)
    if weight_P is None:
        return cross_entropy(score_PC, target_P, reduction="sum")
    return (cross_entropy(score_PC, target_P, reduction="none") * weight_P).sum()
