"""Streams of the guard's drill: a world at the wanted click rate, in slices, with labels that may be spoilt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.ctr_stream import Stream, sigmoid, stream
from learners.column_learner import ColumnLearner
from learners.columns import Columns
from learners.guard.guard import Guard
from learners.models.columns import ColumnShape

BATCH, BEFORE, CALM, FAULT, AFTER, LONG = 1024, 300_032, 102_400, 20_480, 20_480, 200_704
SHARES = ((0.55, 0.25, 0.10, 0.10), (0.50, 0.25, 0.15, 0.10), (0.60, 0.30, 0.10))
GROUPS, SLICE, RATE = 12, 2, 0.12
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Taught:
    """A stream at the wanted rate, its groups, and the learner that saw the rows before the drill."""

    told: Stream
    logit_N: Floats
    group_NA: NDArray[np.int64]
    draw_N: Floats
    learner: ColumnLearner
    usual: Guard


def world(seed: int, rows: int) -> Taught:
    """Rows of a seed; logits are moved so that the click rate is `RATE`."""
    told = stream(BEFORE + rows, seed=seed)
    logit_N = np.log(told.chance_N / (1 - told.chance_N))
    low, high = -6.0, 6.0
    for _ in range(40):
        shift = (low + high) / 2
        low, high = (shift, high) if sigmoid(logit_N + shift).mean() < RATE else (low, shift)
    logit_N = logit_N + low
    random = np.random.default_rng(seed + 1000)
    columns, first = [np.zeros(len(told), np.int64)], 1
    for shares in SHARES:
        columns.append(first + random.choice(len(shares), len(told), p=shares))
        first += len(shares)
    made = Taught(told, logit_N, np.stack(columns, 1), random.random(len(told)), learner_of(told), Guard(GROUPS))
    label_N = made.draw_N < sigmoid(logit_N)
    for start in range(0, BEFORE, BATCH):
        part = slice(start, start + BATCH)
        made.learner.learn(columns_of(made, label_N, part))
    part = slice(BEFORE, None)
    cut = replace(told, id_NF=told.id_NF[part], label_N=told.label_N[part], chance_N=told.chance_N[part])
    return replace(made, told=cut, logit_N=logit_N[part], group_NA=made.group_NA[part], draw_N=made.draw_N[part])


def spoilt(made: Taught, label_N: Bools, kind: str, lo: int, hi: int, group: int, seed: int) -> tuple[Bools, Bools]:
    """Labels after a fault, and which rows it touched."""
    random = np.random.default_rng(seed + 5)
    row_N = np.arange(len(label_N))
    bad_N = (row_N >= lo) & (row_N < hi) & (made.group_NA == group).any(1)
    wrong_N, dice_N = label_N.copy(), random.random(len(label_N))
    if kind.startswith("flip"):
        wrong_N ^= dice_N < int(kind[4:]) / 100
    elif kind.startswith("lost"):
        wrong_N &= dice_N >= int(kind[4:]) / 100
    elif kind == "shuffled":
        wrong_N[bad_N] = random.permutation(label_N[bad_N])
    else:
        wrong_N = {"ones": dice_N >= 0, "zeros": dice_N < 0, "random": dice_N < 0.5}[kind]
    return np.where(bad_N, wrong_N, label_N), bad_N


def learner_of(told: Stream) -> ColumnLearner:
    return ColumnLearner(ColumnShape(told.id_NF.shape[1]))


def columns_of(made: Taught, label_N: Bools, part: slice) -> Columns:
    return Columns(made.told.id_NF[part][: len(label_N[part])].astype(np.int64), label_N[part, None].astype(np.float32))
