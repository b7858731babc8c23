"""The losses of all labels together: one sum, its gradient at the logits, and every label's prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learners.losses.registry import Loss
from learners.losses.targets import Targets
from learners.predictions import predicted


@dataclass(frozen=True, slots=True)
class Tasks:
    """One loss for each label, in the order of the labels."""

    losses: tuple[Loss, ...]

    def __call__(self, logit_RL: Tensor, told: Targets) -> Tensor:
        """The sum over labels, each with its weight, of sums over rows."""
        self._check(logit_RL.shape)
        return torch.stack([loss(logit_RL[:, at], told.of(at)) for at, loss in enumerate(self.losses)]).sum()

    def gradient(self, logit_RL: Tensor, told: Targets) -> tuple[float, Tensor]:
        """The sum and its gradient at the logits [R, L], for models that go back from there by their own hand."""
        leaf_RL = logit_RL.detach().requires_grad_()
        loss = self(leaf_RL, told)
        (slope_RL,) = torch.autograd.grad(loss, [leaf_RL])
        return float(loss.detach()), slope_RL

    def read(self, logit_RL: NDArray[Any]) -> NDArray[Any]:
        """Predictions [R, L]: chances and values, each as its label's loss means it."""
        self._check(logit_RL.shape)
        return np.stack([predicted(loss.link, logit_RL[:, at]) for at, loss in enumerate(self.losses)], axis=1)

    def _check(self, shape: Sequence[int]) -> None:
        if shape[1] != len(self.losses):
            raise ValueError(f"logits of shape {tuple(shape)} for {len(self.losses)} labels: a column belongs to each")
