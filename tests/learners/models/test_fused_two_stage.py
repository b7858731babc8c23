"""The model on kernels against the same in torch: scores, vectors, snapshots; and what it never does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from learners.keeping import Arrays
from learners.learner import Floats, Learner
from learners.named_learners import make_learner
from tests.learners.declared import rich_batch, rich_learner
from tests.learners.lessons import batch, forget, lesson, random_batch

FUSED, TORCH = "two_tower_deepfm", "two_tower_deepfm_torch"
CLOSE = 1e-5
CAREFUL = {
    "rows": {"vectors": {"kind": "adam"}, "linear": {"kind": "ftrl"}, "clippy": {}},
    "dense": {"clippy": {}, "weight_decay": 0.01},
    "schedule": {"warm_up": 5},
}


def fresh(name: str, **told: Any) -> Learner:
    return make_learner(name, labels=("click", "long"), context=("hour",), seed=7, **told)


def pair(folder: Path, **told: Any) -> tuple[Learner, Learner]:
    """The fused learner and the one in torch, at the same start. It has seen one batch: with no item known all
    candidates are one vector, and what is left of the towers' slopes is rounding, which Adam would make steps of."""
    fused, other = fresh(FUSED, **told), fresh(TORCH, **told)
    fused.learn(random_batch(1000))
    fused.snapshot(folder)
    other.restore(folder)
    assert other.digest() == fused.digest()
    return fused, other


def arrays(learner: Learner) -> Arrays:
    dumped: Arrays = learner._model.dump()  # type: ignore[attr-defined]
    return dumped


def vectors(learner: Learner, folder: Path) -> Floats:
    """What retrieval would compare: the items' unit vectors, then the askers' rows through their matrices."""
    learner.export(folder, version=1)
    tower = load_file(folder / "tower.safetensors")
    assert len(tower["item_vectors"]) == 30
    asked = np.concatenate([tower["rows"] @ matrix for matrix in tower["asker"]])
    return np.concatenate([tower["item_vectors"], asked])


@pytest.mark.parametrize("updates", [{}, {"rank": CAREFUL, "seek": CAREFUL}], ids=["as it is", "careful"])
def test_fifty_steps_give_the_scores_and_the_vectors_of_torch(tmp_path: Path, updates: dict[str, Any]) -> None:
    fused, other = pair(tmp_path, updates=updates)
    worst = 0.0
    for number in range(50):
        made = random_batch(number)
        mine, theirs = fused.score(made), other.score(made)
        worst = max(worst, float(np.abs(mine.probability_BL - theirs.probability_BL).max()))
        learned, expected = fused.learn(made), other.learn(made)
        assert learned.rows == expected.rows
        assert (learned.norm, learned.loss) == pytest.approx((expected.norm, expected.loss), rel=1e-4)
    assert worst < CLOSE
    np.testing.assert_allclose(vectors(fused, tmp_path / "one"), vectors(other, tmp_path / "two"), atol=CLOSE)
    for name in ("rank.rows", "rank.dense", "seek.rows", "seek.dense"):
        np.testing.assert_allclose(arrays(fused)[name], arrays(other)[name], atol=1e-4, err_msg=name)


def test_features_of_every_kind_give_the_scores_of_torch(tmp_path: Path) -> None:
    fused, other = rich_learner(name=FUSED), rich_learner(name=TORCH)
    fused.learn(rich_batch(1000))
    fused.snapshot(tmp_path)
    other.restore(tmp_path)
    for number in range(20):
        made = rich_batch(number)
        mine, theirs = fused.score(made).probability_BL, other.score(made).probability_BL
        np.testing.assert_allclose(mine, theirs, atol=CLOSE)
        assert fused.learn(made).finite
        assert other.learn(made).finite


def test_each_goes_on_from_what_the_other_wrote(tmp_path: Path) -> None:
    fused, other = pair(tmp_path / "start")
    for number in range(3):
        fused.learn(random_batch(number))
        other.learn(random_batch(number))
    fused.snapshot(tmp_path / "fused")
    other.snapshot(tmp_path / "torch")
    onward, back = fresh(TORCH), fresh(FUSED)
    onward.restore(tmp_path / "fused")
    back.restore(tmp_path / "torch")
    assert onward.digest() == fused.digest()
    assert back.digest() == other.digest()
    made = random_batch(9)
    np.testing.assert_allclose(onward.score(made).probability_BL, back.score(made).probability_BL, atol=CLOSE)


def test_what_one_exports_is_what_the_other_does(tmp_path: Path) -> None:
    fused, other = pair(tmp_path / "start")
    fused.export(tmp_path / "fused", version=3)
    other.export(tmp_path / "torch", version=3)
    names = sorted(path.name for path in (tmp_path / "fused").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "torch").iterdir())
    for name in names:
        assert (tmp_path / "fused" / name).read_bytes() == (tmp_path / "torch" / name).read_bytes(), name


def test_a_user_that_is_forgotten_leaves_both_alike(tmp_path: Path) -> None:
    fused, other = pair(tmp_path)
    for learner in (fused, other):
        learner.learn(batch(lesson("ana"), lesson("bob")))
        before = len(learner._rows)  # type: ignore[attr-defined]
        learner.learn(batch(forget("ana")))
        learner.learn(batch(lesson("a stranger")))
        assert len(learner._rows) == before  # type: ignore[attr-defined]
    for name in ("rank.rows", "rank.state", "seek.rows", "seek.state"):
        np.testing.assert_allclose(arrays(fused)[name], arrays(other)[name], atol=CLOSE, err_msg=name)


def test_rows_that_start_again_are_alike_in_both(tmp_path: Path) -> None:
    for learner in pair(tmp_path):
        learner._model.reset(np.arange(20, 30))  # type: ignore[attr-defined]
        fresh_one = fresh(FUSED)._model  # type: ignore[attr-defined]
        fresh_one.grow(30)
        for name in ("rank.rows", "rank.state", "seek.rows", "seek.state"):
            assert np.array_equal(arrays(learner)[name][20:30], fresh_one.dump()[name][20:30]), name


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), 3e38])
def test_a_step_that_is_refused_changes_no_byte(weight: float) -> None:
    learner = fresh(FUSED)
    learner.learn(random_batch(1))
    before = {name: array.tobytes() for name, array in arrays(learner).items()}
    with np.errstate(all="ignore"):
        made = batch(*random_batch(2).examples, lesson("new", weight=weight))
        learner.score(made)
        model, pending = learner._model, learner._pending  # type: ignore[attr-defined]
        value_RL = pending.features.value_RL
        weight_RL = np.broadcast_to(pending.features.weight_R[:, None], value_RL.shape)
        assert model.step(pending.forward, value_RL, np.ascontiguousarray(weight_RL), None) is None
    assert {name: array.tobytes() for name, array in arrays(learner).items()} == before


def test_a_batch_that_another_was_read_after_can_not_be_learned() -> None:
    learner = fresh(FUSED)
    learner.score(random_batch(1))
    model, pending = learner._model, learner._pending  # type: ignore[attr-defined]
    learner.score(random_batch(2))
    told = pending.features.value_RL
    with pytest.raises(ValueError, match="another batch"):
        model.step(pending.forward, told, told, None)


def test_the_default_learner_learns_without_torch() -> None:
    code = (
        "import sys; from learners.named_learners import make_learner; from tests.learners.lessons import random_batch;"
        "learner = make_learner(labels=('click', 'long'), context=('hour',));"
        "assert learner.learn(random_batch(1)).finite; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
