"""How rows move, against plain loops and the optimizers of torch."""

from __future__ import annotations

import math

import torch

from learners.optimizers.row_steps import clippy_factor, moved_rows
from learners.optimizers.rules import Adagrad, Adam, Clippy, Ftrl, RowRules, Sgd


def test_row_wise_adagrad_is_its_loop() -> None:
    torch.manual_seed(3)
    rules, groups = RowRules(Adagrad(rate=0.05, decay=0.99, floor=1.0)), (3, 1, 1)
    value, G = torch.randn(4, 5), torch.ones(4, 3)
    expected, sums = value.tolist(), G.tolist()
    for _ in range(20):
        grad = torch.randn(4, 5) * 3
        moved = moved_rows(rules, value, grad, G, groups)
        value, G = moved.value_UW, moved.state_US
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
    value, G = torch.zeros(1, 1), torch.ones(1, 1)
    for _ in range(2000):
        moved = moved_rows(RowRules(), value, torch.full((1, 1), -0.01), G, (1,))
        assert float((moved.value_UW - value).abs()) <= 0.05 * 0.01 + 1e-6
        value, G = moved.value_UW, moved.state_US


def test_an_old_row_is_still_able_to_learn_and_a_plain_one_is_deaf() -> None:
    moves = {}
    for decay in (0.99, 1.0):
        rules, value, G = RowRules(Adagrad(decay=decay)), torch.zeros(1, 1), torch.ones(1, 1)
        for step in range(5000):
            moved = moved_rows(rules, value, torch.tensor([[(-1.0) ** step]]), G, (1,))
            value, G = moved.value_UW, moved.state_US
        moves[decay] = float((moved_rows(rules, value, torch.ones(1, 1), G, (1,)).value_UW - value).abs())
    assert moves[0.99] > 6 * moves[1.0]


def test_adam_of_a_row_counts_the_steps_of_that_row_alone() -> None:
    torch.manual_seed(5)
    rules, width, random = RowRules(Adam(rate=2e-3)), 4, torch.Generator().manual_seed(2)
    theirs = [torch.nn.Parameter(torch.randn(width)) for _ in range(6)]
    optimizers = [torch.optim.Adam([row], lr=2e-3, betas=(0.9, 0.99), eps=1e-8) for row in theirs]
    value, state = torch.stack([row.detach().clone() for row in theirs]), torch.zeros(6, 2 * width + 1)
    for _ in range(40):
        touched = torch.nonzero(torch.rand(6, generator=random) < 0.4).squeeze(1)
        grad = torch.randn(len(touched), width)
        moved = moved_rows(rules, value[touched], grad, state[touched], (width,))
        value[touched], state[touched] = moved.value_UW, moved.state_US
        for at, row in enumerate(touched.tolist()):
            theirs[row].grad = grad[at].clone()
            optimizers[row].step()
    torch.testing.assert_close(value, torch.stack([row.detach() for row in theirs]), atol=1e-6, rtol=1e-5)


