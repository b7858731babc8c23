"""One group of columns of one row under any rule, for `row_updates.move_rows`.

A rule comes as numbers: which it is, how many state columns it has, and its parameters; `optimizers/host_steps.py`
makes them. The gradient is overwritten, first by what it is scaled and clipped to, then by the step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import Floats, compiled

SGD, ADAGRAD, ADAM, FTRL = range(4)
KINDS = {"sgd": SGD, "adagrad": ADAGRAD, "adam": ADAM, "ftrl": FTRL}

Doubles = NDArray[np.float64]
Rules = tuple[NDArray[np.int64], Doubles, Floats]
"""Per group its kind and its number of state columns, [K, 2]; per group its parameters, [K, 4], in the order of the
rule's fields; and what holds for all: scale, value clip, Clippy's relative and absolute part, decay, largest norm."""


@compiled
def moved_group(line: Floats, grad: Floats, start: int, end: int, state: int, rules: Rules, k: int) -> Any:
    """Move one group; Clippy's factor, or -1 where there was no gradient and nothing moved."""
    kinds, parameters, shared = rules
    kind, told, rate = kinds[k, 0], parameters[k], np.float32(parameters[k, 0])
    total = _clipped(grad, start, end, shared[0], shared[1])
    if not total > 0:
        return np.float32(-1)
    if kind == FTRL:
        _ftrl(line, grad, start, end, state, told)
        return np.float32(1)
    if kind == ADAGRAD:
        G = max(np.float32(told[1]) * line[state] + total / np.float32(end - start), np.float32(told[2]))
        line[state] = G
        step = rate / np.sqrt(G)
        for column in range(start, end):
            grad[column] *= step
    elif kind == ADAM:
        _adam(line, grad, start, end, state, told)
    else:
        for column in range(start, end):
            grad[column] *= rate
    factor = _clippy(line, grad, start, end, shared[2], shared[3])
    keep = np.float32(1) - rate * shared[4]
    for column in range(start, end):
        line[column] = keep * line[column] - factor * grad[column]
    if end - start > 1:
        _cap(line, start, end, shared[5])
    return factor


@compiled
def _clipped(grad: Floats, start: int, end: int, scale: float, largest: float) -> Any:
    """Scale and clip the gradient; the sum of its squares."""
    total = np.float32(0)
    for column in range(start, end):
        g = min(max(scale * grad[column], -largest), largest)
        grad[column] = g
        total += g * g
    return total


@compiled
def _adam(line: Floats, grad: Floats, start: int, end: int, state: int, told: Doubles) -> None:
    width, f = end - start, np.float32
    first, second, epsilon = f(told[1]), f(told[2]), f(told[3])
    fresh, square = f(1 - told[1]), f(1 - told[2])
    steps = np.float64(line[state + 2 * width]) + 1
    line[state + 2 * width] = steps
    scale = f(told[0] * np.sqrt(1 - told[2] ** steps) / (1 - told[1] ** steps))
    for i in range(width):
        g = grad[start + i]
        m = first * line[state + i] + fresh * g
        v = second * line[state + width + i] + square * g * g
        line[state + i], line[state + width + i] = m, v
        grad[start + i] = scale * m / (np.sqrt(v) + epsilon)


@compiled
def _ftrl(line: Floats, grad: Floats, start: int, end: int, state: int, told: Doubles) -> None:
    f, width = np.float32, end - start
    alpha, beta, l1, l2 = f(told[0]), f(told[1]), f(told[2]), f(told[3])
    for i in range(width):
        g, n = grad[start + i], line[state + width + i]
        more = n + g * g
        z = line[state + i] + g - (np.sqrt(more) - np.sqrt(n)) / alpha * line[start + i]
        line[state + i], line[state + width + i] = z, more
        pull = (l1 if z > 0 else -l1) - z
        line[start + i] = np.float32(0) if abs(z) <= l1 else pull / ((beta + np.sqrt(more)) / alpha + l2)


@compiled
def _clippy(line: Floats, step: Floats, start: int, end: int, relative: float, absolute: float) -> Any:
    """min(1, min_i (relative |w_i| + absolute) / |step_i|), without a division for steps that fit."""
    factor = np.float32(1)
    for column in range(start, end):
        room, size = relative * abs(line[column]) + absolute, abs(step[column])
        if factor * size > room:
            factor = room / size
    return factor


@compiled
def _cap(line: Floats, start: int, end: int, largest: float) -> None:
    if largest == np.inf:
        return
    total = np.float32(0)
    for column in range(start, end):
        total += line[column] * line[column]
    norm = np.sqrt(total)
    if norm > largest:
        for column in range(start, end):
            line[column] *= largest / norm
