"""The shape of two towers for retrieval: each a sum of its fields' vectors through a matrix of the field, of length 1.

Linear on purpose: a user's vector follows from history and query by a few small products, so the next click counts
without new weights, and an item's from its row, author, categories and tags, so a new item is placed by what it is.
Both towers read the same rows; these rows are not the ranker's. Shapes and starting weights only, as in `deepfm.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.learner import Floats

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

    @property
    def groups(self) -> tuple[int, ...]:
        """A row is one vector."""
        return (self.dim,)

    def start(self) -> dict[str, Floats]:
        """Starting weights: likeness of what was chosen and what is offered."""
        eye = np.eye(self.dim, dtype=np.float32)
        return {
            "asker.weight": np.stack([eye * np.float32(ASKER_START.get(name, 0.1)) for name in self.asker_fields]),
            "item.weight": np.stack([eye * np.float32(ITEM_START.get(name, 0.1)) for name in self.item_fields]),
        }
