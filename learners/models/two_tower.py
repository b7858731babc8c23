"""Two towers for retrieval: each a sum of its fields' vectors through a matrix of the field, of length 1.

Linear on purpose: a user's vector follows from history and query by a few small products, so the next click counts
without new weights, and an item's from its row, author, categories and tags, so a new item is placed by what it is.
Both towers read the same rows; these rows are not the ranker's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

Weights = dict[str, Tensor]

ASKER_START = {"history": 1.0, "history_tags": 1.0, "user": 0.3, "query": 1.0, "query_tags": 1.0}
ITEM_START = {"item": 1.0, "author": 0.5, "categories": 0.5, "tags": 1.0}
"""How much of the identity a field's matrix begins as; 0.1 where not named."""


@dataclass(frozen=True, slots=True)
class TwoTower:
    """The shape of the towers."""

    asker_fields: tuple[str, ...]
    item_fields: tuple[str, ...]
    dim: int = 32
    temperature: float = 0.1

    def start(self) -> Weights:
        """Starting weights: likeness of what was chosen and what is offered."""
        eye = torch.eye(self.dim)
        return {
            "asker.weight": torch.stack([eye * ASKER_START.get(name, 0.1) for name in self.asker_fields]),
            "item.weight": torch.stack([eye * ITEM_START.get(name, 0.1) for name in self.item_fields]),
        }

    def users(self, weights: Weights, field_FSD: Tensor) -> Tensor:
        """Unit vectors of S askers."""
        return normalize(torch.bmm(field_FSD, weights["asker.weight"]).sum(0), dim=1, eps=1e-6)

    def items(self, weights: Weights, field_GID: Tensor) -> Tensor:
        """Unit vectors of I items."""
        return normalize(torch.bmm(field_GID, weights["item.weight"]).sum(0), dim=1, eps=1e-6)
