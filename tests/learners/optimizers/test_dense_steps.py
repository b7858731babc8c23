"""How dense weights move, against the optimizers of torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from learners.optimizers.dense_steps import moved_dense
from learners.optimizers.rules import Adagrad, Adam, Clippy, DenseRules, Sgd

SHAPES = ((3, 2), (2,))
Peer = Callable[[list[torch.nn.Parameter]], Any]
PEERS: dict[str, tuple[DenseRules, Peer]] = {
    "adam": (DenseRules(Adam(rate=2e-3)), lambda w: torch.optim.Adam(w, lr=2e-3, betas=(0.9, 0.99), eps=1e-8)),
    "adam with decay": (
        DenseRules(Adam(rate=2e-3), weight_decay=0.1),
        lambda w: torch.optim.AdamW(w, lr=2e-3, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1),
    ),
    "adagrad": (
        DenseRules(Adagrad(rate=0.1, decay=1.0, floor=0.1)),
        lambda w: torch.optim.Adagrad(w, lr=0.1, initial_accumulator_value=0.1, eps=0.0),
    ),
    "sgd": (DenseRules(Sgd(rate=0.1)), lambda w: torch.optim.SGD(w, lr=0.1)),
}


@pytest.mark.parametrize("name", PEERS)
def test_it_is_the_optimizer_of_torch(name: str) -> None:
    torch.manual_seed(5)
    rules, peer = PEERS[name]
    theirs = torch.nn.Parameter(torch.randn(8))
    optimizer = peer([theirs])
    ours, state = theirs.detach().clone(), torch.full((rules.lines, 8), rules.start)
    for step in range(1, 30):
        grad = torch.randn(8)
        theirs.grad = grad.clone()
        optimizer.step()
        moved = moved_dense(rules, ours, grad, state, SHAPES, step=step)
        ours, state = moved.value_P, moved.state_SP
    torch.testing.assert_close(ours, theirs.detach(), atol=1e-6, rtol=1e-5)


def test_each_layer_has_its_own_clippy_factor() -> None:
    rules = DenseRules(Sgd(rate=1.0), clippy=Clippy(relative=0.5, absolute=0.01))
    value = torch.tensor([1.0] * 6 + [0.0, 4.0])
    moved = moved_dense(rules, value, torch.full((8,), 0.25), torch.zeros(0, 8), SHAPES, step=1)
    torch.testing.assert_close(moved.factor_L, torch.tensor([1.0, 0.04]))
    torch.testing.assert_close(moved.value_P, torch.tensor([0.75] * 6 + [-0.01, 3.99]))


def test_no_unit_has_weights_beyond_the_largest_norm_and_biases_are_left_alone() -> None:
    rules = DenseRules(Sgd(rate=1e-9), largest_norm=1.0)
    value = torch.tensor([3.0, 0.1, 0.0, 0.1, 4.0, 0.1, 7.0, 7.0])
    moved = moved_dense(rules, value, torch.ones(8), torch.zeros(0, 8), SHAPES, step=1).value_P
    torch.testing.assert_close(moved, torch.tensor([0.6, 0.1, 0.0, 0.1, 0.8, 0.1, 7.0, 7.0]))


def test_a_gradient_is_bounded_by_the_norm_of_its_layer() -> None:
    rules = DenseRules(Sgd(rate=1.0), adaptive=0.1)
    value, grad = torch.tensor([1.0] * 6 + [0.0, 0.0]), torch.tensor([10.0] * 6 + [3.0, 4.0])
    step = value - moved_dense(rules, value, grad, torch.zeros(0, 8), SHAPES, step=1).value_P
    torch.testing.assert_close(step, torch.tensor([0.1] * 6 + [6e-5, 8e-5]))
