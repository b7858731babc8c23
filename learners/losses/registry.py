"""What each loss sums over rows: a kind of `learners/loss_kinds.py` and a function of logits and targets here.

Before and after its function a loss has what all losses have: importance weights, negatives that were left out, the
weight of the task. Knows no label, makes no gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from learners import loss_kinds as kinds
from learners.label_losses import LabelLoss, label_loss
from learners.links import Link
from learners.losses.delayed import fake_negatives, plain_yes_and_no, resent
from learners.losses.distillation import distilled
from learners.losses.log_loss import completion, log_loss, watch_time
from learners.losses.ranking import listwise, pairwise
from learners.losses.regression import huber, log_dwell, squared
from learners.losses.sampling import Importance, KeptNegatives
from learners.losses.targets import Target

SUMS: dict[type[Any], Callable[[Any, Tensor, Target], Tensor]] = {
    kinds.Log: log_loss,
    kinds.Completion: completion,
    kinds.WatchTime: watch_time,
    kinds.FakeNegatives: fake_negatives,
    kinds.FakeNegativesCorrected: plain_yes_and_no,
    kinds.Resent: resent,
    kinds.Distilled: distilled,
    kinds.Squared: squared,
    kinds.Huber: huber,
    kinds.LogDwell: log_dwell,
    kinds.Pairwise: pairwise,
    kinds.Listwise: listwise,
}


@dataclass(frozen=True, slots=True)
class Loss:
    """A label's loss, to be called: a sum over rows, never a mean."""

    told: LabelLoss

    @property
    def link(self) -> Link:
        """How its logit is read back."""
        return self.told.link

    @property
    def keeps(self) -> KeptNegatives:
        """Which negatives are learned, where not all of them are."""
        return KeptNegatives(self.told.shared.kept)

    def __call__(self, logit_R: Tensor, target: Target) -> Tensor:
        """The sum. ValueError where the rows lack what the loss reads."""
        how, shared = self.told.how, self.told.shared
        if shared.importance:
            target = Importance(shared.most, shared.normalised).weighted(target)
        if shared.kept < 1 and isinstance(how, kinds.Log) and how.yes_from == 0:
            logit_R = self.keeps.shifted(logit_R)
        elif shared.kept < 1:
            target = self.keeps.weighted(target)
        return shared.weight * SUMS[type(how)](how, logit_R, target)


def loss_of(name: str = "log", options: Mapping[str, Any] | None = None) -> Loss:
    """The loss of that name, with its options. ValueError as `label_loss` raises it."""
    return Loss(label_loss(name, options))
