"""DeepFM on field vectors: linear + weighted products of all fields + a small MLP, several labels at once.

The first layer is linear in [vectors, products of any two fields, numbers] and gives the hidden units and, directly,
part of each label's logit. So it splits exactly into a part of the asker, a part of the item and a product of the two:
a server computes the first once per request, the second once per version. No tables in here: rows come gathered.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class DeepFM:
    """The shape of a model. `askers` fields (the position among them) come before the item's."""

    fields: tuple[str, ...]
    askers: int
    labels: int
    dim: int = 16
    hidden: tuple[int, int] = (64, 32)

    @property
    def stats(self) -> int:
        return 2 * self.labels + 1

    @property
    def crosses(self) -> int:
        """Numbers of a user and item together: those of author, categories and tags, by label."""
        return 3 * self.labels

    @property
    def row_width(self) -> int:
        """A row: its vector, then a weight for each label."""
        return self.dim + self.labels

    @property
    def inputs(self) -> int:
        count = len(self.fields)
        return count * (self.dim + count + self.stats) + self.crosses

    def start(self, random: torch.Generator) -> Weights:
        """Starting weights: counters speak from the first row on, the hidden layers begin silent."""
        L, (first, second) = self.labels, self.hidden
        wide = torch.zeros(self.inputs, L)
        fields = len(self.fields)
        place = {name: f for f, name in enumerate(self.fields)}
        for (one, other), strength in PAIR_START.items():
            wide[fields * self.dim + place[one] * fields + place[other]] = strength
        for f, name in enumerate(self.fields):
            for label in range(L):
                at = fields * (self.dim + fields) + f * self.stats + label
                wide[at, label], wide[at + L, label] = STAT_START.get(name, (0.0, 0.0))
        for c, strength in enumerate(CROSS_START):
            for label in range(L):
                wide[self.inputs - self.crosses + c * L + label, label] = strength
        bound = (6 / self.inputs) ** 0.5
        deep = (torch.rand((self.inputs, first), generator=random) * 2 - 1) * bound
        return {
            "first.weight": torch.cat([wide, deep], 1),
            "first.bias": torch.zeros(L + first),
            "second.weight": (torch.rand((first, second), generator=random) * 2 - 1) * (6 / first) ** 0.5,
            "second.bias": torch.zeros(second),
            "head.weight": torch.zeros(second, L),
        }

    def logits(self, weights: Weights, row_BFW: Tensor, cross_BX: Tensor, base_L: Tensor) -> Tensor:
        """Logits of B rows. A field's line holds its vector, its weights by label and its statistics; `base_L` are
        the log-odds of choosing anything."""
        L, d = self.labels, self.dim
        vector_BFd = row_BFW[..., :d]
        gram_BFF = torch.bmm(vector_BFd, vector_BFd.transpose(1, 2))
        stat_BK = row_BFW[..., d + L :].flatten(1)
        x_BI = torch.cat([vector_BFd.flatten(1), gram_BFF.flatten(1), stat_BK, cross_BX], 1)
        first_BJ = torch.addmm(weights["first.bias"], x_BI, weights["first.weight"])
        second_BH = torch.addmm(weights["second.bias"], first_BJ[:, L:].relu(), weights["second.weight"]).relu()
        linear_BL = row_BFW[..., d : d + L].sum(1)
        return torch.addmm(first_BJ[:, :L] + linear_BL + base_L, second_BH, weights["head.weight"])


PAIR_START = {
    ("history_tags", "tags"): 1.0,
    ("history", "item"): 1.0,
    ("query_tags", "tags"): 1.0,
    ("query", "item"): 1.0,
    ("user", "item"): 1.0,
    ("user", "tags"): 1.0,
}
"""Products of fields that mean likeness before anything is learned."""
STAT_START = {
    "user": (0.4, 0.4),
    "item": (0.4, 0.4),
    "surface": (0.4, 0.4),
    "position": (0.3, 0.3),
    "author": (0.1, 0.1),
}
"""Weights of a field's own log-odds, plain and faded: near the sum of rates that a simple counter would serve."""
CROSS_START = (0.2, 0.2, 0.6)
"""Weights of a user's own rates of an author, of categories, of tags."""
