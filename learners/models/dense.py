"""Dense weights of several models as one flat vector with names: an update is a few kernels and one assignment."""

from __future__ import annotations

import torch
from torch import Tensor


class Dense:
    """Named weights in the order given.

    >>> from torch import ones, zeros
    >>> dense = Dense({"a": ones(2, 2), "b": zeros(3)})
    >>> dense.flat.tolist(), tuple(dense.named(dense.flat)["a"].shape)
    ([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0], (2, 2))
    """

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self._shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        self._sizes = [weight.numel() for weight in weights.values()]
        self.flat = torch.cat([weight.flatten() for weight in weights.values()])

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Those of the weights, in order."""
        return [*self._shapes.values()]

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """Views of a flat vector."""
        parts = torch.split(flat, self._sizes)
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}
