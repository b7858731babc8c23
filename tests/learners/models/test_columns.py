"""The hand-written model of columns is the same model in torch, step by step; a bad batch changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from learners.kernels.mlp import sigmoid
from learners.models.columns import ColumnModel, ColumnRules, ColumnShape
from learners.optimizers.dense_steps import moved_dense
from learners.optimizers.row_steps import moved_rows
from learners.optimizers.rules import Adagrad, Adam, Clip, DenseRules, RowRules

FIELDS, ROWS = 6, 64
RULES = ColumnRules(
    rows=RowRules(Adagrad(0.05, 0.99, 1.0)),
    dense=DenseRules(Adam(1e-3, 0.9, 0.999)),
    pairs=DenseRules(Adam(5e-3, 0.9, 0.999)),
    clip=Clip(norm=0.5),
)


@dataclass(frozen=True)
class Told:
    """Rows of the table that a batch reads, and what it teaches."""

    row_BF: Any
    value_BL: Any
    weight_BL: Any
    bags: Any = None


class InTorch:
    """The same with autograd, on rows and weights taken from a model that has not learned yet."""

    def __init__(self, model: ColumnModel, shape: ColumnShape, rows: int) -> None:
        arrays = model.dump(rows)
        self.shape = shape
        self.rows = torch.from_numpy(arrays["rows"].copy())
        self.state = torch.from_numpy(arrays["state"].copy())
        self.dense = torch.from_numpy(arrays["dense"].copy())
        self.pairs = torch.from_numpy(arrays.get("pairs", np.zeros(0, np.float32)).copy())
        self.moments = [torch.zeros(2, len(flat)) for flat in (self.dense, self.pairs)]
        self.steps = 0

    def logits(self, line_UW: Tensor, row_U: Tensor, told: Told, dense: Tensor, pairs: Tensor) -> Tensor:
        d, labels = self.shape.dim, self.shape.labels
        parts = [line_UW[torch.searchsorted(row_U, torch.from_numpy(told.row_BF))]]
        if told.bags is not None:
            row_N, count_BG = told.bags
            line_NW = line_UW[torch.searchsorted(row_U, torch.from_numpy(row_N))]
            bag_N = torch.from_numpy(np.repeat(np.arange(count_BG.size), count_BG.reshape(-1)))
            sum_MW = torch.zeros(count_BG.size, line_UW.shape[1]).index_add(0, bag_N, line_NW)
            mean_MW = sum_MW / torch.from_numpy(count_BG.reshape(-1, 1)).clamp(min=1)
            parts.append(mean_MW.view(*count_BG.shape, -1))
        line_BFW = torch.cat(parts, 1)
        vector_BFd = line_BFW[..., :d]
        logit_BL = line_BFW[..., d:].sum(1)
        f, g = np.triu_indices(line_BFW.shape[1], 1)
        product_BP = (vector_BFd[:, f] * vector_BFd[:, g]).sum(-1)
        weight_PL = pairs.view(-1, labels) if len(pairs) else torch.ones(len(f), labels)
        logit_BL = logit_BL + product_BP @ weight_PL
        x, at = vector_BFd.flatten(1), 0
        for name, size in self.shape.layers.weights().items():
            weight = dense[at : at + int(np.prod(size))].view(size)
            at += weight.numel()
            x = x @ weight if name.endswith("weight") else x + weight
            x = x.relu() if name.endswith("bias") and not name.startswith("head") else x
        return logit_BL + x

    def score_and_learn(self, told: Told) -> Tensor:
        row_B = np.concatenate([told.row_BF.reshape(-1), *([] if told.bags is None else [told.bags[0]])])
        row_U = torch.from_numpy(np.unique(row_B))
        line_UW = self.rows[row_U].requires_grad_()
        dense, pairs = self.dense.clone().requires_grad_(), self.pairs.clone().requires_grad_()
        logit_BL = self.logits(line_UW, row_U, told, dense, pairs)
        loss_BL = binary_cross_entropy_with_logits(logit_BL, torch.from_numpy(told.value_BL), reduction="none")
        leaves = [line_UW, dense, *([pairs] if len(pairs) else [])]
        grads = torch.autograd.grad((loss_BL * torch.from_numpy(told.weight_BL)).sum(), leaves)
        norm = torch.stack([grad.square().sum() for grad in grads]).sum().sqrt()
        scale = min(1.0, RULES.clip.norm * len(told.row_BF) / float(norm))
        line_g, dense_g, *pair_g = (grad * scale for grad in grads)
        self.steps += 1
        groups = (self.shape.dim, *[1] * self.shape.labels)
        moved = moved_rows(RULES.rows, line_UW.detach(), line_g, self.state[row_U], groups)
        self.rows[row_U], self.state[row_U] = moved.value_UW, moved.state_US
        layers = list(self.shape.layers.weights().values())
        dense_moved = moved_dense(RULES.dense, self.dense, dense_g, self.moments[0], layers, step=self.steps)
        self.dense, self.moments[0] = dense_moved.value_P, dense_moved.state_SP
        for grad in pair_g:
            size = [(len(grad),)]
            paired = moved_dense(RULES.pairs, self.pairs, grad, self.moments[1], size, step=self.steps)
            self.pairs, self.moments[1] = paired.value_P, paired.state_SP
        return torch.sigmoid(logit_BL.detach())


def batches(count: int, labels: int, bags: int = 0) -> list[Told]:
    random = np.random.default_rng(5)
    told = []
    for _ in range(count):
        row_BF = random.integers(0, 40, (ROWS, FIELDS)) + 40 * np.arange(FIELDS)
        value_BL = (random.random((ROWS, labels)) < 0.3).astype(np.float32)
        weight_BL = random.choice(np.array([0.0, 1.0, 2.5], np.float32), (ROWS, labels))
        count_BG = random.integers(0, 5, (ROWS, bags))
        row_N = random.integers(0, 40 * FIELDS, int(count_BG.sum()))  # some of them rows of single fields too
        told.append(Told(row_BF, value_BL, weight_BL, (row_N, count_BG) if bags else None))
    return told


CASES = [("plain", 1, 8, 0), ("plain", 3, 16, 0), ("weighted", 2, 8, 0), ("plain", 2, 16, 2), ("weighted", 1, 8, 3)]


@pytest.mark.parametrize(("product", "labels", "dim", "bags"), CASES)
def test_scores_are_those_of_the_same_model_in_torch_over_fifty_steps(
    product: Any, labels: int, dim: int, bags: int
) -> None:
    shape = ColumnShape(FIELDS, labels=labels, bags=bags, dim=dim, hidden=(16, 8), product=product)
    model, rows = ColumnModel(shape, RULES, seed=3, rows=8), 40 * FIELDS
    model.lines.grow(rows)
    peer = InTorch(model, shape, rows)
    worst = 0.0
    for told in batches(50, labels, bags):
        score_BL = np.empty_like(told.value_BL)
        sigmoid(model.forward(told.row_BF, np.zeros(labels, np.float32), told.bags), score_BL)
        assert model.step(told.value_BL, told.weight_BL) is not None
        worst = max(worst, float(np.abs(score_BL - peer.score_and_learn(told).numpy()).max()))
    assert worst < 1e-5
    assert np.abs(model.dump(rows)["rows"] - peer.rows.numpy()).max() < 1e-4


@pytest.mark.parametrize("product", ["plain", "weighted"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["value", "weight"])
def test_a_batch_that_is_not_finite_changes_nothing(product: Any, bad: float, place: str) -> None:
    model = ColumnModel(ColumnShape(FIELDS, hidden=(8,), product=product), ColumnRules(), rows=ROWS)
    model.lines.grow(240)
    told = batches(1, 1)[0]
    row_BF, value_BL, weight_BL = told.row_BF, told.value_BL, told.weight_BL
    model.forward(row_BF, np.zeros(1, np.float32))
    model.step(value_BL, weight_BL)
    before = {name: array.copy() for name, array in model.dump(240).items()}
    (value_BL if place == "value" else weight_BL)[7, 0] = bad
    model.forward(row_BF, np.zeros(1, np.float32))
    assert model.step(value_BL, weight_BL) is None
    assert all((array == before[name]).all() for name, array in model.dump(240).items())


def test_a_shape_that_can_not_be_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        ColumnShape(3, dim=12)
    with pytest.raises(ValueError, match="0 labels"):
        ColumnShape(3, labels=0)
