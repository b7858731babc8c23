"""Streams of the guard's drill: drawn worlds at the wanted click rate, in slices, whose truth may move, and labels that
may be spoilt. Nothing here learns or judges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.ctr_stream import World, sigmoid, stream
from learners.columns import Columns

BATCH, LONG, CYCLE, DRIFT = 1024, 102_400, 100_000, 200_000
SHARES = ((0.55, 0.25, 0.10, 0.10), (0.50, 0.25, 0.15, 0.10), (0.60, 0.30, 0.10))
"""Of producers, app versions and surfaces; which row is of which is drawn, and says nothing of its label."""
SLICE, OLD, NEW, GROUPS = 2, 6, 12, 13
"""The slice of 25 % that is spoilt, the app version of 25 % that a new one replaces, that one; how many there are."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Size:
    """Rows before anything happens, of a fault, after it, of a shift, of the clean stream, of the drifting one."""

    start: int
    fault: int
    after: int
    shift: int
    clean: int
    drift: int


SIZES = {
    0.12: Size(402_432, 20_480, 20_480, 200_704, 1_000_448, 300_032),
    0.02: Size(402_432, 20_480, 20_480, 200_704, 802_816, 400_384),
    0.001: Size(802_816, 102_400, 102_400, 200_704, 1_204_224, 400_384),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Rows in their order: keys, labels as people gave them, groups, and how many of these there are."""

    key_NF: NDArray[np.int32] | Ints
    label_N: Bools
    group_NA: Ints
    groups: int

    def columns(self, label_N: Bools, part: slice) -> Columns:
        """Some rows with these labels; batches begin where the stream begins."""
        return Columns(self.key_NF[part].astype(np.int64), label_N[part, None].astype(np.float32))

    def batches(self, rows: slice) -> Iterator[slice]:
        for start in range(rows.start, rows.stop, BATCH):
            yield slice(start, min(start + BATCH, rows.stop))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A scene whose truth is known: logits, those of worlds in which half and all of the ids got other weights at
    `start`, and the draws that make labels of chances."""

    scene: Scene
    rate: float
    size: Size
    logit_N: Floats
    half_N: Floats
    all_N: Floats
    draw_N: Floats


def drawn(seed: int, rate: float, size: Size) -> Drawn:
    """Rows of a seed; logits are moved so that the click rate is `rate`. Fewer rows are the first of more."""
    rows, moved = size.clean, min(size.clean, size.start + max(size.shift, size.drift))
    told = stream(rows, seed=seed)
    logit_N = _logits(told.chance_N)
    level = _level(logit_N[: size.start], rate)
    other = [
        level + _logits(stream(moved, seed=seed, drift_at=(size.start,), world=World(drift_share=share)).chance_N)
        for share in (0.5, 1.0)
    ]
    random, *of_axis = (np.random.default_rng((seed, one)) for one in range(1 + len(SHARES)))
    groups, first = [np.zeros(rows, np.int64)], 1
    for shares, of_slice in zip(SHARES, of_axis, strict=True):
        groups.append(first + of_slice.choice(len(shares), rows, p=shares))
        first += len(shares)
    draw_N = random.random(rows)
    label_N = draw_N < sigmoid(logit_N + level)
    scene = Scene(told.id_NF, label_N, np.stack(groups, axis=1), GROUPS)
    return Drawn(scene, rate, size, logit_N + level, other[0], other[1], draw_N)


def moved(made: Drawn, kind: str) -> Scene:
    """A world that changes at `start`, for good: `x0.5` (click rate), `new` (a new app version whose rate is half as
    much again), `half`, `all` (weights of so many ids), `drift` (the half of them, over 200,000 rows), `cycle`."""
    start, scene = made.size.start, made.scene
    rows = min(start + (made.size.drift if kind == "drift" else made.size.shift), len(made.half_N))
    number_N, logit_N, group_NA = np.arange(rows), made.logit_N[:rows].copy(), scene.group_NA[:rows].copy()
    late_N = number_N >= start
    if kind.startswith("x"):
        logit_N = _times(logit_N, np.where(late_N, float(kind[1:]), 1.0))
    elif kind == "cycle":
        turn_N = 2 * np.pi * (number_N - start) / CYCLE
        logit_N = _times(logit_N, 1 + 0.3 * np.sin(turn_N) * late_N)
    elif kind == "new":
        new_N = late_N & (group_NA[:, 2] == OLD)
        group_NA[new_N, 2] = NEW
        logit_N = _times(logit_N, np.where(new_N, 1.5, 1.0))
    elif kind != "clean":
        part_N = np.clip((number_N - start) / DRIFT, 0, 1) if kind == "drift" else late_N
        other_N = (made.all_N if kind == "all" else made.half_N)[:rows]
        logit_N += part_N * (other_N - logit_N)
    return Scene(scene.key_NF[:rows], made.draw_N[:rows] < sigmoid(logit_N), group_NA, scene.groups)


def spoilt(scene: Scene, kind: str, bad_N: Bools, seed: int) -> Bools:
    """Labels after a fault of these rows: `flip30`, `lost50` (percent), `ones`, `zeros`, `random`, `shuffled`."""
    random = np.random.default_rng(seed + 5)
    dice_N, wrong_N = random.random(len(bad_N)), scene.label_N.copy()
    if kind.startswith("flip"):
        wrong_N ^= dice_N < int(kind[4:]) / 100
    elif kind.startswith("lost"):
        wrong_N &= dice_N >= int(kind[4:]) / 100
    elif kind == "shuffled":
        wrong_N[bad_N] = random.permutation(wrong_N[bad_N])
    else:
        wrong_N = {"ones": dice_N >= 0, "zeros": dice_N < 0, "random": dice_N < 0.5}[kind]
    return np.where(bad_N, wrong_N, scene.label_N)


def _logits(chance_N: Floats) -> Floats:
    logit_N: Floats = np.log(chance_N / (1 - chance_N))
    return logit_N


def _times(logit_N: Floats, factor_N: Floats) -> Floats:
    """Logits at so many times the click rate."""
    return np.where(factor_N == 1.0, logit_N, _logits(np.minimum(sigmoid(logit_N) * factor_N, 0.97)))


def _level(logit_N: Floats, rate: float) -> float:
    low, high = -12.0, 12.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if sigmoid(logit_N + middle).mean() < rate else (low, middle)
    return low
