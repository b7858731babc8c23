"""The learner that serves, new and after some batches."""

from __future__ import annotations

from typing import Any

from learners.learner import Learner
from learners.named_learners import make_learner
from tests.learners.lessons import random_batch


def fresh(**told: Any) -> Learner:
    return make_learner(labels=("click", "long"), context=("hour",), seed=7, **told)


def taught(*numbers: int) -> Learner:
    learner = fresh()
    for number in numbers:
        made = random_batch(number)
        learner.score(made)
        assert learner.learn(made).finite
    return learner
