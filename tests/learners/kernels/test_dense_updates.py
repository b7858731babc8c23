"""Dense weights updated in place by kernels, against the functions in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from learners.kernels.dense_updates import squared_norm
from learners.optimizers.dense_steps import moved_dense
from learners.optimizers.host_steps import HostDense
from learners.optimizers.rules import Adagrad, Adam, Clippy, DenseRules, Sgd

SHAPES = ((20, 8), (8,), (8, 1), (1,))
SIZE = 177
RULES = {
    "adam": DenseRules(),
    "adam of long memory": DenseRules(Adam(rate=0.01, second=0.999)),
    "adagrad": DenseRules(Adagrad(rate=0.1, decay=1.0, floor=0.1)),
    "sgd": DenseRules(Sgd()),
    "clippy": DenseRules(Adam(rate=0.1), clippy=Clippy(0.1, 1e-3)),
    "clippy, adagrad": DenseRules(Adagrad(rate=0.5, decay=1.0, floor=0.01), clippy=Clippy(0.2)),
    "decay and a cap": DenseRules(weight_decay=0.5, largest_norm=1.5),
    "bounded by the weights": DenseRules(Sgd(rate=1.0), adaptive=0.05),
    "everything": DenseRules(clippy=Clippy(0.1, 1e-3), weight_decay=0.1, largest_norm=2.0, adaptive=0.1),
}


@pytest.mark.parametrize("value", [np.inf, 0.2])
@pytest.mark.parametrize("name", RULES)
def test_dense_weights_move_as_in_torch(name: str, value: float) -> None:
    rules, random = RULES[name], np.random.default_rng(4)
    host = HostDense(rules, SHAPES)
    flat = random.normal(size=SIZE).astype(np.float32)
    flat[160:168] = 0
    theirs, state = torch.from_numpy(flat.copy()), torch.from_numpy(host.state_SP.copy())
    least = 1.0
    for step in range(1, 12):
        grad = (random.normal(size=SIZE) * 10.0 ** random.integers(-2, 2)).astype(np.float32)
        told = (torch.from_numpy(grad) * 0.5).clamp(-value, value)
        moved = moved_dense(rules, theirs, told, state, SHAPES, step=step, pace=1 / step)
        theirs, state = moved.value_P, moved.state_SP
        factors = host.move(flat, grad, scale=0.5, step=step, value=value, pace=1 / step)
        assert factors.least == pytest.approx(float(moved.factor_L.min()), rel=1e-5)
        assert factors.mean == pytest.approx(float(moved.factor_L.mean()), rel=1e-5)
        least = min(least, factors.least)
    assert (least < 1) == (rules.clippy is not None)
    np.testing.assert_allclose(flat, theirs.numpy(), atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(host.state_SP, state.numpy(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", RULES)
def test_the_largest_gradient_that_is_let_through_gives_finite_numbers(name: str) -> None:
    host, flat = HostDense(RULES[name], SHAPES), np.ones(SIZE, np.float32)
    for step in range(1, 50):
        host.move(flat, np.full(SIZE, 1e15 / SIZE**0.5, np.float32), scale=1.0, step=step)
        assert np.isfinite(flat).all()
        assert np.isfinite(host.state_SP).all()


def test_the_norm_is_infinite_only_where_a_number_is() -> None:
    grad = np.full(100, 3e38, np.float32)
    assert np.isfinite(squared_norm(grad))
    for bad in (np.nan, np.inf, -np.inf):
        grad[57] = bad
        assert not np.isfinite(squared_norm(grad))
