"""Losses on numpy logits, by autograd on these alone: for models whose own layers are no part of a graph."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from learners.heads import Lessons, Pulled
from learners.label_losses import LabelLoss
from learners.learner import Floats
from learners.losses.multi_task import Tasks
from learners.losses.registry import Loss
from learners.losses.targets import Targets


class LossPull:
    """The losses of all labels.

    >>> import numpy as np
    >>> from learners.label_losses import label_loss
    >>> pull = LossPull((label_loss(),))
    >>> one = np.ones((2, 1), np.float32)
    >>> pull(np.zeros((2, 1), np.float32), Lessons(one, one * [[1], [0]])).slope_RL.tolist()
    [[-0.5], [0.0]]
    """

    def __init__(self, losses: tuple[LabelLoss, ...]) -> None:
        self._tasks = Tasks(tuple(Loss(told) for told in losses))

    def __call__(self, logit_RL: Floats, lessons: Lessons) -> Pulled:
        """The summed loss and its slope; both may be no numbers, where what was told is none."""
        rows, labels = logit_RL.shape
        weight_RL = _tensor(lessons.weight_RL)
        told = Targets(
            _tensor(lessons.value_RL),
            weight_RL,
            torch.ones((rows, labels), dtype=torch.bool),
            _optional(lessons.propensity_R),
            None if lessons.teacher_R is None else _tensor(lessons.teacher_R)[:, None].expand(rows, labels),
            None if lessons.slate_R is None else torch.from_numpy(lessons.slate_R),
        )
        loss, slope_RL = self._tasks.gradient(_tensor(logit_RL), told)
        return Pulled(loss, slope_RL.numpy())


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(array).to(torch.float32)


def _optional(array: Any) -> Tensor | None:
    return None if array is None else _tensor(array)
