"""What losses are told of rows beside their logits. Tensors on the device of the model; nothing here is a loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Target:
    """One label of R rows. A weight of 0 masks: value and weight are 0 there, whatever was told.

    `propensity_R` is the logged chance that the row was shown where it was, `teacher_R` a probability that another
    model gave; nan where nobody logged it. `slate_R` numbers the list that a row belongs to: equal numbers, one list.
    """

    value_R: Tensor
    weight_R: Tensor
    propensity_R: Tensor | None = None
    teacher_R: Tensor | None = None
    slate_R: Tensor | None = None

    def needed(self, name: str, loss: str) -> Tensor:
        """One of the optional tensors. Raises ValueError where it is not there."""
        told: Tensor | None = getattr(self, name)
        if told is None:
            raise ValueError(f"the loss {loss!r} reads {name}, and these rows came without it: log it with the slate")
        return told


@dataclass(frozen=True, slots=True)
class Targets:
    """L labels of R rows; `decided_RL` says which labels a row decides, `weight_RL` with what weight."""

    value_RL: Tensor
    weight_RL: Tensor
    decided_RL: Tensor
    propensity_R: Tensor | None = None
    teacher_RL: Tensor | None = None
    slate_R: Tensor | None = None

    def of(self, label: int) -> Target:
        """One label's column. What is masked can't reach a sum, even where it is not finite.

        >>> nan = float("nan")
        >>> value, weight = torch.tensor([[1.0], [nan]]), torch.tensor([[2.0], [nan]])
        >>> column = Targets(value, weight, torch.tensor([[True], [False]])).of(0)
        >>> column.value_R.tolist(), column.weight_R.tolist()
        ([1.0, 0.0], [2.0, 0.0])
        """
        weight_R = self.weight_RL[:, label]
        counts_R = self.decided_RL[:, label] & (weight_R != 0)
        return Target(
            torch.where(counts_R, self.value_RL[:, label], 0.0),
            torch.where(counts_R, weight_R, 0.0),
            self.propensity_R,
            None if self.teacher_RL is None else self.teacher_RL[:, label],
            self.slate_R,
        )
