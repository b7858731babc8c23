"""Corrections for rows that are there more or less often than they should be. No state; chance comes from ids alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log

import torch
from torch import Tensor

from learners.losses.targets import Target
from learners.tables.mixing import mixed

SHARES = 1 << 31


@dataclass(frozen=True, slots=True)
class KeptNegatives:
    """Of the rows without a yes only a share is learned. Which of them is a function of their ids.

    What is learned is then b / (1 - b) = p / (1 - p) / kept. So the loss sees z - ln(kept), and z is served as it is
    (the correction of He et al., ADKDD 2014, made while learning). That holds for a plain log loss; any other loss has
    its noes weighted by 1 / kept instead (McMahan et al., KDD 2013), which is right for all, with more variance.
    """

    kept: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.kept <= 1:
            raise ValueError(f"kept = {self.kept}: it is the share of negatives that is learned, above 0, at most 1")

    def shifted(self, logit_R: Tensor) -> Tensor:
        """The logits that a loss should see."""
        return logit_R - log(self.kept)

    def weighted(self, told: Target) -> Target:
        """The same rows, those that are left of the negatives standing for all."""
        weight_R = torch.where(told.value_R > 0, told.weight_R, told.weight_R / self.kept)
        return replace(told, weight_R=weight_R)

    def drawn(self, id_R: Tensor, value_R: Tensor) -> Tensor:
        """Which rows are learned: each yes, and a share of the others by their int64 ids.

        >>> ids = torch.arange(100_000)
        >>> int(KeptNegatives(0.05).drawn(ids, torch.zeros(100_000)).sum())
        5123
        """
        share_R = (mixed(torch.ones_like(id_R), id_R) & (SHARES - 1)).to(torch.float64) / SHARES
        return (value_R > 0) | (share_R < self.kept)


@dataclass(frozen=True, slots=True)
class Importance:
    """Rows weighted by 1 / logged propensity, at most `most` (Horvitz and Thompson 1952; cut as in Ionides 2008).

    Normalised, the weights of a batch sum to as many rows as weigh anything: less variance, a bias that goes with the
    number of rows (Swaminathan and Joachims, NeurIPS 2015). A row whose propensity nobody logged has the weight 1.
    """

    most: float = inf
    normalised: bool = False

    def __post_init__(self) -> None:
        if not self.most >= 1:
            raise ValueError(f"most = {self.most}: weights are cut at 1 or above")

    def weighted(self, told: Target) -> Target:
        """The same rows with these weights too."""
        chance_R = told.needed("propensity_R", "importance")
        logged_R = (chance_R > 0) & (chance_R <= 1)
        weight_R = torch.where(logged_R, (1 / torch.where(logged_R, chance_R, 1.0)).clamp(max=self.most), 1.0)
        if self.normalised:
            counts_R = told.weight_R != 0
            weight_R = weight_R * (counts_R.sum() / (weight_R * counts_R).sum().clamp(min=1e-12))
        return replace(told, weight_R=told.weight_R * weight_R)
