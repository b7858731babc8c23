"""Update rules against plain loops."""

from __future__ import annotations

import torch

from learners.optimizers.dense_rules import Adam
from learners.optimizers.finite import all_finite, norm_of
from learners.optimizers.row_rules import RowRule


def test_row_wise_adagrad_is_its_loop() -> None:
    torch.manual_seed(3)
    rule, groups = RowRule(rate=0.05, decay=0.99, floor=1.0), (3, 1, 1)
    value, G = torch.randn(4, 5), torch.ones(4, 3)
    expected, sums = value.tolist(), G.tolist()
    for _ in range(20):
        grad = torch.randn(4, 5) * 3
        value, G = rule(value, grad, G, groups)
        for row, line in enumerate(grad.tolist()):
            start = 0
            for group, width in enumerate(groups):
                part = line[start : start + width]
                sums[row][group] = max(0.99 * sums[row][group] + sum(g * g for g in part) / width, 1.0)
                for column in range(start, start + width):
                    expected[row][column] -= 0.05 * line[column] / sums[row][group] ** 0.5
                start += width
    torch.testing.assert_close(value, torch.tensor(expected), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(G, torch.tensor(sums), atol=1e-4, rtol=1e-5)


def test_the_floor_is_the_ceiling_on_the_step() -> None:
    rule = RowRule(floor=1.0)
    value, G = torch.zeros(1, 1), torch.ones(1, 1)
    for _ in range(2000):
        moved, G = rule(value, torch.full((1, 1), -0.01), G, (1,))
        assert float((moved - value).abs()) <= 0.05 * 0.01 + 1e-6
        value = moved


def test_adam_is_the_optimizer_of_torch() -> None:
    torch.manual_seed(5)
    theirs = torch.nn.Parameter(torch.randn(7))
    optimizer = torch.optim.Adam([theirs], lr=2e-3, betas=(0.9, 0.99), eps=1e-8)
    ours, moments, rule = theirs.detach().clone(), torch.zeros(2, 7), Adam(rate=2e-3)
    for step in range(1, 30):
        grad = torch.randn(7)
        theirs.grad = grad.clone()
        optimizer.step()
        ours, moments = rule(ours, grad, moments, step)
    torch.testing.assert_close(ours, theirs.detach(), atol=1e-6, rtol=1e-5)


def test_the_norm_is_that_of_all_gradients_together() -> None:
    parts = [torch.randn(3, 4), torch.randn(5)]
    together = torch.cat([part.flatten() for part in parts])
    torch.testing.assert_close(norm_of(parts), together.norm())


def test_one_number_that_is_none_is_seen() -> None:
    fine = torch.randn(100, 8)
    for bad in (float("nan"), float("inf"), float("-inf")):
        broken = fine.clone()
        broken[50, 3] = bad
        assert all_finite([fine, fine])
        assert not all_finite([fine, broken])
