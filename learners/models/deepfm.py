"""The ranker's shape: DeepFM on field vectors, linear + weighted products of all fields + a small MLP, several labels.

The first layer is linear in [vectors, products of any two fields, numbers] and gives the hidden units and, directly,
part of each label's logit. So it splits exactly into a part of the asker, a part of the item and a product of the two:
a server computes the first once per request, the second once per version. Shapes and starting weights only: what is
computed stands in `fused_rank.py` and in `layers.py`, once each way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.kernels.mlp import Shape
from learners.learner import Bools, Floats


@dataclass(frozen=True, slots=True)
class DeepFM:
    """The shape of a model. `askers` fields (the position among them) come before the item's."""

    fields: tuple[str, ...]
    askers: int
    labels: int
    dim: int = 16
    hidden: tuple[int, ...] = (64, 32)
    readers: tuple[int, ...] = ()
    """Fields whose rows' own weights do not count: they read rows that belong to another field."""
    smelu: float = 0.0
    """Half the width of SmeLU's bend; 0 is ReLU, the only one that exports can tell a server of."""

    @property
    def stats(self) -> int:
        return 2 * self.labels + 1

    @property
    def crosses(self) -> int:
        """Numbers of a user and item together: those of author, categories and tags, by label."""
        return 3 * self.labels

    @property
    def groups(self) -> tuple[int, ...]:
        """Widths of a row's columns that share an accumulator: its vector, then a weight for each label."""
        return (self.dim, *[1] * self.labels)

    @property
    def inputs(self) -> int:
        count = len(self.fields)
        return count * (self.dim + count + self.stats) + self.crosses

    @property
    def layers(self) -> Shape:
        """The dense layers on these inputs."""
        return Shape(self.inputs, self.hidden, self.labels, direct=True, bias=False, smelu=self.smelu)

    @property
    def speaks(self) -> Bools:
        """Which fields' rows give their own weights."""
        speaks: Bools = ~np.isin(np.arange(len(self.fields)), self.readers)
        return speaks

    def start(self, seed: int) -> dict[str, Floats]:
        """Starting weights: counters speak from the first row on, the hidden layers begin silent."""
        random = np.random.default_rng(seed)
        weights = {name: np.zeros(shape, np.float32) for name, shape in self.layers.weights().items()}
        for name, weight in weights.items():
            if name.endswith(".weight") and not name.startswith("head"):
                skip = self.labels if name == "first.weight" else 0
                bound = (6 / len(weight)) ** 0.5
                weight[:, skip:] = random.uniform(-bound, bound, (len(weight), weight.shape[1] - skip))
        self._speak(weights["first.weight"])
        return weights

    def _speak(self, first_IJ: Floats) -> None:
        """Likeness and rates go straight to the logits."""
        count, L = len(self.fields), self.labels
        place = {name: f for f, name in enumerate(self.fields)}
        for (one, other), strength in PAIR_START.items():
            if one in place and other in place:
                first_IJ[count * self.dim + place[one] * count + place[other], :L] = strength
        for f, name in enumerate(self.fields):
            for label in range(L):
                at = count * (self.dim + count) + f * self.stats + label
                first_IJ[at, label], first_IJ[at + L, label] = STAT_START.get(name, (0.0, 0.0))
        for c, strength in enumerate(CROSS_START):
            for label in range(L):
                first_IJ[self.inputs - self.crosses + c * L + label, label] = strength


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
