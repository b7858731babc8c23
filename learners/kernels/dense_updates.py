"""Updates of dense weights in place: flat float32 vectors `P` (weights), `G` (gradient), `M` and `V` (state).

`bounds_L2` says where each layer (a named weight) begins and ends, `units_L` how many units it has (0 for a bias).
The numbers are those of `learners/optimizers/dense_steps.py`. Nothing here decides whether a batch is learned: the
caller sums the squared norms of all gradients first and asks `scale_of`, whose bound makes writing in place safe.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import Floats, compiled

Longs = NDArray[np.int64]
LEAST_NORM = 1e-3


@compiled
def squared_norm(G: Floats) -> float:
    """Sum of squares in float64: finite exactly where every number is, since no square of a float32 overflows it."""
    total = np.float64(0)
    for i in range(G.size):
        total += np.float64(G[i]) * np.float64(G[i])
    return total


def adam(P: Floats, G: Floats, M: Floats, V: Floats, scale: float, *, rate: float, first: float, second: float,
         epsilon: float, step: int) -> None:  # fmt: skip
    """Adam (Kingma and Ba, algorithm 1) on `scale * G`; `step` counts updates from 1. G stays as it is."""
    moved = rate * (1 - second**step) ** 0.5 / (1 - first**step)
    f = np.float32
    _adam(P, G, M, V, f(scale), f(moved), f(first), f(1 - first), f(second), f(1 - second), f(epsilon))


def adam_step(G: Floats, M: Floats, V: Floats, *, rate: float, first: float, second: float, epsilon: float,
              step: int) -> None:  # fmt: skip
    """The same up to the step, which takes the place of the gradient."""
    moved = rate * (1 - second**step) ** 0.5 / (1 - first**step)
    f = np.float32
    _adam_step(G, M, V, f(moved), f(first), f(1 - first), f(second), f(1 - second), f(epsilon))


@compiled
def adagrad_step(G: Floats, V: Floats, rate: float, decay: float, floor: float) -> None:
    """Adagrad by weight, V := max(decay V + g^2, floor): the step takes the place of the gradient."""
    for i in range(G.size):
        V[i] = max(decay * V[i] + G[i] * G[i], floor)
        G[i] = rate * G[i] / np.sqrt(V[i])


@compiled
def scaled(G: Floats, scale: float, largest: float) -> None:
    """G := scale G, each number cut to +-largest."""
    for i in range(G.size):
        G[i] = min(max(scale * G[i], -largest), largest)


@compiled
def bounded(P: Floats, G: Floats, bounds_L2: Longs, adaptive: float) -> None:
    """Scale the gradient of each layer down to `adaptive` norms of its weights."""
    for layer in range(len(bounds_L2)):
        start, end = bounds_L2[layer]
        norm = np.float32(np.sqrt(squared_norm(G[start:end])))
        room = adaptive * max(np.float32(np.sqrt(squared_norm(P[start:end]))), np.float32(LEAST_NORM))
        if norm > room:
            for i in range(start, end):
                G[i] *= room / norm


@compiled
def clippy_factors(P: Floats, step: Floats, bounds_L2: Longs, relative: float, absolute: float, out_L: Floats) -> None:
    """By layer: min(1, min_i (relative |w_i| + absolute) / |step_i|)."""
    for layer in range(len(bounds_L2)):
        factor = np.float32(1)
        for i in range(bounds_L2[layer, 0], bounds_L2[layer, 1]):
            room, size = relative * abs(P[i]) + absolute, abs(step[i])
            if factor * size > room:
                factor = room / size
        out_L[layer] = factor


@compiled
def apply(P: Floats, step: Floats, bounds_L2: Longs, factor_L: Floats, keep: float) -> None:
    """w := keep w - factor of its layer * step."""
    for layer in range(len(bounds_L2)):
        factor = factor_L[layer]
        for i in range(bounds_L2[layer, 0], bounds_L2[layer, 1]):
            P[i] = keep * P[i] - factor * step[i]


@compiled
def cap(P: Floats, bounds_L2: Longs, units_L: Longs, largest: float) -> None:
    """Scale the weights into each unit (a column of a matrix) down to a norm of `largest`."""
    for layer in range(len(bounds_L2)):
        start, end = bounds_L2[layer]
        for unit in range(units_L[layer]):
            total = np.float32(0)
            for i in range(start + unit, end, units_L[layer]):
                total += P[i] * P[i]
            norm = np.sqrt(total)
            if norm > largest:
                for i in range(start + unit, end, units_L[layer]):
                    P[i] *= largest / norm


@compiled
def _adam(
    P: Floats, G: Floats, M: Floats, V: Floats, scale: float, rate: float, b1: float, c1: float, b2: float, c2: float,
    epsilon: float,
) -> None:  # fmt: skip
    for i in range(P.size):
        g = scale * G[i]
        M[i] = b1 * M[i] + c1 * g
        V[i] = b2 * V[i] + c2 * g * g
        P[i] -= rate * M[i] / (np.sqrt(V[i]) + epsilon)


@compiled
def _adam_step(
    G: Floats, M: Floats, V: Floats, rate: float, b1: float, c1: float, b2: float, c2: float, epsilon: float
) -> None:
    for i in range(G.size):
        M[i] = b1 * M[i] + c1 * G[i]
        V[i] = b2 * V[i] + c2 * G[i] * G[i]
        G[i] = rate * M[i] / (np.sqrt(V[i]) + epsilon)
