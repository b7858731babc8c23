"""What is learned, and by how much it is scaled, before anything is written."""

from __future__ import annotations

from math import inf, nan

import pytest
import torch

from learners.optimizers.clipping import LARGEST, scale_of
from learners.optimizers.finite import all_finite
from learners.optimizers.rules import Clip


def test_one_number_that_is_none_is_seen() -> None:
    fine = torch.randn(100, 8)
    for bad in (nan, inf, -inf):
        broken = fine.clone()
        broken[50, 3] = bad
        assert all_finite([fine, fine])
        assert not all_finite([fine, broken])


def test_the_norm_of_the_mean_is_brought_down_to_the_clip() -> None:
    for weight in (1.0, 64.0):
        scale = scale_of(Clip(norm=2.0), 30.0**2 * weight**2, weight=weight)
        assert scale == pytest.approx(2.0 / 30.0)
    assert scale_of(Clip(norm=2.0), 1.9**2) == 1.0
    assert scale_of(Clip(norm=2.0), 0.0) == 1.0


@pytest.mark.parametrize("bad", [nan, inf])
def test_a_norm_that_is_none_is_refused(bad: float) -> None:
    assert scale_of(Clip(), bad) is None
    assert scale_of(Clip(norm=inf), bad) is None


def test_without_a_clip_a_gradient_that_would_fill_the_state_is_refused() -> None:
    assert scale_of(Clip(norm=inf), (0.9 * LARGEST) ** 2) == 1.0
    assert scale_of(Clip(norm=inf), (1.1 * LARGEST) ** 2) is None
    assert scale_of(Clip(norm=10.0), (1.1 * LARGEST) ** 2) is not None
