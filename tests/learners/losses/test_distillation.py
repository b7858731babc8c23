"""What a student settles on between its teacher and the outcome."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.predictions import predicted
from tests.learners.losses.draws import made, settled, target


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_a_student_settles_on_the_mix(alpha: float) -> None:
    random = np.random.default_rng(1)
    value, teacher = (random.random(4000) < 0.2).astype(float), random.beta(2, 3, 4000)
    told = target(torch.from_numpy(value), [1 / 4000] * 4000, teacher_R=torch.from_numpy(teacher))
    loss = made("distill", alpha=alpha)
    p = predicted(loss.link, settled(lambda z: loss(z.expand(4000), told), 1).numpy())
    assert p == pytest.approx((1 - alpha) * value.mean() + alpha * teacher.mean())


def test_rows_without_a_teacher_learn_from_the_outcome() -> None:
    teacher = torch.tensor([float("nan"), 7.5, -0.1])
    logit = torch.tensor([0.2, -0.4, 1.0])
    value = [1.0, 0.0, 1.0]
    told = target(value, teacher_R=teacher)
    assert float(made("distill", alpha=0.9)(logit.double(), told)) == pytest.approx(
        float(made("log")(logit.double(), told))
    )


def test_rows_that_came_without_scores_are_said_to() -> None:
    with pytest.raises(ValueError, match="'distill' reads teacher_R, and these rows came without it"):
        made("distill")(torch.zeros(1), target([1.0]))
