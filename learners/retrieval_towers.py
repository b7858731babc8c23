"""Two towers over a session, for retrieval: what came last, and the circumstances, against what is wanted next.

A user is the sum of the rows of the last items, each through a matrix of its place, and of the rows of the
circumstances, brought to length 1; an item is its row, brought to length 1, which is what an index wants. An item as
something that came before has another row than as something that is wanted: what follows on an article is seldom that
article, nor what it follows on. Gradients are written out; nothing here knows an optimizer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from learners.learner import Floats, Ints


@dataclass(frozen=True, slots=True)
class Asked:
    """B users: rows of what they read [B, L, D], lengths [B, 1] and unit vectors [B, D]."""

    line_BLD: Floats
    length_B1: Floats
    user_BD: Floats


@dataclass(frozen=True, slots=True)
class Offered:
    """C items: lengths of their rows [C, 1] and unit vectors [C, D]."""

    length_C1: Floats
    item_CD: Floats


@dataclass(frozen=True, slots=True)
class Slopes:
    """The summed loss of a batch and its gradients: by place that was read, by candidate, by matrix, by user."""

    loss: float
    line_BLD: Floats
    item_CD: Floats
    matrix_LDD: Floats
    sum_BD: Floats


def users(line_BLD: Floats, matrix_LDD: Floats, about_BD: Floats) -> Asked:
    """Unit vectors of users from the rows of their last items (0 where there is none), latest first.

    >>> one, eye = np.ones((1, 1, 2), np.float32), np.eye(2, dtype=np.float32)[None]
    >>> users(one, eye, np.zeros((1, 2), np.float32)).user_BD.round(3).tolist()
    [[0.7070000171661377, 0.7070000171661377]]
    """
    sum_BD = about_BD.copy()
    for place, matrix_DD in enumerate(matrix_LDD):
        sum_BD += line_BLD[:, place] @ matrix_DD
    return Asked(line_BLD, *_unit(sum_BD))


def items(line_CD: Floats) -> Offered:
    """Unit vectors of items from their rows."""
    return Offered(*_unit(line_CD))


def slopes(
    asked: Asked, offered: Offered, matrix_LDD: Floats, target_B: Ints, log_q_C: Floats, temperature: float
) -> Slopes:
    """Loss and gradients of a softmax among candidates, each corrected by the log of its chance to be one (Yi et al.,
    RecSys 2019, section 3): s = u.v / t - ln q, ds = p - [target], and through x / |x| (g - u (u.g)) / |x|."""
    user_BD, item_CD = asked.user_BD, offered.item_CD
    row_B = np.arange(len(target_B))
    score_BC = (user_BD @ item_CD.T) / np.float32(temperature) - log_q_C
    score_BC -= score_BC.max(axis=1, keepdims=True)
    log_p_B = score_BC[row_B, target_B]
    slope_BC = np.exp(score_BC, out=score_BC)
    total_B1 = slope_BC.sum(axis=1, keepdims=True)
    slope_BC /= total_B1
    slope_BC[row_B, target_B] -= 1
    slope_BC /= np.float32(temperature)
    sum_BD = _through(slope_BC @ item_CD, asked.length_B1, user_BD)
    return Slopes(
        loss=float(np.log(total_B1[:, 0]).sum() - log_p_B.sum()),
        line_BLD=np.stack([sum_BD @ matrix_DD.T for matrix_DD in matrix_LDD], axis=1),
        item_CD=_through(slope_BC.T @ user_BD, offered.length_C1, item_CD),
        matrix_LDD=np.stack([asked.line_BLD[:, place].T @ sum_BD for place in range(len(matrix_LDD))]),
        sum_BD=sum_BD,
    )


def summed(row_N: Ints, grad_ND: Floats, width: int) -> tuple[Ints, Floats]:
    """Distinct rows and the sums of their gradients, in lines `width` wide; rows below 0 are left out.

    >>> row_U, grad_UX = summed(np.array([7, -1, 7]), np.array([[1.0], [2.0], [3.0]], np.float32), 2)
    >>> row_U.tolist(), grad_UX.tolist()
    ([7], [[4.0, 0.0]])
    """
    order_N = np.argsort(row_N, kind="stable")
    order_N = order_N[np.searchsorted(row_N[order_N], 0) :]
    row_U, start_U = np.unique(row_N[order_N], return_index=True)
    grad_UX = np.zeros((len(row_U), width), np.float32)
    if len(row_U):
        grad_UX[:, : grad_ND.shape[1]] = np.add.reduceat(grad_ND[order_N], start_U, axis=0)
    return row_U, grad_UX


def _unit(sum_ND: Floats) -> tuple[Floats, Floats]:
    length_N1: Floats = np.maximum(np.sqrt((sum_ND * sum_ND).sum(axis=1, keepdims=True)), np.float32(1e-6))
    return length_N1, sum_ND / length_N1


def _through(grad_ND: Floats, length_N1: Floats, unit_ND: Floats) -> Floats:
    along_N1 = (unit_ND * grad_ND).sum(axis=1, keepdims=True)
    slope_ND: Floats = (grad_ND - unit_ND * along_N1) / length_N1
    return slope_ND
