"""The towers' written-out gradients against torch, and their sums by row against a loop."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from learners.learner import Floats
from learners.losses.softmax import sampled_softmax
from learners.retrieval_towers import items, slopes, summed, users

B, L, D, C = 7, 3, 5, 11
RANDOM = np.random.default_rng(3)


def drawn(*shape: int) -> Floats:
    return RANDOM.normal(size=shape).astype(np.float32)


def test_loss_and_gradients_are_those_of_torch() -> None:
    line_BLD, matrix_LDD, about_BD, item_CD, log_q_C = (
        drawn(B, L, D),
        drawn(L, D, D),
        drawn(B, D),
        drawn(C, D),
        drawn(C),
    )
    target_B = RANDOM.integers(C, size=B)
    told = slopes(users(line_BLD, matrix_LDD, about_BD), items(item_CD), matrix_LDD, target_B, log_q_C, 0.2)
    leaves = [torch.from_numpy(array).requires_grad_() for array in (line_BLD, matrix_LDD, about_BD, item_CD)]
    loss = in_torch(leaves, torch.from_numpy(target_B), torch.from_numpy(log_q_C))
    np.testing.assert_allclose(told.loss, float(loss.detach()), rtol=1e-5)
    ours = (told.line_BLD, told.matrix_LDD, told.sum_BD, told.item_CD)
    for grad, theirs in zip(ours, torch.autograd.grad(loss, leaves), strict=True):
        np.testing.assert_allclose(grad, theirs.numpy(), rtol=1e-4, atol=1e-5)


def in_torch(leaves: list[Tensor], target: Tensor, log_q: Tensor) -> Tensor:
    line, matrix, about, item = leaves
    user = normalize(torch.einsum("bld,lde->be", line, matrix) + about, dim=1)
    return sampled_softmax(user, normalize(item, dim=1), target, log_q, 0.2)


def test_vectors_are_of_length_one_and_of_nothing_is_zero() -> None:
    line_BLD = drawn(B, L, D)
    line_BLD[0] = 0
    user_BD = users(line_BLD, drawn(L, D, D), np.zeros((B, D), np.float32)).user_BD
    np.testing.assert_allclose(np.linalg.norm(user_BD, axis=1), [0] + [1] * (B - 1), rtol=1e-5)


def test_gradients_are_summed_by_row_as_in_a_loop() -> None:
    row_N, grad_ND = RANDOM.integers(-1, 4, size=40), drawn(40, D)
    wanted = np.zeros((4, D))
    for row, grad_D in zip(row_N, grad_ND, strict=True):
        if row >= 0:
            wanted[row] += grad_D
    row_U, grad_UX = summed(row_N, grad_ND, D)
    assert row_U.tolist() == sorted(set(row_N.tolist()) - {-1})
    np.testing.assert_allclose(grad_UX, wanted[row_U], rtol=1e-5, atol=1e-6)


def test_where_nothing_was_read_there_is_nothing_to_sum() -> None:
    row_U, grad_UX = summed(np.full(3, -1), drawn(3, D), D)
    assert row_U.shape == (0,)
    assert grad_UX.shape == (0, D)
