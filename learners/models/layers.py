"""The two stages' layers in torch, to be differentiated by autograd: the ranker's logits and a tower's vectors.

The same numbers as the kernels of `fused_rank.py` and `fused_seek.py`, which are checked against these. No tables in
here: rows come gathered.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import normalize

from learners.kernels.mlp import ORDINALS
from learners.models.activations import smelu
from learners.models.deepfm import DeepFM

Weights = Mapping[str, Tensor]


def logits(shape: DeepFM, weights: Weights, row_BFW: Tensor, cross_BX: Tensor, base_L: Tensor) -> Tensor:
    """Logits of B rows. A field's line holds its vector, its weights by label and its statistics; `base_L` are the
    log-odds of choosing anything."""
    L, d = shape.labels, shape.dim
    vector_BFd = row_BFW[..., :d]
    gram_BFF = torch.bmm(vector_BFd, vector_BFd.transpose(1, 2))
    stat_BK = row_BFW[..., d + L :].flatten(1)
    h_BI = torch.cat([vector_BFd.flatten(1), gram_BFF.flatten(1), stat_BK, cross_BX], 1)
    logit_BL = row_BFW[:, torch.from_numpy(shape.speaks), d : d + L].sum(1) + base_L
    for layer, name in enumerate(ORDINALS[: len(shape.hidden)]):
        z_BJ = torch.addmm(weights[f"{name}.bias"], h_BI, weights[f"{name}.weight"])
        if layer == 0:
            logit_BL, z_BJ = logit_BL + z_BJ[:, :L], z_BJ[:, L:]
        h_BI = smelu(z_BJ, shape.smelu)
    return torch.addmm(logit_BL, h_BI, weights["head.weight"])


def tower(weight_FDD: Tensor, field_FND: Tensor) -> Tensor:
    """Unit vectors of N askers or items from the vectors of their fields."""
    return normalize(torch.bmm(field_FND, weight_FDD).sum(0), dim=1, eps=1e-6)
