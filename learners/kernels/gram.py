"""Inputs of the ranker's first layer from the vectors of fields, and back: products of any two fields among them.

What many rows share stands once: inputs of one asker, of one item, and of a row by itself (its position, its products
across both, its crosses). A bag's sum is its vector (`dim` numbers), its weight for each label, its statistics. Bags
stand field by field: F fields of N owners are bags `first + f N + n`. Gradients of bags are summed in order of rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import Floats, compiled

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]


@compiled
def side_inputs(
    sum_GW: Floats, first: int, owners: int, dim: int, speaks_F: Bools, x_NI: Floats, own_NL: Floats
) -> None:  # fmt: skip
    """The inputs of each owner by itself: vectors, products (f, g <= f), statistics; and its fields' own weights."""
    fields, labels = len(speaks_F), own_NL.shape[1]
    stats, pairs = sum_GW.shape[1] - dim - labels, fields * (fields + 1) // 2
    for n in range(len(x_NI)):
        vector_Fd = x_NI[n][: fields * dim].reshape(fields, dim)
        stat_FK = x_NI[n][fields * dim + pairs :].reshape(fields, stats)
        own_NL[n] = 0
        for f in range(fields):
            line = sum_GW[first + f * owners + n]
            for j in range(dim):
                vector_Fd[f, j] = line[j]
            for k in range(stats):
                stat_FK[f, k] = line[dim + labels + k]
            if speaks_F[f]:
                for label in range(labels):
                    own_NL[n, label] += line[dim + label]
        product, at = x_NI[n][fields * dim :], 0
        for f in range(fields):
            for g in range(f + 1):
                product[at] = _dot(vector_Fd[f], vector_Fd[g])
                at += 1


@compiled
def side_back(
    dx_NI: Floats, x_NI: Floats, slope_NL: Floats, first: int, owners: int, dim: int, speaks_F: Bools, grad_GW: Floats
) -> None:  # fmt: skip
    """Write the gradients of these owners' bags, from those of their inputs and their rows' logits; 0 for the owners
    after them, which no row has."""
    fields, labels = len(speaks_F), slope_NL.shape[1]
    for f in range(fields):
        grad_GW[first + f * owners + len(x_NI) : first + (f + 1) * owners] = 0
    for n in range(len(x_NI)):
        vector_Fd = x_NI[n][: fields * dim].reshape(fields, dim)
        direct_Fd = dx_NI[n][: fields * dim].reshape(fields, dim)
        product, at = dx_NI[n][fields * dim :], 0
        for f in range(fields):
            for g in range(f + 1):
                _add(direct_Fd[f], product[at], vector_Fd[g])
                _add(direct_Fd[g], product[at], vector_Fd[f])
                at += 1
        for f in range(fields):
            grad = grad_GW[first + f * owners + n]
            for j in range(dim):
                grad[j] = direct_Fd[f, j]
            for label in range(labels):
                grad[dim + label] = slope_NL[n, label] if speaks_F[f] else np.float32(0)


@compiled
def row_inputs(
    sum_GW: Floats, counts: Longs, shot_R: Longs, item_R: Longs, dim: int, cross_RX: Floats, x_RI: Floats,
    own_RL: Floats,
) -> None:  # fmt: skip
    """The inputs of each row by itself: its position's vector and product with itself, with each field of the asker
    and of the item, products across these two, the position's statistics, the crosses; and the position's own weights.
    `counts` are [asker's fields, askers, item's fields, items]."""
    askers, shots, shown, items = counts
    labels, crosses = own_RL.shape[1], cross_RX.shape[1]
    stats = sum_GW.shape[1] - dim - labels
    for r in range(len(x_RI)):
        x, place = x_RI[r], sum_GW[askers * shots + shown * items + r]
        for j in range(dim):
            x[j] = place[j]
        x[dim] = _dot(place[:dim], place[:dim])
        with_asker = x[dim + 1 : dim + 1 + askers]
        with_item = x[dim + 1 + askers : dim + 1 + askers + shown]
        across = x[dim + 1 + askers + shown :][: askers * shown].reshape(askers, shown)
        for a in range(askers):
            with_asker[a] = _dot(place[:dim], sum_GW[a * shots + shot_R[r]])
        for i in range(shown):
            vector = sum_GW[askers * shots + i * items + item_R[r]][:dim]
            with_item[i] = _dot(place[:dim], vector)
            for a in range(askers):
                across[a, i] = _dot(vector, sum_GW[a * shots + shot_R[r]])
        rest = x[dim + 1 + askers + shown + askers * shown :]
        for k in range(stats):
            rest[k] = place[dim + labels + k]
        for c in range(crosses):
            rest[stats + c] = cross_RX[r, c]
        for label in range(labels):
            own_RL[r, label] = place[dim + label]