def test_ftrl_is_its_loop() -> None:
    torch.manual_seed(7)
    alpha, beta, l1, l2 = 0.1, 1.0, 0.6, 0.3
    rules = RowRules(linear=Ftrl(alpha, beta, l1, l2))
    value, state = torch.zeros(5, 1), torch.zeros(5, 2)
    w, z, n = [0.0] * 5, [0.0] * 5, [0.0] * 5
    for _ in range(60):
        grad = torch.randn(5, 1)
        moved = moved_rows(rules, value, grad, state, (1,))
        value, state = moved.value_UW, moved.state_US
        for row, g in enumerate(grad.flatten().tolist()):
            sigma = (math.sqrt(n[row] + g * g) - math.sqrt(n[row])) / alpha
            z[row] += g - sigma * w[row]
            n[row] += g * g
            sign = math.copysign(1.0, z[row])
            shrink = (beta + math.sqrt(n[row])) / alpha + l2
            w[row] = 0.0 if abs(z[row]) <= l1 else -(z[row] - sign * l1) / shrink
    torch.testing.assert_close(value.flatten(), torch.tensor(w), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(state[:, 0], torch.tensor(z), atol=1e-4, rtol=1e-5)


def test_ftrl_keeps_weights_at_exactly_nothing_below_its_l1() -> None:
    rules, value, state = RowRules(linear=Ftrl(l1=1.0)), torch.zeros(1, 1), torch.zeros(1, 2)
    for _ in range(9):
        moved = moved_rows(rules, value, torch.full((1, 1), 0.1), state, (1,))
        value, state = moved.value_UW, moved.state_US
    assert float(value) == 0
    for _ in range(9):
        moved = moved_rows(rules, value, torch.full((1, 1), 0.1), state, (1,))
        value, state = moved.value_UW, moved.state_US
    assert float(value) < 0


def test_a_fresh_row_holds_up_itself_and_no_other() -> None:
    rules = RowRules(Sgd(rate=1.0), clippy=Clippy(relative=0.5, absolute=0.01))
    value = torch.tensor([[2.0, -2.0], [0.0, 0.0]])
    moved = moved_rows(rules, value, torch.ones(2, 2), torch.zeros(2, 0), (2,))
    torch.testing.assert_close(moved.factor_UK, torch.tensor([[1.0], [0.01]]))
    torch.testing.assert_close(moved.value_UW, torch.tensor([[1.0, -3.0], [-0.01, -0.01]]))


def test_no_weight_moves_by_more_than_clippy_allows() -> None:
    torch.manual_seed(1)
    clippy = Clippy(relative=0.3, absolute=0.02)
    w, step = torch.randn(50, 6), torch.randn(50, 6) * 5
    step[:10] = 0
    moved = clippy_factor(clippy, w, step) * step
    assert bool((moved.abs() <= 0.3 * w.abs() + 0.02 + 1e-6).all())
    assert bool((clippy_factor(clippy, w, step)[:10] == 1).all())


def test_decay_reaches_touched_rows_only_and_no_ftrl_weight() -> None:
    rules = RowRules(Sgd(rate=0.1), linear=Ftrl(), weight_decay=0.5)
    value = torch.tensor([[1.0, 1.0, 0.3], [1.0, 1.0, 0.3]])
    grad = torch.tensor([[1e-6, 0.0, 0.0], [0.0, 0.0, 0.0]])
    moved = moved_rows(rules, value, grad, torch.zeros(2, 2), (2, 1))
    torch.testing.assert_close(moved.value_UW, torch.tensor([[0.95, 0.95, 0.3], [1.0, 1.0, 0.3]]))


def test_a_vector_never_grows_beyond_its_largest_norm() -> None:
    torch.manual_seed(1)
    rules, value = RowRules(Sgd(rate=1.0), largest_norm=2.0), torch.zeros(3, 5)
    for _ in range(20):
        value = moved_rows(rules, value, torch.randn(3, 5), torch.zeros(3, 0), (4, 1)).value_UW
        assert bool((value[:, :4].norm(dim=1) <= 2.0 + 1e-5).all())
    assert float(value[:, :4].norm(dim=1).max()) > 1.99
    assert float(value[:, 4].abs().max()) > 2.0, "a weight is no vector"


def test_a_slower_pace_is_a_smaller_rate_but_not_for_ftrl() -> None:
    value, grad, state = torch.ones(1, 3), torch.ones(1, 3), torch.tensor([[1.0, 0.0, 0.0]])
    half, whole = (
        1 - moved_rows(RowRules(linear=Ftrl()), value, grad, state, (2, 1), pace=pace).value_UW for pace in (0.5, 1.0)
    )
    torch.testing.assert_close(2 * half[:, :2], whole[:, :2])
    assert torch.equal(half[:, 2], whole[:, 2])
