"""What a learner says of Clippy: nothing where it let every step be, the factors where it did not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from learners.learner import Learned
from learners.named_learners import make_learner
from tests.learners.lessons import random_batch

NAMES = ("two_tower_deepfm", "two_tower_deepfm_torch")


def learned(name: str, told: Mapping[str, object], *, batches: int = 3) -> Learned:
    learner = make_learner(name, labels=("click", "long"), context=("hour",), updates={"rank": told, "seek": told})
    return [learner.learn(random_batch(number)) for number in range(batches)][-1]


@pytest.mark.parametrize("name", NAMES)
def test_steps_that_are_let_be_are_whole(name: str) -> None:
    clippy = {"relative": 0.5, "absolute": 10.0}
    done = learned(name, {"dense": {"clippy": clippy}, "rows": {"clippy": clippy}})
    assert (done.least_factor, done.mean_factor) == (1.0, 1.0)
    done = learned(name, {})
    assert (done.least_factor, done.mean_factor) == (1.0, 1.0)


@pytest.mark.parametrize("part", ["rows", "dense"])
def test_steps_that_were_shortened_are_told_alike_by_kernels_and_torch(part: str) -> None:
    told = {part: {"clippy": {"relative": 0.0, "absolute": 1e-4}}}
    # the groups of a row are cut differently, so after one shortened step of rows the two are two models
    ours, theirs = (learned(name, told, batches=1 if part == "rows" else 3) for name in NAMES)
    assert 0 < ours.least_factor < ours.mean_factor < 1
    assert ours.least_factor == pytest.approx(theirs.least_factor, rel=1e-3)
    if part == "dense":
        assert ours.mean_factor == pytest.approx(theirs.mean_factor, rel=1e-3)


@pytest.mark.parametrize("clip", [{"value": 1e-3}, {"norm": 0.01}])
def test_gradients_are_bounded_alike_by_kernels_and_torch(clip: dict[str, float]) -> None:
    """By gradients of the mean loss: a step of descent has just that size."""
    sgd = {"kind": "sgd", "rate": 1.0}
    told: dict[str, object] = {"clip": clip, "rows": {"vectors": sgd}, "dense": {"rule": sgd}}
    digests = []
    for name in NAMES:
        learner = make_learner(name, labels=("click",), context=("hour",), updates={"rank": told, "seek": told})
        before = learner._model.dump()["rank.dense"].copy()  # type: ignore[attr-defined]
        learner.learn(random_batch(1, rows=64))
        step = learner._model.dump()["rank.dense"] - before  # type: ignore[attr-defined]
        digests.append(float((step**2).sum() ** 0.5))
        if "value" in clip:
            assert 0 < float(abs(step).max()) <= 65 * clip["value"] * 1.01, "summed over at most 65 rows"
    assert digests[0] == pytest.approx(digests[1], rel=1e-3)