@compiled
def row_back(
    dx_RI: Floats, slope_RL: Floats, sum_GW: Floats, counts: Longs, shot_R: Longs, item_R: Longs, dim: int,
    grad_GW: Floats,
) -> None:  # fmt: skip
    """Add to the gradients of the bags that each row reads; those of the positions are written."""
    askers, shots, shown, items = counts
    asker_Ad, item_Id = np.empty((askers, dim), np.float32), np.empty((shown, dim), np.float32)
    across_IA = np.empty((shown, askers), np.float32)
    for r in range(len(dx_RI)):
        dx, at = dx_RI[r], askers * shots + shown * items + r
        place, own = sum_GW[at][:dim], grad_GW[at][:dim]
        with_asker = dx[dim + 1 : dim + 1 + askers]
        with_item = dx[dim + 1 + askers : dim + 1 + askers + shown]
        across_AI = dx[dim + 1 + askers + shown :][: askers * shown].reshape(askers, shown)
        _copy(sum_GW, shot_R[r], shots, asker_Ad)
        _copy(sum_GW, askers * shots + item_R[r], items, item_Id)
        for j in range(dim):
            own[j] = dx[j] + np.float32(2) * dx[dim] * place[j]
        _through(with_asker, asker_Ad, own)
        _through(with_item, item_Id, own)
        for label in range(slope_RL.shape[1]):
            grad_GW[at, dim + label] = slope_RL[r, label]
        for a in range(askers):
            grad = grad_GW[a * shots + shot_R[r]][:dim]
            _add(grad, with_asker[a], place)
            _through(across_AI[a], item_Id, grad)
            for i in range(shown):
                across_IA[i, a] = across_AI[a, i]
        for i in range(shown):
            grad = grad_GW[askers * shots + i * items + item_R[r]][:dim]
            _add(grad, with_item[i], place)
            _through(across_IA[i], asker_Ad, grad)


@compiled
def _copy(sum_GW: Floats, first: int, step: int, vector_Fd: Floats) -> None:
    """The vectors of the fields of one owner, side by side."""
    for f in range(vector_Fd.shape[0]):
        line = sum_GW[first + f * step]
        for j in range(vector_Fd.shape[1]):
            vector_Fd[f, j] = line[j]


@compiled
def _through(weight_F: Floats, vector_Fd: Floats, out_d: Floats) -> None:
    """out += weight @ vectors, four at a time: a pass over `out` costs as much as a product."""
    fields, dim = vector_Fd.shape
    fours = fields // 4 * 4
    for g in range(0, fours, 4):
        a, b, c, d = weight_F[g], weight_F[g + 1], weight_F[g + 2], weight_F[g + 3]
        one, two, three, four = vector_Fd[g], vector_Fd[g + 1], vector_Fd[g + 2], vector_Fd[g + 3]
        for j in range(dim):
            out_d[j] += a * one[j] + b * two[j] + c * three[j] + d * four[j]
    for g in range(fours, fields):
        _add(out_d, weight_F[g], vector_Fd[g])


@compiled
def add_shared(part_NJ: Floats, owner_R: Longs, total_RJ: Floats) -> None:
    """Add to each row what its owner gives."""
    for r in range(len(owner_R)):
        line, part = total_RJ[r], part_NJ[owner_R[r]]
        for j in range(line.size):
            line[j] += part[j]


@compiled
def sum_shared(total_RJ: Floats, owner_R: Longs, part_NJ: Floats) -> None:
    """The sums of rows by owner."""
    part_NJ[:] = 0
    for r in range(len(owner_R)):
        line, part = total_RJ[r], part_NJ[owner_R[r]]
        for j in range(line.size):
            part[j] += line[j]


@compiled
def _dot(one_d: Floats, other_d: Floats) -> np.float32:
    total = np.float32(0)
    for j in range(one_d.size):
        total += one_d[j] * other_d[j]
    return total


@compiled
def _add(out_d: Floats, factor: float, vector_d: Floats) -> None:
    for j in range(vector_d.size):
        out_d[j] += factor * vector_d[j]
