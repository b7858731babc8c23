"""What stands between the products of two towers: unit length and back, and the sampled softmax with its slopes.

A loss is summed over positives. The correction by the log of each candidate's chance of being one is that of Bengio
and Senécal 2008 ("Adaptive importance sampling to accelerate training of a neural probabilistic language model").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from learners.kernels.vectors import Floats, compiled

Longs = NDArray[np.int64]
LEAST = np.float32(1e-6)
"""A shorter vector is divided by this instead of by its length."""


@compiled
def to_unit(vector_ND: Floats, length_N: Floats) -> None:
    """Divide by the length, in place; the lengths go to `length_N`."""
    for n in range(len(vector_ND)):
        line, total = vector_ND[n], np.float32(0)
        for j in range(line.size):
            total += line[j] * line[j]
        length = np.sqrt(total)
        length_N[n] = length
        share = np.float32(1) / max(length, LEAST)
        for j in range(line.size):
            line[j] *= share


@compiled
def from_unit(grad_ND: Floats, unit_ND: Floats, length_N: Floats) -> None:
    """In place, from gradients of unit vectors to those of what was divided: across the vector, by its length."""
    for n in range(len(unit_ND)):
        grad, unit, along = grad_ND[n], unit_ND[n], np.float32(0)
        if length_N[n] >= LEAST:
            for j in range(unit.size):
                along += grad[j] * unit[j]
        share = np.float32(1) / max(length_N[n], LEAST)
        for j in range(unit.size):
            grad[j] = (grad[j] - along * unit[j]) * share


def softmax_loss(score_PC: Floats, target_P: Longs, log_q_C: Floats, temperature: float) -> float:
    """The summed loss of candidate `target_P` among all, with scores / temperature - log_q as logits; in place of the
    scores come the slopes by score."""
    heat, least_P = np.float32(1 / temperature), np.empty(len(score_PC), np.float32)
    _below_the_most(score_PC, log_q_C, target_P, heat, least_P)
    np.exp(score_PC, out=score_PC)  # numpy's is vector code, a kernel's is not
    loss: float = _slopes(score_PC, target_P, heat, least_P)
    return loss


@compiled
def _below_the_most(score_PC: Floats, log_q_C: Floats, target_P: Longs, heat: float, chosen_P: Floats) -> None:
    """Scores to logits, less the largest of their line; that of the target goes to `chosen_P`."""
    for p in range(len(score_PC)):
        line, most = score_PC[p], np.float32(-np.inf)
        for c in range(line.size):
            line[c] = line[c] * heat - log_q_C[c]
            most = max(most, line[c])
        for c in range(line.size):
            line[c] -= most
        chosen_P[p] = line[target_P[p]]


@compiled
def _slopes(power_PC: Floats, target_P: Longs, heat: float, chosen_P: Floats) -> float:
    summed = np.float64(0)
    for p in range(len(power_PC)):
        line, total = power_PC[p], np.float32(0)
        for c in range(line.size):
            total += line[c]
        summed += np.log(total) - chosen_P[p]
        share = heat / total
        for c in range(line.size):
            line[c] *= share
        line[target_P[p]] -= heat
    return summed
